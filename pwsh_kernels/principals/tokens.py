"""Tokens of principals: made at random, kept as a hash.

A token is 256 random bits, so nobody can guess it, whatever a guess costs. A slow hash (scrypt)
protects what people choose; here it would only make each request slow. SHA-256 of the token can be
looked up in a table: a caller who measures how long that takes learns about the hash of its own
guess, which leads to no token.
"""

import hashlib
import secrets

PREFIX = "pwk_"
"""By which people, and searches for secrets, recognise one."""
RANDOM_BYTES = 32


def new_token() -> str:
    """Return a new token; it is shown once and then only its hash is kept."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
