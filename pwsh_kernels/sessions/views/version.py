"""Short texts that change whenever a session, or the list of sessions, changes. Pure.

They depend on who is signed in and on the state of the sign-in; what a command does is reported by
its run.
"""

import hashlib
from collections.abc import Iterable

from pwsh_kernels.sessions.session import Session

VERSION_CHARS = 16
"""Hexadecimal characters of a version: 64 bits, enough to avoid collisions."""


def session_version(session: Session) -> str:
    """Return a session's version.

    It reveals nothing of a device code: versions are part of addresses, which are logged.
    """
    sign_in, signed_in = session.sign_in, session.signed_in
    attempt = (sign_in.run.id if sign_in.run else "", sign_in.code is not None) if sign_in else None
    facts = (
        (str(session.key), session.created_at, session.state, session.reason, session.signed_in_at),
        (signed_in.account, signed_in.tenant_id, signed_in.expires_at) if signed_in else None,
        (
            session.route.name if session.route else "",
            session.failure.code if session.failure else "",
            attempt,
        ),
    )
    return _digest(repr(facts))


def list_version(sessions: Iterable[Session]) -> str:
    """Return the version of all sessions together."""
    return _digest(" ".join(sorted(session_version(one) for one in sessions)))


def _digest(facts: str) -> str:
    return hashlib.sha256(facts.encode()).hexdigest()[:VERSION_CHARS]
