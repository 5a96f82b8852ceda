"""Why a sign-in did not succeed: turns the engine's error into a code, a plain sentence and the
next step.

Pure.
"""

from pwsh_kernels.catalog import Explanation, Module, Route, Tenant, explain
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.runs.run import Run, failure_sentence
from pwsh_kernels.sessions.session import SignInCode, SignInFailure
from pwsh_kernels.sessions.sign_in.device_code import declined, expired
from pwsh_kernels.sessions.sign_in.network import UNREACHABLE, named_in, unreachable_sentence
from pwsh_kernels.sessions.sign_in.route_choice import known_facts, other_routes

NEW_CODE = "Sign in again for a new code."


class SignInRefused(Exception):
    """A sign-in ended without success."""

    def __init__(
        self,
        code: SignInCode,
        reason: str,
        explanation: Explanation | None = None,
        account: str | None = None,
    ) -> None:
        """`account`: who signed in and was refused."""
        super().__init__(reason)
        self.failure = SignInFailure(code, reason, explanation, account=account)
        self.account = account


def check_connected(run: Run, tenant: Tenant, module: Module, route: Route) -> None:
    """Raise SignInRefused if the connect script was stopped or ended by an error; the check decides
    everything else.
    """
    if run.state == "cancelled":
        raise SignInRefused("sign_in_cancelled", f"The sign-in was cancelled. {_again(route)}")
    if run.state == "lost":
        raise SignInRefused(
            "sign_in_failed", f"The session was lost during the sign-in: {run.reason}"
        )
    if run.state == "succeeded" or (run.summary and run.summary.outcome == "completed"):
        return
    witnesses = _witnesses(run)
    if route.asks_person and any(map(expired, witnesses)):
        raise SignInRefused(
            "sign_in_expired", f"The code expired before anyone signed in. {NEW_CODE}"
        )
    if route.asks_person and any(map(declined, witnesses)):
        raise SignInRefused("sign_in_declined", f"The sign-in was declined on the page. {NEW_CODE}")
    raise explained(run, tenant, module, route)


def explained(
    run: Run, tenant: Tenant, module: Module, route: Route | None, unknown: str = ""
) -> SignInRefused:
    """Return the refusal for a failed script of a sign-in; `unknown` precedes an error without an
    explanation.
    """
    witnesses, said = _witnesses(run), failure_sentence(run)
    words = [one.said for one in witnesses] or [said]
    text, found = next(((text, known) for text in words if (known := explain(text))), ("", None))
    if found is None:
        return SignInRefused("sign_in_failed", f"{unknown}{said}{_last_warning(witnesses)}")
    if found.code == UNREACHABLE:
        hosts = module.hosts_of(route, known_facts(tenant, module)) if route else ()
        return SignInRefused(
            "sign_in_unreachable", unreachable_sentence(named_in(text, hosts)), found
        )
    advice = found.remedy
    if found.blocks_route and route and route.asks_person:
        advice = f"{advice} {_way_out(tenant, module, route)}"
    code: SignInCode = "sign_in_blocked" if found.blocks_route else "sign_in_failed"
    return SignInRefused(code, f"{found.sentence} {advice} ({found.code})", found)


def _witnesses(run: Run) -> list[Record]:
    """Return the texts that may say why a run failed, best first: its error and, if that explains
    nothing, its warnings.

    The last warning comes first. PnP's error is always the same; what the service said is in a
    warning (docs/sandbox.md).
    """
    error = run.summary.terminating_error if run.summary else None
    if error and (explain(error.said) or expired(error) or declined(error)):
        return [error]
    return [*([error] if error else []), *reversed([*run.warnings, *run.hints])]


def _last_warning(witnesses: list[Record]) -> str:
    """Return the last warning as a sentence that follows the error."""
    last = next((" ".join(one.message.split()) for one in witnesses if one.kind == "warning"), "")
    return f" The last warning was: {last}" if last else ""


def _way_out(tenant: Tenant, module: Module, route: Route) -> str:
    """Say which other sign-in routes there are."""
    ready, possible = other_routes(tenant, module, route)
    if ready:
        return (
            f"Configured for {tenant.name} without a device code: {', '.join(ready)}. Request it"
            " with `route`."
        )
    if possible:
        return (
            f"Ways without a device code: {', '.join(possible)}. Configure one in"
            f" [tenant.{module.key}] of {tenant.name} in the tenants file (docs/tenants.md)."
        )
    return ""


def _again(route: Route) -> str:
    return NEW_CODE if route.asks_person else "Sign in again."
