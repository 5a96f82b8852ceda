"""Ask the person through the MCP client (a page to open, a form to fill in), as the call's protocol
era requires.

Up to 2025-11-25 the server asks and waits; from 2026-07-28 on it answers the call with the
question, and the client calls again with the person's answer and the state that it was given
(decision 0013).
"""

import json
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import urlsplit

import anyio
import mcp_types as types
from mcp.server.mcpserver import Context
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError

from pwsh_kernels.discovery import is_loopback
from pwsh_kernels.mcp.sdk_compat import has_cancelled
from pwsh_kernels.records import PromptFacts
from pwsh_kernels.shapes import ForeignJson, Run

MODERN = "2026-07-28"
"""From this protocol version on a server cannot send requests to its client."""
ASKED = "asked"
"""Our name of the one question of a call."""


class QuestionState(TypedDict, total=False):
    """What a question was about: a run's prompt, or the sign-in to `tenant:module`."""

    run_id: str
    prompt: PromptFacts
    sign_in: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the person is asked: the page at `url`, or the form of `schema`.

    `state` comes back with the answer.
    """

    id: str
    message: str
    state: QuestionState
    url: str = ""
    schema: ForeignJson | None = None

    @property
    def request(self) -> types.ElicitRequest:
        """The question as MCP puts it."""
        if self.schema is not None:
            return types.ElicitRequest(
                params=types.ElicitRequestFormParams(
                    message=self.message, requested_schema=self.schema
                )
            )
        return types.ElicitRequest(
            params=types.ElicitRequestURLParams(
                message=self.message, url=self.url, elicitation_id=self.id
            )
        )


class Person:
    """Whoever sits at the client of one call, as far as the client lets us ask."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._modern = (ctx.protocol_version or "") >= MODERN
        self.declined = False
        """Whether a form of this call was declined, or never shown: clients say the same of
        both.
        """

    @property
    def client_name(self) -> str:
        """The name that the client gives itself; "" if it gives none."""
        told = self._ctx.session.client_params
        return told.client_info.name if told else ""

    @property
    def fills_forms(self) -> bool:
        """True when the client shows forms; a client of 2025-06-18 that names no kind shows forms
        only.
        """
        elicitation = self._elicitation
        return elicitation is not None and (elicitation.form is not None or elicitation.url is None)

    def opens(self, url: str) -> bool:
        """Return whether to offer the page: the client must support that, and the page must be
        safe.
        """
        elicitation = self._elicitation
        return elicitation is not None and elicitation.url is not None and may_be_offered(url)

    @property
    def state(self) -> QuestionState:
        """The state of the question that this call answers; empty for a first call."""
        return read_state(self._ctx.request_state)

    @property
    def earlier(self) -> types.ElicitResult | None:
        """The answer in this call."""
        found = (self._ctx.input_responses or {}).get(ASKED)
        return found if isinstance(found, types.ElicitResult) else None

    async def ask(
        self, question: Question, limit_s: float
    ) -> types.ElicitResult | types.InputRequiredResult | None:
        """Return the answer; or the value to return from the call; or None if no answer came within
        `limit_s` seconds.
        """
        if self._modern:
            return types.InputRequiredResult(
                input_requests={ASKED: question.request}, request_state=json.dumps(question.state)
            )
        with anyio.move_on_after(limit_s):
            return await self._ask_now(question)
        return None

    async def tell_opened(self, question_id: str) -> None:
        """Notify a client that still shows a page that the page is no longer needed."""
        if not self._modern:
            await self._ctx.session.send_elicit_complete(question_id, self._ctx.request_id)

    async def _ask_now(self, question: Question) -> types.ElicitResult | None:
        session: ServerSession = self._ctx.session
        request = self._ctx.request_id
        try:
            if question.schema is not None:
                return await session.elicit_form(question.message, question.schema, request)
            return await session.elicit_url(question.message, question.url, question.id, request)
        except MCPError:  # the client cannot after all: it gets text instead
            return None

    @property
    def _elicitation(self) -> types.ElicitationCapability | None:
        capabilities = self._ctx.client_capabilities
        return capabilities.elicitation if capabilities else None

    @property
    def gave_up(self) -> bool:
        """True when the client said that it cancels this call, rather than only went away."""
        return has_cancelled(self._ctx.session)


def may_be_offered(url: str) -> bool:
    """Return whether a page may be offered: encrypted, or on this machine (the sandbox's)."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def read_state(text: str | None) -> QuestionState:
    """Return the state that a client brought back; the SDK has opened its seal."""
    state: QuestionState = json.loads(text) if text else {}
    return state if isinstance(state, dict) else {}


def same_question(state: QuestionState, run: Run) -> bool:
    """Return whether a run still asks what the answered question was."""
    return state.get("run_id") == run["run_id"] and state.get("prompt") == run["prompt"]
