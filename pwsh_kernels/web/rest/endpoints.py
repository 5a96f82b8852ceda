"""What each route does: one function per route, from a checked call to a JSON answer."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypedDict, TypeVar

from pydantic import BaseModel, SecretStr

from pwsh_kernels import shapes
from pwsh_kernels.approvals.canonical_text import one_line
from pwsh_kernels.approvals.policy import Need, needs
from pwsh_kernels.approvals.proof import Proof
from pwsh_kernels.audit.event import Kind
from pwsh_kernels.audit.selection import Selection, read_newest, read_page, require_kind
from pwsh_kernels.catalog import FactName, Module, Route, Secret
from pwsh_kernels.errors import (
    InvalidRequest,
    NotCarried,
    NotOnlyReading,
    NotReady,
    ServerStarting,
    Unauthorized,
)
from pwsh_kernels.messages import checked_options
from pwsh_kernels.notifications.notice import trial
from pwsh_kernels.principals.freezes import Freeze, Freezes
from pwsh_kernels.principals.places import tenant_place
from pwsh_kernels.principals.principal import SERVER, Where, is_agents_id
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions import LinesQuery, LoginRequest, ObjectsQuery, RunRequest, read_condition
from pwsh_kernels.sessions.facade import DEFAULT_MODULE, Judge
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.audit_events import agents, approval_code_given, page_event, passkey_event
from pwsh_kernels.web.page_codes import ADD_PASSKEY, GivenCode, approving
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.audit_view import head_view, page_view
from pwsh_kernels.web.rest.bodies import (
    ApprovalsQuery,
    ApproveBody,
    AuditQuery,
    CancelBody,
    ClassifyBody,
    ClassifyQuery,
    CommandsQuery,
    DeclineBody,
    DisconnectBody,
    FreezeBody,
    InputBody,
    LinesQueryString,
    LoginBody,
    ModulesQuery,
    PasskeyBody,
    QueryBody,
    RunBody,
    RunQuery,
    RunsQuery,
    SessionBody,
    SessionsQuery,
    StatusBody,
    ThawBody,
)
from pwsh_kernels.web.rest.classification_view import Policy, classification_view

_log = logging.getLogger(__name__)

Model = TypeVar("Model", bound=BaseModel)
AnyRun = TypeVar("AnyRun", bound=shapes.Run)
AnySession = TypeVar("AnySession", bound=shapes.Session)


class CallerFacts(TypedDict, total=False):
    """The caller; empty for a route that is open to everybody."""

    principal: str
    client: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: its body or query as the model that the route declares, its caller, the
    id in its path.
    """

    backend: Backend
    caller: Caller | None
    values: BaseModel
    id: str = ""
    proof: Proof = Proof.TOKEN_CONFINED
    """By what the caller is known. Only the page has asked for more than a token."""

    @property
    def by(self) -> CallerFacts:
        """The caller, in the field names of the sessions' requests."""
        return {"principal": self.caller.name, "client": self.caller.client} if self.caller else {}

    def sees(self, key: SessionKey) -> bool:
        """Return whether the caller may know of a session."""
        return self.may(Verb.SEE, key)

    def reads(self, key: SessionKey) -> bool:
        """Return whether the caller may know what was run in a session."""
        return self.may(Verb.READ, key)

    def may(self, verb: Verb, key: SessionKey) -> bool:
        """Return whether the caller may do something in a session."""
        return self.caller is not None and self.backend.guard.allows(self.caller, verb, key)

    def knows(self, tenant: str) -> bool:
        """Return whether the caller may know of a tenant; empty: of none in particular."""
        guard = self.backend.guard
        return self.caller is not None and (not tenant or guard.sees_tenant(self.caller, tenant))

    def place(self, tenant: str | None, verb: Verb) -> Where:
        """Return a tenant by any of its names, or with None the whole server, in which the caller
        may do something.

        Raises Forbidden; UnknownTenant, InvalidTenant for one that the caller may not see.
        """
        guard = self.backend.guard
        if self.caller is None:
            return SERVER
        where = tenant_place(guard.find_tenant(self.caller, tenant)) if tenant else SERVER
        guard.require(self.caller, verb, SERVER if verb is Verb.ADMINISTER else where)
        return where

    def known_caller(self) -> Caller:
        """Return who calls. Raises Unauthorized."""
        if self.caller is None:
            raise Unauthorized
        return self.caller

    def judging(self, body: RunBody) -> Judge:
        """Return the question whether the caller's command may run somewhere.

        Raises Unauthorized without a caller; BreakGlassRefused, InvalidRequest.
        """
        caller = self.known_caller()
        if not body.break_glass:
            return self.backend.changes.judging(caller, [body.command], reason=body.reason)
        if body.tier == "read":
            raise InvalidRequest("break_glass", "is not for the read tier, where nothing changes")
        return self.backend.break_glass.judging(caller, [body.command])

    def admit(self, tenant: str, module: str, tier: shapes.Tier) -> None:
        """Raise as `Guard.require_session` does for a session in which the caller may not run."""
        if self.caller is not None:
            self.backend.guard.require_session(self.caller, Verb.WRITE, tenant, module, tier)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object and its HTTP status."""

    body: Mapping[str, object]
    status: int = 200


async def health(call: Call) -> Answer:
    """Report whether the product works here, without names and paths, because anybody may ask."""
    return Answer(call.backend.health.view(call.backend.sessions.health()))


async def live(_: Call) -> Answer:
    """Report that the server's process answers, whatever else is wrong; for supervisors."""
    body: shapes.Live = {"status": "live"}
    return Answer(body)


async def ready(call: Call) -> Answer:
    """Report that the server has found its sessions and can start new ones.

    Raises ServerStarting, NotReady.
    """
    if not call.backend.ready.is_set():
        raise ServerStarting
    if obstacle := call.backend.health.obstacle():
        raise NotReady(reason=obstacle)
    body: shapes.Ready = {"status": "ready"}
    return Answer(body)


async def modules(call: Call) -> Answer:
    """List the services of the catalog, in the predecessor's fields; broken files are named."""
    catalog, installed = call.backend.catalog, None
    if _as(call, ModulesQuery).installed:
        installed = await call.backend.installed(
            [one.powershell_module for one in catalog.modules.values()]
        )
    view: shapes.Modules = {
        "success": True,
        "modules": list(catalog.modules),
        "details": {
            key: _module_view(
                one, None if installed is None else installed.get(one.powershell_module, "")
            )
            for key, one in catalog.modules.items()
        },
        "unsupported": {
            key: {"title": one.title, "reason": one.reason, "instead": one.instead}
            for key, one in catalog.unsupported.items()
        },
        "broken": [one.text() for one in catalog.broken],
    }
    return Answer(view)


def _module_view(module: Module, installed: str | None) -> shapes.Module:
    return {
        "name": module.powershell_module,
        "title": module.title,
        "purpose": module.purpose,
        "minimum_version": module.minimum_version,
        "install": module.install,
        "installed": installed,
        "routes": [_route_view(one) for one in module.routes.values()],
        "limits": list(module.limits),
    }


def _route_view(route: Route) -> shapes.Route:
    return {
        "name": route.name,
        "asks_person": route.asks_person,
        "needs": [list(alternatives) for alternatives in route.needs],
        "survives_restart": route.survives != "nothing",
        "survival": route.survival,
    }


async def sessions(call: Call) -> Answer:
    """List the sessions; with `seen`, once they differ from what the caller has seen."""
    query, known = _as(call, SessionsQuery), call.backend.sessions
    if query.seen is not None:
        await known.changed(query.seen, call.backend.capped(query.wait_s) or 0, call.sees)
    view: shapes.Sessions = {
        "success": True,
        "version": known.version(call.sees),
        "sessions": [_shown(call, one) for one in known.views(call.sees)],
    }
    return Answer(view)


async def tenants(call: Call) -> Answer:
    """List the known tenants."""
    known, caller, guard = call.backend.sessions.tenants(), call.caller, call.backend.guard
    seen = [
        one for one in known["tenants"] if caller and guard.sees_tenant(caller, one["names"][0])
    ]
    view: shapes.Tenants = {"success": True, **known, "tenants": seen}
    return Answer(view)


async def audit(call: Call) -> Answer:
    """Return records of the audit log: behind a number, oldest first; or the newest first.

    Raises InvalidRequest.
    """
    query, log = _as(call, AuditQuery), call.backend.audit.log
    require_kind(query.kind)
    asked = Selection(
        query.who, query.tenant, query.kind, query.since, judged=query.judged, run_id=query.run
    )
    if log is None:
        return Answer(page_view([], query.after, more=False))
    if query.newest:
        newest = partial(read_newest, log.folder, asked, query.before, query.limit)
        return Answer(page_view(*await asyncio.to_thread(newest)))
    found = await asyncio.to_thread(read_page, log.folder, asked, query.after, query.limit + 1)
    page = found[: query.limit]
    after = page[-1]["seq"] if page else query.after
    return Answer(page_view(page, after, more=len(found) > len(page)))


async def audit_head(call: Call) -> Answer:
    """Return number and hash of the last record, to be noted elsewhere."""
    return Answer(head_view(call.backend.audit))


async def audit_verify(call: Call) -> Answer:
    """Verify the log, and return its head with what was found."""
    trail = call.backend.audit
    if trail.verifier is not None:
        await trail.verifier.verify()
    return Answer(head_view(trail))


async def watchdog(call: Call) -> Answer:
    """Report the watchdog's limits."""
    view: shapes.Watchdog = {"success": True, **call.backend.sessions.watchdog()}
    return Answer(view)


async def login(call: Call) -> Answer:
    """Start or follow a sign-in."""
    body = _as(call, LoginBody)
    request = LoginRequest(
        tenant=body.tenant,
        module=body.module,
        expected_account=body.expected_account,
        route=body.route,
        secrets=_handed_in(body),
        sharepoint_tenant=body.sharepoint_tenant,
        conversation_id=body.conversation_id,
        wait_s=call.backend.capped(body.wait_s),
        tier=body.tier,
        **call.by,
    )
    return Answer(await call.backend.sessions.login(request))


async def status(call: Call) -> Answer:
    """Report one session's state, without creating one."""
    body = _as(call, StatusBody)
    wait_s = call.backend.capped(body.wait_s) or 0
    view = await call.backend.sessions.status(body.tenant, body.module, wait_s, body.tier)
    return Answer(_told_status(call, view))


async def run(call: Call) -> Answer:
    """Run a command; 202 if it has not ended within the wait."""
    body = _as(call, RunBody)
    request = RunRequest(
        tenant=body.tenant,
        command=body.command,
        module=body.module,
        options=checked_options(
            body.parameters, body.format, body.width, body.max_chars, file=body.file
        ),
        wait_s=call.backend.capped(body.wait_s),
        conversation_id=body.conversation_id,
        tier=body.tier,
        break_glass=one_line(body.break_glass or ""),
        **call.by,
    )
    if body.dry_run:
        return await _dry_run(call, body, request)
    judge = call.judging(body)
    if body.tenants:
        views = await call.backend.sessions.run_everywhere(
            request,
            list(body.tenants),
            partial(call.admit, tier=body.tier),
            lambda key: call.may(Verb.WRITE, key),
            judge,
        )
        views["results"] = [
            one if one["state"] == "refused" else _told(call, one) for one in views["results"]
        ]
        return Answer(views, 202 if not shapes.OPEN.isdisjoint(views["states"]) else 200)
    try:
        view = await call.backend.sessions.run(request, judge)
    except (NotCarried, NotOnlyReading) as refused:
        other = SessionKey(refused.tenant, refused.module)
        raise replace(refused, may_write=call.may(Verb.WRITE, other)) from None
    return Answer(_told(call, view), 202 if view["state"] in shapes.OPEN else 200)


async def _dry_run(call: Call, body: RunBody, request: RunRequest) -> Answer:
    """Say what a command would change; whoever may not even ask for a change is told so.

    Raises InvalidRequest, CannotPreview, ChangesRefused.
    """
    if body.tenants or body.tier == "read" or body.file or body.break_glass:
        raise InvalidRequest("dry_run", "is for a command in one tenant, in its tier `write`")
    if call.caller is None:
        raise Unauthorized
    backend = call.backend
    module = backend.catalog.module(body.module).key
    key = SessionKey(backend.guard.find_tenant(call.caller, body.tenant).name, module)
    dry = await backend.changes.dry_run(call.caller, body.command, key)
    view = await backend.sessions.dry_run(request, dry)
    return Answer(_told(call, view), 202 if view["state"] in shapes.OPEN else 200)


async def notebook(call: Call) -> Answer:
    """Return a session's commands and their output as a notebook: the answer is the file."""
    return Answer(await call.backend.sessions.notebook(call.id, **call.by))


async def commands(call: Call) -> Answer:
    """Find commands of a session by words."""
    asked = _as(call, CommandsQuery)
    wait_s = call.backend.capped(asked.wait_s) or 0
    return Answer(
        await call.backend.sessions.find(call.id, asked.words, asked.limit, wait_s, **call.by)
    )


async def classify(call: Call) -> Answer:
    """Tell what a PowerShell text does, without running it: read, write, unknown, destructive."""
    query = _as(call, ClassifyQuery)
    return await _classified(call, query)


async def classify_text(call: Call) -> Answer:
    """Tell the same of a text in a body."""
    body = _as(call, ClassifyBody)
    return await _classified(call, body)


async def _classified(call: Call, asked: ClassifyQuery | ClassifyBody) -> Answer:
    """Raises UnknownModule, UnsupportedModule, PowerShellNotFound, PowerShellStartFailed,
    TooManyClassifications; for a tenant that the caller may not see, UnknownTenant, InvalidTenant.
    """
    module = asked.module or (DEFAULT_MODULE if asked.tenant else "")
    key = call.backend.catalog.module(module).key if module else ""
    rule = _policy(call, asked.tenant, key) if asked.tenant else None
    who = call.caller.name if call.caller else ""
    found = await call.backend.classifier.classify(asked.text, key, who)
    return Answer(classification_view(found, rule))


def _policy(call: Call, tenant: str, module: str) -> Policy:
    """Return what becomes of a text by its class, for the caller in a session: nothing runs for
    whoever may not write there. Raises Unauthorized, Forbidden, UnknownTenant, InvalidTenant.
    """
    if call.caller is None:
        raise Unauthorized
    guard = call.backend.guard
    guard.require_session(call.caller, Verb.SEE, tenant, module)
    key = SessionKey(guard.find_tenant(call.caller, tenant).name, module)
    if not call.may(Verb.WRITE, key):
        return lambda _: Need.REFUSE
    return partial(needs, call.backend.changes.changes(call.caller, key.tenant, key.module))


async def runs(call: Call) -> Answer:
    """List the remembered runs."""
    query = _as(call, RunsQuery)
    views = call.backend.sessions.run_views(
        query.tenant,
        query.module,
        query.state,
        query.purpose,
        tier=query.tier,
        judged=query.judged,
        break_glass=query.break_glass,
        limit=query.limit,
        shown=call.reads,
    )
    view: shapes.Runs = {"success": True, "runs": [_told(call, one) for one in views]}
    return Answer(view)


async def run_notebook(call: Call) -> Answer:
    """Return one run and its output as a notebook: the answer is the file."""
    return Answer(await call.backend.sessions.run_notebook(call.id, **call.by))


async def one_run(call: Call) -> Answer:
    """Return one run and its output from a cursor."""
    query = _as(call, RunQuery)
    wait_s = call.backend.capped(query.wait_s) or 0
    view = await call.backend.sessions.run_view(
        call.id, query.cursor, wait_s, query.limit, query.seen
    )
    return Answer(_told(call, view))


async def lines(call: Call) -> Answer:
    """Return lines of a run's output, or those that match a search."""
    query = _as(call, LinesQueryString)
    asked = LinesQuery(query.first, query.count, query.search, query.context, query.ignore_case)
    return Answer(await call.backend.sessions.lines(call.id, asked))


async def query(call: Call) -> Answer:
    """Filter, sort and project the kept objects of a run; 202 if the session did not become free
    within the wait.
    """
    body = _as(call, QueryBody)
    asked = ObjectsQuery(
        where=tuple(read_condition(one) for one in body.where),
        sort_by=body.sort_by,
        descending=body.descending,
        select=tuple(dict.fromkeys(body.select)) if body.select else None,
        skip=body.skip,
        first=body.first,
        format=body.format,
        width=body.width,
        wait_s=call.backend.capped(body.wait_s),
        **call.by,
    )
    view = await call.backend.sessions.query(call.id, asked)
    return Answer(_told(call, view), 202 if view["state"] in shapes.OPEN else 200)


async def cancel(call: Call) -> Answer:
    """Stop a run."""
    wait_s = call.backend.capped(_as(call, CancelBody).wait_s) or 0
    return Answer(_told(call, await call.backend.sessions.cancel(call.id, wait_s, **call.by)))


async def approvals(call: Call) -> Answer:
    """List the changes that wait, or have waited, for a person; with `seen`, once they differ."""
    query, known, caller = _as(call, ApprovalsQuery), call.backend.approvals, call.known_caller()
    shown = known.shown(caller)
    if query.seen is not None:
        wait_s = call.backend.capped(query.wait_s) or 0
        await known.changes.wait_for(lambda: known.version(shown) != query.seen, wait_s)
    listed = [known.view(one, caller) for one in known.desk.listed(shown, now())]
    view: shapes.Approvals = {
        "success": True,
        "version": known.version(shown),
        "approvals": [one for one in listed if one["state"] == "pending" or not query.waiting],
    }
    return Answer(view)


async def approval(call: Call) -> Answer:
    """Show one of them as an approver must see it."""
    known = call.backend.approvals
    return Answer(known.view(known.desk.get(call.id, now()), call.caller))


async def approve(call: Call) -> Answer:
    """Approve what was shown: its runs begin, where everything is as it was."""
    known, body = call.backend.approvals, _as(call, ApproveBody)
    if call.caller is None:
        raise Unauthorized
    one = known.approve(call.id, call.caller, body.digest, call.proof)
    return Answer(known.view(one, call.caller))


async def approval_code(call: Call) -> Answer:
    """Give a person a code with which they approve this change on the page, once.

    Raises ProofNeeded, PageForPeople.
    """
    known, caller = call.backend.approvals, call.known_caller()
    one = known.desk.get(call.id, now())
    known.require_proof(one, Proof.TOKEN_CONFINED)
    given = call.backend.page_codes.issue(caller.principal, approving(one))
    call.backend.audit.note(approval_code_given(caller, one))
    return Answer(_code_view(caller, given, f"/approvals/{one.id}"))


async def decline(call: Call) -> Answer:
    """Decline it: its runs end, and the same is not asked again for an hour."""
    known, body, caller = call.backend.approvals, _as(call, DeclineBody), call.known_caller()
    return Answer(known.view(known.decline(call.id, caller, body.reason), caller))


async def frozen(call: Call) -> Answer:
    """List where agents are stopped, as far as the caller may know the tenants."""
    return Answer(_frozen(call, call.backend.freezes.current()))


async def freeze(call: Call) -> Answer:
    """Stop all agents in a tenant, or in all: their commands now, and what they ask for later.

    Raises Forbidden, UnknownTenant.
    """
    body = _as(call, FreezeBody)
    where = call.place(body.tenant, Verb.END)
    made = Freeze(where.tenant, call.by["principal"], datetime.now(UTC), body.why)
    files, guard = call.backend.freezes, call.backend.guard
    freezes = files.current().frozen(made)
    files.write(freezes)
    _log.warning("%s.", made.text())
    if call.caller is not None:
        guard.audit.note(agents(Kind.FROZEN, call.caller, where.tenant, body.why))
    stopped = await call.backend.sessions.cancel_all(
        lambda key, principal: (
            not key.reads and is_agents_id(principal) and made.covers(guard.place(key))
        ),
        **call.by,
    )
    shown = [_told(call, one) for one in stopped if call.reads(SessionKey.of(one))]
    view: shapes.FrozenNow = {**_frozen(call, freezes), "stopped": shown}
    return Answer(view)


async def thaw(call: Call) -> Answer:
    """Let agents go on in a tenant, or end the freeze of all.

    Raises Forbidden, UnknownTenant, AuditUnavailable.
    """
    where = call.place(_as(call, ThawBody).tenant, Verb.ADMINISTER)
    freezes = call.backend.freezes.current().thawed(where.tenant)
    if call.caller is not None:
        call.backend.audit.require(agents(Kind.THAWED, call.caller, where.tenant))
    call.backend.freezes.write(freezes)
    _log.warning("%s lets agents go on in %s.", call.by["principal"], where.tenant or "all tenants")
    return Answer(_frozen(call, freezes))


def _frozen(call: Call, freezes: Freezes) -> shapes.Frozen:
    rows: list[shapes.Freeze] = [
        {"tenant": one.tenant or None, "by": one.by, "since": one.since.isoformat(), "why": one.why}
        for one in freezes
        if call.knows(one.tenant)
    ]
    return {"success": True, "frozen": rows}


async def give_input(call: Call) -> Answer:
    """Answer or refuse a run's prompt."""
    body, known = _as(call, InputBody), call.backend.sessions
    if body.refuse:
        refused = await known.refuse(call.id, for_other=body.for_other, **call.by)
        return Answer(_told(call, refused))
    if body.value is None:
        raise InvalidRequest(field="value", problem='is required (or "refuse": true)')
    answered = await known.answer(call.id, body.value, for_other=body.for_other, **call.by)
    return Answer(_told(call, answered))


async def disconnect(call: Call) -> Answer:
    """Sign out and close a session."""
    body = _as(call, DisconnectBody)
    return Answer(
        await call.backend.sessions.disconnect(
            body.tenant, body.module, tier=body.tier, forget=body.forget, **call.by
        )
    )


async def kill(call: Call) -> Answer:
    """End a session's processes at once."""
    body = _as(call, SessionBody)
    return Answer(
        await call.backend.sessions.kill(body.tenant, body.module, tier=body.tier, **call.by)
    )


async def page_code(call: Call) -> Answer:
    """Give a person a code for the page. Raises Unauthorized, PageForPeople."""
    caller = call.known_caller()
    given = call.backend.page_codes.issue(caller.principal)
    call.backend.audit.note(page_event(Kind.PAGE_CODE_GIVEN, caller.name, caller.client))
    return Answer(_code_view(caller, given, f"/sign-in?code={given.code}"))


async def passkey_code(call: Call) -> Answer:
    """Give a person a code with which they add a passkey. Raises Unauthorized, PageForPeople."""
    caller = call.known_caller()
    given = call.backend.page_codes.issue(caller.principal, ADD_PASSKEY)
    call.backend.audit.note(passkey_event(Kind.PASSKEY_CODE_GIVEN, caller.name, caller.client))
    return Answer(_code_view(caller, given, f"/page/passkeys/add?code={given.code}"))


def _code_view(caller: Caller, given: GivenCode, path: str) -> shapes.PageCode:
    return {
        "success": True,
        "principal": caller.name,
        "code": given.code,
        "path": path,
        "expires_at": given.expires.isoformat().replace("+00:00", "Z"),
    }


async def passkeys(call: Call) -> Answer:
    """List the caller's passkeys. Raises Unauthorized, BrokenFile."""
    caller = call.known_caller()
    keys = call.backend.passkeys.store.ring(caller.name).keys
    rows: list[shapes.Passkey] = [
        {
            "id": one.id,
            "name": one.name,
            "added_at": one.added.isoformat(),
            "used_at": one.used.isoformat() if one.used else None,
        }
        for one in keys
    ]
    view: shapes.Passkeys = {"success": True, "principal": caller.name, "passkeys": rows}
    return Answer(view)


async def remove_passkey(call: Call) -> Answer:
    """Forget one of the caller's passkeys, and list the others.

    Raises Unauthorized, UnknownPasskey, PasskeysLocked, BrokenFile.
    """
    caller, body = call.known_caller(), _as(call, PasskeyBody)
    if not call.backend.people.is_fresh(caller.name):
        call.backend.require_first_passkey(caller.name)
    gone = call.backend.passkeys.store.remove(caller.name, body.id)
    told = passkey_event(Kind.PASSKEY_REMOVED, caller.name, caller.client, gone.name)
    call.backend.audit.note(told)
    return await passkeys(call)


async def try_notifications(call: Call) -> Answer:
    """Tell people something that is only a test. Raises NotificationsOff."""
    notice = trial(call.backend.address(), call.by.get("principal", ""), datetime.now(UTC))
    outcomes = await call.backend.notifier.test(notice)
    view: shapes.NotificationTest = {
        "success": True,
        "channels": [
            {"channel": one.channel, "sent": not one.problem, "problem": one.problem}
            for one in outcomes
        ],
    }
    return Answer(view)


def _handed_in(body: LoginBody) -> dict[FactName, Secret]:
    given: dict[FactName, SecretStr | None] = {
        "access_token": body.access_token,
        "graph_token": body.graph_token,
    }
    return {name: Secret(value.get_secret_value()) for name, value in given.items() if value}


def _shown(call: Call, view: AnySession) -> AnySession:
    """Return a session without what it runs, and for whom, if the caller may not read that."""
    if not call.reads(SessionKey.of(view)):
        view["current_run"], view["busy"] = None, None
    return view


def _told_status(call: Call, view: shapes.Status) -> shapes.Status:
    """Return a session's state without what is only for those who may sign in."""
    if not call.may(Verb.SIGN_IN, SessionKey.of(view)):
        for field in ("device_code", "auth_url", "qr_text", "qr_svg"):
            view[field] = None
    return view if view["state"] == "none" else _shown(call, view)


def _told(call: Call, view: AnyRun) -> AnyRun:
    """Return a run with `yours`: whether the caller started it."""
    caller = call.by
    view["yours"] = (view["principal"], view["client"]) == (
        caller.get("principal"),
        caller.get("client"),
    )
    return view


def _as(call: Call, model: type[Model]) -> Model:
    if not isinstance(call.values, model):
        raise TypeError(
            f"the route declares {type(call.values).__name__}, its function reads {model.__name__}"
        )
    return call.values
