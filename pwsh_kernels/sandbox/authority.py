"""The simulated sign-in authority: device codes (PowerShell writes them, a person decides),
revocations, traps, tokens.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pwsh_kernels.errors import DeviceCodeRefused, InvalidRequest
from pwsh_kernels.sandbox.company import Account, Company
from pwsh_kernels.sandbox.tokens import Token

CODE = re.compile(r"[A-Z0-9]{9}")
"""A code as Entra prints it: 9 upper-case letters and digits."""

GROUP_READS = 0o640

SignInState = Literal["pending", "approved", "declined"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """One device code that somebody was shown.

    `tenant` is the requested tenant, `account` who signed in, if known, `client` the application
    that asks, `refusal` what Conditional Access says to everybody who signs in with this code.
    """

    code: str
    tenant: str | None
    state: SignInState
    account: str | None
    expires_at: datetime
    client: str | None = None
    refusal: str | None = None

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "SignIn":
        """Read the content of a code file.

        Raises KeyError, TypeError or ValueError when it has another form.
        """
        if facts["state"] not in ("pending", "approved", "declined"):
            raise ValueError(facts["state"])
        expires_at = datetime.fromisoformat(facts["expires_at"])
        if expires_at.tzinfo is None:
            raise ValueError(facts["expires_at"])
        code, tenant, account = str(facts["code"]), facts["tenant"], facts["account"]
        return cls(
            code,
            tenant,
            facts["state"],
            account,
            expires_at,
            facts.get("client"),
            facts.get("refusal"),
        )

    def to_json(self) -> Mapping[str, object]:
        """Return the content of a code file."""
        return {
            "code": self.code,
            "tenant": self.tenant,
            "state": self.state,
            "account": self.account,
            "expires_at": self.expires_at.isoformat(),
            "client": self.client,
            "refusal": self.refusal,
        }

    def expired(self, now: datetime) -> bool:
        """Return whether the code can no longer be used."""
        return now >= self.expires_at

    def open_at(self, now: datetime) -> "SignIn":
        """Return this sign-in when it still waits for a person. Raises DeviceCodeRefused."""
        if self.expired(now):
            raise DeviceCodeRefused(reason="expired")
        if self.state != "pending":
            raise DeviceCodeRefused(reason="used")
        return self

    def approved(self, account: Account, now: datetime) -> "SignIn":
        """Return this sign-in after a person chose an account. Raises DeviceCodeRefused."""
        return replace(self.open_at(now), state="approved", account=account.upn)

    def declined(self, now: datetime) -> "SignIn":
        """Return this sign-in after a person said no. Raises DeviceCodeRefused."""
        return replace(self.open_at(now), state="declined")


def typed_code(text: str) -> str:
    """Return the code that a person typed: blanks and letter case do not matter.

    Raises DeviceCodeRefused.
    """
    code = "".join(text.split()).upper()
    if not CODE.fullmatch(code):
        raise DeviceCodeRefused(reason="unknown")
    return code


class Authority:
    """The folder that the sandbox's PowerShell modules and the sign-in page share.

    Only one process, the server, changes a file after it was written, so no lock is needed.
    """

    def __init__(
        self, folder: Path, company: Company | None = None, group: int | None = None
    ) -> None:
        """`group` is that of the sessions, where their user is not ours."""
        self.folder = folder
        self._group = group
        self.company = company or Company.load()

    @property
    def codes(self) -> Path:
        """The folder with one file per code."""
        return self.folder / "codes"

    @property
    def _traps(self) -> Path:
        return self.folder / "traps"

    @property
    def _revoked(self) -> Path:
        return self.folder / "revoked"

    def prepare(self, page_url: str) -> None:
        """Make the folder (0700, or also its group's), say where the sign-in page is, forget codes
        that a killed PowerShell left behind.
        """
        for folder in (self.folder, self.codes, self._traps, self._revoked):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        self._write(self.folder / "page.txt", page_url)
        self.forget_expired()
        if self._group is not None:
            self._share(self._group)

    def _share(self, group: int) -> None:
        """Let the sessions write codes, and read everything."""
        for folder in (self.folder, self.codes, self._traps, self._revoked):
            os.chown(folder, -1, group)
            folder.chmod(0o770 if folder == self.codes else 0o750)
        for file in (*self._traps.iterdir(), *self._revoked.iterdir()):
            os.chown(file, -1, group)
            file.chmod(GROUP_READS)

    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts that a person can choose on the page."""
        return self.company.accounts()

    def pending(self, code: str) -> SignIn:
        """Return the sign-in that waits for a code.

        Raises DeviceCodeRefused: unknown, expired or used.
        """
        return self._read(code).open_at(_now())

    def approve(self, code: str, account: str) -> SignIn:
        """Sign in as an account.

        Raises DeviceCodeRefused, and InvalidRequest for an account that does not exist.
        """
        chosen = self.company.account(account)
        if chosen is None:
            raise InvalidRequest(field="account", problem="is not an account of the sandbox")
        return self._save(self._read(code).approved(chosen, _now()))

    def decline(self, code: str) -> SignIn:
        """Refuse the sign-in. Raises DeviceCodeRefused."""
        return self._save(self._read(code).declined(_now()))

    def forget_expired(self) -> None:
        """Remove the files of expired and unreadable codes, and parts that a killed writer left."""
        now = _now()
        for file, sign_in in self._files():
            if sign_in is None or sign_in.expired(now):
                file.unlink(missing_ok=True)

    def set_traps(self, tenant: str, traps: Mapping[str, object]) -> None:
        """Switch these traps on in every session of a tenant, and all others off.

        Raises InvalidRequest.
        """
        unknown = sorted(set(traps) - set(self.company.traps))
        if unknown:
            raise InvalidRequest(
                field="traps",
                problem=f"{unknown[0]} is not a trap; known: {', '.join(self.company.traps)}",
            )
        self._write(self._trap_file(tenant), json.dumps(dict(traps)))

    def clear_traps(self, tenant: str) -> None:
        """Switch a tenant's traps off. Raises InvalidRequest."""
        self._trap_file(tenant).unlink(missing_ok=True)

    def revoke(self, account: str) -> None:
        """End every sign-in of an account or application up to now; it can sign in again.

        Raises InvalidRequest.
        """
        self._write(self._revocation(account), _now().isoformat())

    def restore(self, account: str) -> None:
        """Take a revocation back. Raises InvalidRequest."""
        self._revocation(account).unlink(missing_ok=True)

    def is_revoked(self, account: str, signed_in_at: datetime) -> bool:
        """Return whether a sign-in of that moment has been revoked since, or the trap says so.

        Raises InvalidRequest.
        """
        if self._traps_of(self._member(account)[1]).get("token_revoked"):
            return True
        file = self._revocation(account)
        return file.exists() and signed_in_at <= datetime.fromisoformat(
            file.read_text(encoding="utf-8")
        )

    def issue_token(
        self, account: str, audience: str, lifetime_s: float = 4500, tenant: str | None = None
    ) -> str:
        """Return an access token of an account or application for one service.

        Raises InvalidRequest.

        `tenant`: the tenant in the token, if it is not the account's own.
        """
        name, home, field = self._member(account)
        issuer = self.company.tenant(tenant or home)
        if issuer is None:
            raise InvalidRequest(field="tenant", problem="is not a tenant of the sandbox")
        return Token.issue(issuer.tenant_id, audience, _now(), lifetime_s, **{field: name}).encode()

    def _member(self, account: str) -> tuple[str, str, Literal["upn", "app_id"]]:
        """Return name, home tenant and kind of an account or application. Raises InvalidRequest."""
        if person := self.company.account(account):
            return person.upn, person.tenant, "upn"
        if application := self.company.application(account):
            return application.client_id, application.tenant, "app_id"
        raise InvalidRequest(field="account", problem="is not an account of the sandbox")

    def _revocation(self, account: str) -> Path:
        return self._revoked / self._member(account)[0]

    def _trap_file(self, tenant: str) -> Path:
        known = self.company.tenant(tenant)
        if known is None:
            raise InvalidRequest(field="tenant", problem="is not a tenant of the sandbox")
        return self._traps / f"{known.name}.json"

    def _traps_of(self, tenant: str) -> Mapping[str, object]:
        file = self._trap_file(tenant)
        traps: Mapping[str, object] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )
        return traps

    def _files(self) -> Iterator[tuple[Path, SignIn | None]]:
        for file in sorted(self.codes.iterdir()):
            sign_in = None
            with suppress(DeviceCodeRefused):
                sign_in = self._read(file.stem) if file.suffix == ".json" else None
            yield file, sign_in

    def _read(self, code: str) -> SignIn:
        try:
            return SignIn.from_json(json.loads(self._file(code).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            raise DeviceCodeRefused(reason="unknown") from None

    def _save(self, sign_in: SignIn) -> SignIn:
        self._write(self._file(sign_in.code), json.dumps(sign_in.to_json()))
        return sign_in

    def _write(self, file: Path, text: str) -> None:
        _write(file, text, self._group)

    def _file(self, code: str) -> Path:
        return self.codes / f"{typed_code(code)}.json"


def _now() -> datetime:
    return datetime.now(UTC)


def _write(file: Path, text: str, group: int | None) -> None:
    """Write a file that only we can read (0600), or a group too, so that a reader sees all of it or
    the one before.
    """
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            if group is not None:
                os.fchown(handle, -1, group)
                os.fchmod(handle, GROUP_READS)
            stream.write(text)
        Path(part).replace(file)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
