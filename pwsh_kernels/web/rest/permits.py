"""Whether a route may answer a call: what the route declares, asked of the guard."""

from pwsh_kernels.errors import Unauthorized, UnknownApproval, UnknownRun
from pwsh_kernels.principals.principal import SERVER
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.facade import DEFAULT_MODULE
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.web.access import Caller, Permission, Scope
from pwsh_kernels.web.guard import verb_in
from pwsh_kernels.web.rest.endpoints import Call


def permit(permission: Permission, call: Call) -> None:
    """Let a call pass. Raises Unauthorized, Forbidden; for what the caller may not know of, the
    refusal of something that does not exist.
    """
    if permission.verb is None:
        return
    if call.caller is None:
        raise Unauthorized
    match permission.scope:
        case Scope.ANYWHERE:
            call.backend.guard.require_anywhere(call.caller, permission.verb)
        case Scope.SERVER:
            call.backend.guard.require(call.caller, permission.verb, SERVER)
        case Scope.TENANTS if getattr(call.values, "tenants", None):
            verb = verb_in(permission.verb, vars(call.values)["tier"])
            call.backend.guard.require_anywhere(call.caller, verb)
        case Scope.BODY | Scope.TENANTS:
            named = vars(call.values)
            key = SessionKey(named["tenant"], named["module"], named["tier"])
            _permit_session(call, call.caller, permission.verb, key)
        case Scope.PATH:
            asked = SessionKey.parse(call.id, DEFAULT_MODULE)
            _permit_session(call, call.caller, permission.verb, asked)
        case Scope.APPROVAL:
            _permit_approval(call, call.caller, permission.verb)
        case _:
            _permit_run(call, call.caller, permission, permission.verb)


def _permit_session(call: Call, caller: Caller, verb: Verb, asked: SessionKey) -> None:
    """Raises as `Guard.require_session` does; UnknownModule, UnsupportedModule."""
    module = call.backend.catalog.module(asked.module).key
    call.backend.guard.require_session(caller, verb, asked.tenant, module, asked.tier)


def _permit_approval(call: Call, caller: Caller, verb: Verb) -> None:
    """Raises UnknownApproval for one that the caller may not read, and for one that does not
    exist.
    """
    approvals = call.backend.approvals
    one = approvals.desk.get(call.id, now())
    if not approvals.shown(caller)(one):
        raise UnknownApproval(call.id)
    for key in approvals.keys(one):
        call.backend.guard.require(caller, verb, call.backend.guard.place(key))


def _permit_run(call: Call, caller: Caller, permission: Permission, verb: Verb) -> None:
    """Raises UnknownRun for a run that the caller may not read, and for one that does not exist."""
    key, principal = call.backend.sessions.whose(call.id)
    guard = call.backend.guard
    if not guard.allows(caller, Verb.READ, key):
        raise UnknownRun(run_id=call.id)
    others = permission.of_others if principal != caller.name else None
    guard.require(caller, others or verb_in(verb, key.tier), guard.place(key))
