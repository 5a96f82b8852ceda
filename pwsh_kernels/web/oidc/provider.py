"""An OpenID provider: where it is, how somebody is sent there, what it says of them afterwards."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from pwsh_kernels.errors import PersonRefused
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.oidc.id_token import Expected, name_of, read_id_token

DISCOVERY = "/.well-known/openid-configuration"
ANSWER_WAIT_S = 10.0
"""Longest wait for one answer of the provider."""
RANDOM_CHARS = 48
SILENT = "it does not answer as an OpenID provider ({problem})"


@dataclass(frozen=True, slots=True)
class Journey:
    """Somebody who was sent to the provider: what must come back, and to whom."""

    state: str
    nonce: str
    verifier: str
    browser: str
    """Known to the browser that was sent, and to no other."""
    redirect: str
    then: str = ""
    """The page to which they wanted."""


class Provider:
    """Speaks to the provider of the settings."""

    def __init__(self, settings: Settings) -> None:
        """The secret is read once. Raises OSError."""
        self._settings = settings
        self._secret = settings.oidc_secret()
        self._facts: Mapping[str, Any] = {}
        self._keys: KeySet | None = None

    async def send(self, redirect: str) -> tuple[str, Journey]:
        """Return the address to which somebody is sent, and what is remembered of it.

        Raises PersonRefused.
        """
        state, nonce, verifier, browser = (generate_token(RANDOM_CHARS) for _ in range(4))
        journey = Journey(state, nonce, verifier, browser, redirect)
        async with self._client(redirect) as client:
            endpoint = (await self._discovered(client))["authorization_endpoint"]
            url, _ = client.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url), journey

    async def welcome(self, journey: Journey, code: str) -> tuple[str, Mapping[str, Any]]:
        """Exchange a code; return the person's name, and what the provider says of them.

        Raises PersonRefused.
        """
        async with self._client(journey.redirect) as client:
            facts = await self._discovered(client)
            try:
                given = await client.fetch_token(
                    facts["token_endpoint"], code=code, code_verifier=journey.verifier
                )
            except Exception as error:  # whatever a provider's answer makes of authlib and httpx
                why = f"it does not accept the code of the sign-in ({type(error).__name__})"
                raise PersonRefused(problem=why) from error
            claims = await self._read(client, str(given.get("id_token") or ""), journey.nonce)
        host = urlsplit(self._settings.oidc_issuer).hostname or ""
        return name_of(claims, self._settings.oidc_name_claim, host), claims

    async def _read(self, client: AsyncOAuth2Client, token: str, nonce: str) -> Mapping[str, Any]:
        """Read an ID token; a key that is not known yet is asked for once (rotation)."""
        settings = self._settings
        asked = Expected(settings.oidc_issuer, settings.oidc_client_id, nonce, time.time())
        try:
            try:
                return read_id_token(token, await self._current_keys(client), asked)
            except InvalidKeyIdError:
                self._keys = None
                return read_id_token(token, await self._current_keys(client), asked)
        except (JoseError, ValueError) as error:
            raise PersonRefused(
                problem=f"its ID token is not signed as it must be ({type(error).__name__})"
            ) from error

    async def _current_keys(self, client: AsyncOAuth2Client) -> KeySet:
        if self._keys is None:
            answer = await self._get(client, str(self._facts["jwks_uri"]))
            try:
                self._keys = KeySet.import_key_set(answer)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise PersonRefused(problem=SILENT.format(problem="its keys")) from error
        return self._keys

    async def _discovered(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        """Ask once what the provider's addresses are; its own name must be the configured one."""
        if not self._facts:
            issuer = self._settings.oidc_issuer
            facts = await self._get(client, f"{issuer.rstrip('/')}{DISCOVERY}")
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if facts.get("issuer") != issuer or not all(facts.get(one) for one in wanted):
                raise PersonRefused(problem=SILENT.format(problem="issuer or endpoints"))
            self._facts = facts
        return self._facts

    async def _get(self, client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
        try:
            answer = await client.request("GET", url, withhold_token=True)
            answer.raise_for_status()
            facts = answer.json()
        except Exception as error:  # of httpx, which only the REST client knows
            raise PersonRefused(problem=SILENT.format(problem=type(error).__name__)) from error
        return facts if isinstance(facts, dict) else {}

    def _client(self, redirect: str) -> AsyncOAuth2Client:
        settings = self._settings
        return AsyncOAuth2Client(
            settings.oidc_client_id,
            self._secret,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            scope=settings.oidc_scopes,
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=ANSWER_WAIT_S,
        )
