"""Signing sessions in: what a login starts and answers, and sign-ins without a login."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import FactName, Route, Secret
from pwsh_kernels.errors import BadSecret, ProductError, RouteNotConfigured
from pwsh_kernels.sessions.audit_events import sign_in_ended, sign_in_started
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.live import OURSELVES, STOP_WAIT_S, LiveSession
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.notes import SessionNote
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.sessions.requests import LoginRequest
from pwsh_kernels.sessions.session import Session, SignIn, SignInFailure
from pwsh_kernels.sessions.sign_in.attempt import Attempt, Room, verdict
from pwsh_kernels.sessions.sign_in.refusals import SignInRefused
from pwsh_kernels.sessions.sign_in.request_check import LoginRefusal, refusal
from pwsh_kernels.sessions.sign_in.route_choice import choose_route, signs_in_alone
from pwsh_kernels.settings import Settings

LOG = logging.getLogger(__name__)
BROKEN = "The sign-in broke inside pwsh-kernels; the server's log has the traceback. Sign in again."

CHECK_FILE = "`pwsh-kernels tenants check` lists everything that is missing."


class SignInFlow:
    """Signs sessions in."""

    def __init__(
        self,
        settings: Settings,
        save: Callable[[LiveSession], None],
        sessions: Callable[[], Iterable[LiveSession]],
        places: Places,
        pin_again: Callable[[Session], bool],
        *,
        audit: AuditTrail,
    ) -> None:
        """`save` writes a session's note; `sessions` returns all sessions.

        `pin_again`: see Launcher.
        """
        self._places = places
        self._pin_again = pin_again
        self._settings = settings
        self._save = save
        self._sessions = sessions
        self._audit = audit

    async def follow(
        self, live: LiveSession, request: LoginRequest, wait_s: float
    ) -> LoginRefusal | None:
        """Begin a sign-in unless one is pending; return once there is a code, once it ends, or
        after `wait_s`.

        Returns why the request is refused if somebody is signed in, or signing in, in a different
        way from the requested one.
        """
        session = live.session
        deadline = asyncio.get_running_loop().time() + wait_s
        if live.left_signing_in and live.queue:
            await live.queue.connection.interrupt(STOP_WAIT_S)  # nobody can see its code any more
        begun = await self._begun(live, request, wait_s)
        if not begun and session.state in ("signed_in", "signing_in"):
            refused = refusal(session, request)
            if refused:
                return refused
        remaining = max(0.0, deadline - asyncio.get_running_loop().time())
        await session.changes.wait_for(lambda: _shows_something(session), remaining)
        return None

    async def _begun(self, live: LiveSession, request: LoginRequest, wait_s: float) -> bool:
        if live.session.state != "starting":
            return await self._begin_once_started(live, request)
        beginning = live.tasks.start(
            self._begin_once_started(live, request), f"begin sign-in {live.key}"
        )
        await asyncio.wait({beginning}, timeout=wait_s)
        return beginning.done() and beginning.result()

    async def _begin_once_started(self, live: LiveSession, request: LoginRequest) -> bool:
        """Begin once the session has started, even if the caller no longer waits; return whether
        this call began it.
        """
        await live.session.changes.wait_for(
            lambda: live.session.state != "starting", self._settings.start_timeout
        )
        if live.session.state != "signed_out":
            return False
        self._begin_or_refuse(live, request)
        return True

    def begin(self, live: LiveSession, request: LoginRequest) -> None:
        """Begin the sign-in of a signed-out session; it continues in the background.

        Raises UnknownSignInRoute, RouteNotConfigured, BadSecret for a secret that cannot be read,
        and AuditUnavailable.
        """
        session = live.session
        route = choose_route(session.tenant, session.module, request.route, request.secrets)
        secrets = read_secrets(session, route, request)
        ends_at = now() + timedelta(seconds=self._settings.auth_timeout)
        sign_in = SignIn(
            route,
            ends_at,
            ends_at,
            expected_account=request.expected_account,
            sharepoint_tenant=request.sharepoint_tenant,
            attended=request.attended,
        )
        self._audit.require(sign_in_started(live.key, sign_in, request))
        if session.begin_sign_in(sign_in):
            self._save(live)
            room = Room(
                self._pin_again,
                lambda: self._crowd(live),
                lambda: self._places[session.place].yielding(live.key),
                lambda file: self._places[session.place].lend(live.key, file),
            )
            attempt = Attempt(live, sign_in, request, secrets, room)
            live.tasks.start(self._sign_in(live, attempt, request), f"sign-in {live.key}")

    def _crowd(self, live: LiveSession) -> list[SessionKey]:
        """Return the other sessions that wait busily for a person, if their number has reached the
        limit.
        """
        others = [one.key for one in self._sessions() if one is not live and waits_busily(one)]
        return others if len(others) >= self._settings.busy_sign_ins else []

    def begin_alone(self, live: LiveSession, earlier: Route | None = None) -> None:
        """Begin an unattended sign-in, if there is a route for it, or if an `earlier` one is kept
        in HOME.
        """
        session = live.session
        cached = earlier.name if earlier and earlier.survives == "cache" else None
        if cached or signs_in_alone(session.tenant, session.module):
            key = live.key
            self._begin_or_refuse(
                live,
                LoginRequest(
                    key.tenant,
                    key.module,
                    route=cached,
                    attended=False,
                    principal=OURSELVES,
                    tier=key.tier,
                ),
            )

    def _begin_or_refuse(self, live: LiveSession, request: LoginRequest) -> None:
        try:
            self.begin(live, request)
        except ProductError as error:
            unconfigured = isinstance(error, BadSecret | RouteNotConfigured)
            reason = f"{error.text()} {CHECK_FILE}" if unconfigured else error.text()
            live.session.not_begun(reason, unconfigured=unconfigured)

    async def resume(self, live: LiveSession, note: SessionNote) -> None:
        """Find out who is signed in to a session of an earlier server, as soon as its kernel is
        free.
        """
        await live.queue_ready()
        if note.state == "signing_in":  # the earlier server ended while it waited for a person
            await self._places[live.session.place].stop_yielding(live.key)
        if note.state not in ("signed_in", "signing_in"):
            live.session.become("signed_out")
            return
        try:
            accepted = await verdict(live)
        except SignInRefused as refusal:
            live.session.refuse(refusal.failure)
        else:
            live.session.accept(accepted, since=note.signed_in_time())
        live.left_signing_in = False
        self._save(live)

    async def _sign_in(self, live: LiveSession, attempt: Attempt, request: LoginRequest) -> None:
        outcome, account = "signed_in", None
        try:
            accepted = await attempt.sign_in()
        except SignInRefused as refusal:
            live.session.refuse(refusal.failure)
            outcome, account = refusal.failure.code, refusal.failure.account
        except (
            Exception
        ):  # the outermost caller of a sign-in: a session must not stay signing in for ever
            LOG.exception("The sign-in to %s failed unexpectedly", live.key)
            live.session.refuse(SignInFailure("sign_in_failed", BROKEN))
            outcome = "sign_in_failed"
        else:
            live.session.accept(accepted)
            account = accepted.account
        self._audit.note(sign_in_ended(live.key, request, outcome, account))
        self._save(live)


def waits_busily(live: LiveSession) -> bool:
    """Return whether a session's module keeps a processor busy while it waits for a person, also if
    the session was found at startup.
    """
    sign_in, route = live.session.sign_in, live.session.route
    return (
        route is not None
        and route.busy_wait
        and (live.left_signing_in or (sign_in is not None and sign_in.connecting))
    )


def read_secrets(session: Session, route: Route, request: LoginRequest) -> dict[FactName, Secret]:
    """Return the secrets that the route's script takes: those passed in, otherwise the configured
    ones.

    Raises BadSecret.
    """
    wanted = set(route.script.parameters.values())
    sources = session.tenant.secrets(session.module.key)
    configured = {
        name: source.read()
        for name, source in sources.items()
        if name in wanted and name not in request.secrets
    }
    return {
        **configured,
        **{name: secret for name, secret in request.secrets.items() if name in wanted},
    }


def _shows_something(session: Session) -> bool:
    has_code = session.sign_in is not None and session.sign_in.code is not None
    return has_code or session.state not in ("starting", "signing_in")
