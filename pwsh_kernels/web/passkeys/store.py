"""The passkeys of all people: a file for each, which only the server's user can read."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pwsh_kernels.catalog.file_replacement import replace_file
from pwsh_kernels.errors import BrokenFile, UnknownPasskey

FOLDER = "passkeys"
"""In the data folder."""
HANDLE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Passkey:
    """The public half of a key that a person's device has."""

    id: str
    """As browsers write it, in base64url."""
    public_key: bytes
    sign_count: int
    """How often it was used, as it says itself; a copy of it would fall behind."""
    name: str
    added: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """Everything that is known of one person's passkeys."""

    principal: str
    handle: bytes
    """By what their devices know the person: random, and nobody's name."""
    keys: tuple[Passkey, ...] = ()

    def find(self, key_id: str) -> Passkey:
        """Return a passkey. Raises UnknownPasskey."""
        for one in self.keys:
            if one.id == key_id:
                return one
        raise UnknownPasskey(key_id)


class PasskeyStore:
    """Reads and replaces the files."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def ring(self, principal: str) -> Ring:
        """Return somebody's passkeys. Raises BrokenFile."""
        file = self.file(principal)
        try:
            return _read(json.loads(file.read_text(encoding="utf-8")), principal)
        except FileNotFoundError:
            return Ring(principal, secrets.token_bytes(HANDLE_BYTES))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise BrokenFile(str(file), str(problem)) from problem

    def file(self, principal: str) -> Path:
        """Return whose file: a name that an OpenID provider gives may have any characters."""
        name = hashlib.sha256(principal.encode()).hexdigest()
        return self._folder / f"{name}.json"

    def put(self, ring: Ring, key: Passkey) -> None:
        """Keep a passkey, new or in place of what was known of it. Raises BrokenFile, OSError."""
        others = (one for one in ring.keys if one.id != key.id)
        self._write(replace(ring, keys=(*others, key)))

    def remove(self, principal: str, key_id: str) -> Passkey:
        """Forget a passkey and return it. Raises UnknownPasskey, BrokenFile, OSError."""
        ring = self.ring(principal)
        gone = ring.find(key_id)
        self._write(replace(ring, keys=tuple(one for one in ring.keys if one is not gone)))
        return gone

    def _write(self, ring: Ring) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self.file(ring.principal), json.dumps(_written(ring), indent=1))


def _written(ring: Ring) -> dict[str, Any]:
    return {
        "principal": ring.principal,
        "handle": _text(ring.handle),
        "passkeys": [
            {
                "id": one.id,
                "public_key": _text(one.public_key),
                "sign_count": one.sign_count,
                "name": one.name,
                "added": one.added.isoformat(),
                "used": one.used.isoformat() if one.used else None,
            }
            for one in ring.keys
        ],
    }


def _read(facts: dict[str, Any], principal: str) -> Ring:
    """Raises ValueError, KeyError, TypeError."""
    if facts["principal"] != principal:
        raise ValueError(f"it is {facts['principal']}'s")
    return Ring(principal, _bytes(facts["handle"]), tuple(_keys(facts["passkeys"])))


def _keys(rows: list[dict[str, Any]]) -> Iterable[Passkey]:
    for one in rows:
        used = one["used"]
        yield Passkey(
            str(one["id"]),
            _bytes(one["public_key"]),
            int(one["sign_count"]),
            str(one["name"]),
            datetime.fromisoformat(one["added"]),
            datetime.fromisoformat(used) if used else None,
        )


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text)
