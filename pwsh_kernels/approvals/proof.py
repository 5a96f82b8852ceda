"""What shows that a person approves, and not a program of a session. Pure."""

from enum import StrEnum


class Proof(StrEnum):
    """By what an approver is known."""

    TOKEN_CONFINED = "token_confined"  # noqa: S105 - the name of a way
    """A token, or a browser that was signed in with one. It proves something only while sessions
    cannot read it.
    """
    PASSKEY = "passkey"
    CODE = "code"
    """A one-time code that reached the person by a way that no session can read."""


def holds(proof: Proof, *, confined: bool) -> bool:
    """Return whether it proves a person; `confined`: no session can read a token of this server."""
    return proof is not Proof.TOKEN_CONFINED or confined
