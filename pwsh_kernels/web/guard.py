"""The one place that asks for the decision, for every door: who holds a token, and what they may do
now.

A right is looked up anew for each question, so that a change of the principals file is in force at
once, for open connections too.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tornado.httputil import HTTPServerRequest

from pwsh_kernels.audit.event import Door, door_of
from pwsh_kernels.audit.flood import FloodLimit
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Tenant, Tenants
from pwsh_kernels.discovery import MCP_CLIENT
from pwsh_kernels.errors import Forbidden, ProductError, Unauthorized
from pwsh_kernels.principals.decision import Decision, decide
from pwsh_kernels.principals.freezes import Freezes
from pwsh_kernels.principals.places import session_place, tenant_place
from pwsh_kernels.principals.principal import (
    OWNER,
    SERVER,
    SOMEWHERE,
    Principal,
    Where,
    derived_agent,
)
from pwsh_kernels.principals.roll import Roll
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.shapes import Tier
from pwsh_kernels.web import audit_events
from pwsh_kernels.web.access import Caller, client_label, read_token, same_token


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Guard:
    """Knows the principals and the tenants as they are now."""

    def __init__(
        self,
        token: str,
        roll: Callable[[], Roll] = Roll,
        tenants: Callable[[], Tenants] = lambda: Tenants({}),
        now: Callable[[], datetime] = _utc_now,
        freezes: Callable[[], Freezes] = Freezes,
        *,
        audit: AuditTrail | None = None,
        people: Callable[[str], Principal | None] = lambda _: None,
    ) -> None:
        """`token` is the owner's; `roll` and `tenants` return who and what is known now, `freezes`
        where agents are stopped; `audit` is told who was refused what; `people` knows those whom a
        provider has signed in.
        """
        self.audit = audit or AuditTrail()
        self.used: dict[str, datetime] = {}
        """When each principal last came with its token or cookie, since the start."""
        self._flood = FloodLimit()
        self._token = token
        self._roll = roll
        self._people = people
        self._tenants = tenants
        self._now = now
        self._freezes = freezes

    # -- who ------------------------------------------------------------------------------------

    def caller(self, authorization: str, user_agent: str) -> Caller | None:
        """Return who sends these headers, or None when they carry no token that is valid now.

        A call for an MCP client is that of an agent: it says so itself, which can only cost it
        rights.
        """
        holder, client = self.holder(read_token(authorization)), client_label(user_agent)
        if holder is None:
            return None
        product, _, calls_for = client.partition(":")
        return Caller(derived_agent(holder, calls_for) if product == MCP_CLIENT else holder, client)

    def holder(self, token: str) -> Principal | None:
        """Return whose token this is; None if it is nobody's, or not valid now."""
        if same_token(token, self._token):
            return OWNER
        return self._used(self._valid(self._roll().holder(token)))

    def returning(self, name: str) -> Principal | None:
        """Return who comes back with a cookie, as `principal` does."""
        return self._used(self.principal(name))

    def _used(self, one: Principal | None) -> Principal | None:
        if one is not None:
            self.used[one.id] = self._now()
        return one

    def principal(self, name: str) -> Principal | None:
        """Return a principal by its id; None if it is unknown, or not valid now."""
        if name == OWNER.id:
            return OWNER
        return self._valid(self._roll().by_id.get(name) or self._people(name))

    def _valid(self, one: Principal | None) -> Principal | None:
        gone = one is None or one.revoked is not None or one.expired(self._now())
        return None if gone else one

    def require_valid(self, caller: Caller) -> None:
        """Raise Unauthorized for a caller whose token has become invalid meanwhile."""
        if self.current(caller) is None:
            raise self._unknown(
                caller.client, "", f"a token of {caller.name} that is not valid any more"
            )

    def stranger(
        self, request: HTTPServerRequest, door: Door | None = None, client: str | None = None
    ) -> Unauthorized:
        """Return the refusal of a request without a valid token, which is recorded; `client`: what
        calls, if its User-Agent does not say so.
        """
        named = client_label(request.headers.get("User-Agent", ""))
        what = f"{request.method} {request.path}"
        calls = named if client is None else client
        return self._unknown(calls, request.remote_ip or "", what, door)

    def _unknown(
        self, client: str, address: str, what: str, door: Door | None = None
    ) -> Unauthorized:
        if (left_out := self._flood.take(time.monotonic())) is not None:
            where = door or door_of(client)
            self.audit.note(audit_events.unknown(where, client, address, what, left_out))
        return Unauthorized()

    def current(self, caller: Caller) -> Principal | None:
        """Return a caller's principal as the file has it now, an agent that acts for one likewise;
        None: it is not valid any more.
        """
        one = caller.principal
        if not one.acts_for:
            return self.principal(one.id)
        source = self.principal(one.acts_for)
        return derived_agent(source, one.name) if source else None

    # -- what -----------------------------------------------------------------------------------

    def decide(self, caller: Caller, verb: Verb, where: Where) -> Decision:
        """Return whether a caller may do something somewhere now."""
        now = self._now()
        one = self.current(caller) or replace(caller.principal, revoked=now)
        return decide(one, verb, where, now, self._freezes())

    def require(self, caller: Caller, verb: Verb, where: Where) -> None:
        """Raise Forbidden for what a caller may not do."""
        decision = self.decide(caller, verb, where)
        if not decision.allowed:
            self.note_denied(caller, decision)
            raise forbidden(decision)

    def note_denied(self, caller: Caller, decision: Decision, door: Door | None = None) -> None:
        """Record that somebody was refused something."""
        if (left_out := self._flood.take(time.monotonic())) is not None:
            where = door or door_of(caller.client)
            self.audit.note(audit_events.denied(caller, decision, where, left_out))

    def require_anywhere(self, caller: Caller, verb: Verb) -> None:
        """Raise Forbidden for a caller who may do that nowhere."""
        self.require(caller, verb, SOMEWHERE)

    def allows(self, caller: Caller, verb: Verb, key: SessionKey) -> bool:
        """Return whether a caller may do something in a session."""
        return self.decide(caller, verb_in(verb, key.tier), self.place(key)).allowed

    def holders(self, verb: Verb, places: Sequence[Where]) -> list[str]:
        """Return the ids of the people of the file, and of the owner, who may do something in all
        of some places.
        """
        now = self._now()
        return [
            one.id
            for one in (OWNER, *self._roll().known)
            if all(decide(one, verb, place, now, self._freezes()).allowed for place in places)
        ]

    def sees_tenant(self, caller: Caller, name: str) -> bool:
        """Return whether a caller may know of a tenant, by the tenant's own name."""
        return self.decide(caller, Verb.SEE, tenant_place(self._tenant(name))).allowed

    def place(self, key: SessionKey) -> Where:
        """Return the place of a session."""
        return session_place(self._tenant(key.tenant), key.module)

    def require_session(
        self, caller: Caller, verb: Verb, tenant: str, module: str, tier: Tier = "write"
    ) -> None:
        """Raise Forbidden for what a caller may not do in a session, by any name of its tenant.

        A tenant that the caller may not see is an unknown one: raises UnknownTenant,
        InvalidTenant, in the same words as for one that does not exist.
        """
        known = self.find_tenant(caller, tenant)
        try:
            self.require(caller, verb_in(verb, tier), session_place(known, module))
        except Forbidden as refused:
            refused.instead = self._instead(caller, refused.verb, known, module)
            raise

    def _instead(self, caller: Caller, verb: str, tenant: Tenant, module: str) -> str:
        """Return the tier in which a caller who may not write may run what only reads."""
        reads = verb == Verb.WRITE and tenant.reads(module)
        where = session_place(tenant, module)
        return "read" if reads and self.decide(caller, Verb.READ, where).allowed else ""

    def find_tenant(self, caller: Caller, name: str) -> Tenant:
        """Return a tenant that a caller may see, by any name.

        Raises UnknownTenant, InvalidTenant.
        """
        tenants = self._tenants()
        try:
            found = tenants.find_tenant(name)
        except ProductError:
            if self.decide(caller, Verb.SEE, SERVER).allowed:
                raise
        else:
            decision = self.decide(caller, Verb.SEE, tenant_place(found))
            if decision.allowed:
                return found
            self.note_denied(caller, decision)
        seen = {one: it for one, it in tenants.known.items() if self.sees_tenant(caller, one)}
        return Tenants(seen, closed=True).find_tenant(name)

    def _tenant(self, name: str) -> Tenant:
        return self._tenants().known.get(name) or Tenant(name)


def verb_in(verb: Verb, tier: Tier) -> Verb:
    """Return what is needed for something in a tier: what the read tier takes, only reads."""
    return Verb.READ if tier == "read" and verb is Verb.WRITE else verb


def forbidden(decision: Decision) -> Forbidden:
    """Return the refusal of a decision."""
    return Forbidden(
        principal=decision.principal,
        verb=decision.verb.value,
        tenant=decision.where.tenant,
        module=decision.where.module,
        reason=decision.reason.value,
        why=decision.text(),
    )
