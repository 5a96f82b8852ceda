"""Adding passkeys and checking with them that a person is there: WebAuthn's two ceremonies."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pwsh_kernels.errors import PasskeyRefused, UnknownPasskey
from pwsh_kernels.escapes import one_line
from pwsh_kernels.web.passkeys.challenges import LIFE, Challenges, Purpose
from pwsh_kernels.web.passkeys.relying_party import RelyingParty
from pwsh_kernels.web.passkeys.store import Passkey, PasskeyStore, Ring

NAME = "pwsh-kernels"
MOST_KEYS = 20
LONGEST_NAME = 60
LONGEST_ANSWER = 20_000
"""Characters of what a browser sends; an answer has about 1000."""
WAIT_MS = int(LIFE.total_seconds() * 1000)
UNREADABLE = "the browser's answer cannot be read"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PasskeyCeremonies:
    """Both ceremonies; a device must have verified its user (a finger, a face, a PIN)."""

    store: PasskeyStore
    challenges: Challenges
    now: Callable[[], datetime] = _utc_now

    def creation_options(self, principal: str, party: RelyingParty) -> str:
        """Return what a browser needs to make a passkey, as JSON.

        Raises PasskeyRefused, BrokenFile.
        """
        ring = self.store.ring(principal)
        if len(ring.keys) >= MOST_KEYS:
            raise PasskeyRefused(problem=f"there are {MOST_KEYS} already; remove one first")
        return options_to_json(
            generate_registration_options(
                rp_id=party.id,
                rp_name=NAME,
                user_id=ring.handle,
                user_name=principal,
                challenge=self.challenges.issue(Purpose(principal)),
                timeout=WAIT_MS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.PREFERRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=_descriptors(ring),
            )
        )

    def add(self, principal: str, party: RelyingParty, answer: str, name: str) -> Passkey:
        """Keep the passkey that a browser has made, and return it.

        Raises PasskeyRefused, BrokenFile, OSError.
        """
        facts = _facts(answer)
        challenge = _challenge(facts)
        self.challenges.take(challenge, Purpose(principal))
        try:
            made = verify_registration_response(
                credential=facts,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
            )
        except _REFUSALS as refused:
            raise PasskeyRefused(problem=_why(refused)) from refused
        ring = self.store.ring(principal)
        label = one_line(name)[:LONGEST_NAME] or f"passkey {len(ring.keys) + 1}"
        key = Passkey(
            bytes_to_base64url(made.credential_id),
            made.credential_public_key,
            made.sign_count,
            label,
            self.now(),
        )
        self.store.put(ring, key)
        return key

    def assertion_options(
        self, principal: str, party: RelyingParty, approval: str, digest: str
    ) -> str:
        """Return what a browser needs to sign an approval with, as JSON.

        Raises PasskeyRefused, BrokenFile.
        """
        ring = self.store.ring(principal)
        if not ring.keys:
            raise PasskeyRefused(problem="you have none yet: `pwsh-kernels passkey add`")
        return options_to_json(
            generate_authentication_options(
                rp_id=party.id,
                challenge=self.challenges.issue(Purpose(principal, approval, digest)),
                timeout=WAIT_MS,
                allow_credentials=_descriptors(ring),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def check(
        self, principal: str, party: RelyingParty, approval: str, digest: str, answer: str
    ) -> Passkey:
        """Return the passkey with which a person has signed this approval of this change.

        Raises PasskeyRefused, BrokenFile, OSError.
        """
        facts = _facts(answer)
        challenge = _challenge(facts)
        self.challenges.take(challenge, Purpose(principal, approval, digest))
        ring = self.store.ring(principal)
        try:
            key = ring.find(str(facts.get("id", "")))
            seen = verify_authentication_response(
                credential=facts,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
                require_user_verification=True,
            )
        except _REFUSALS as refused:
            raise PasskeyRefused(problem=_why(refused)) from refused
        used = replace(key, sign_count=seen.new_sign_count, used=self.now())
        self.store.put(ring, used)
        return used


def _descriptors(ring: Ring) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in ring.keys]


def _facts(answer: str) -> dict[str, Any]:
    """Return a browser's answer. Raises PasskeyRefused."""
    try:
        facts = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise PasskeyRefused(problem=UNREADABLE)
    return facts


def _challenge(facts: dict[str, Any]) -> bytes:
    """Return the challenge that a browser says it answers. Raises PasskeyRefused."""
    try:
        said = json.loads(base64url_to_bytes(facts["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise PasskeyRefused(problem=UNREADABLE) from problem


_REFUSALS = (WebAuthnException, UnknownPasskey, ValueError, KeyError, TypeError)
"""What webauthn raises for an answer that is wrong, or that it cannot read."""


def _why(refused: Exception) -> str:
    return str(refused) if isinstance(refused, WebAuthnException) else UNREADABLE
