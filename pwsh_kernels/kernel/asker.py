"""Ask the client that runs a cell, and nobody else, over the stdin channel; every wait ends with an
answer, Stop or a time limit.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import zmq

from pwsh_kernels.errors import PromptRefused
from pwsh_kernels.kernel.questions import (
    InvalidAnswer,
    Question,
    answer_from_texts,
    checked_answer,
    questions,
)
from pwsh_kernels.messages import (
    PROMPT_ASKED,
    PROMPT_CLOSED,
    answers_for_other,
    our_facts,
    prompt_metadata,
)
from pwsh_kernels.records import Prompt

ANSWER_WAIT_S = 3600.0
"""Longest wait for an answer: a person may be away; our server refuses earlier, by its
own setting.
"""
ROUTE_WAIT_S = 2.0
"""Longest wait for the asker's stdin connection, which may come up a little after its shell
connection.
"""
POLL_S = 0.01
MAX_ATTEMPTS = 5
END_OF_INPUT = "\x04"
"""What Jupyter clients send for Ctrl-D."""
NO_STDIN = "the client that runs it answers no questions (allow_stdin is false)"
NOT_CONNECTED = "the client that runs it is not connected for answers (stdin channel)"


class MessageCodec(Protocol):
    """The part of jupyter_client's Session that is used here."""

    def msg(self, msg_type: str, content: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Make one message."""

    def send(
        self,
        stream: zmq.Socket[bytes],
        msg_or_type: Any,
        content: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Sign and send one message."""

    def recv(self, socket: zmq.Socket[bytes]) -> tuple[list[bytes] | None, dict[str, Any] | None]:
        """Receive one message, (None, None) when there is none.

        Raises ValueError for one that is not properly signed.
        """


class WholeAnswer(Exception):
    """A program has answered the whole prompt at once."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Asker:
    """The client that sent one execute request: asks it the questions of prompts.

    Lives in the kernel's main loop only.
    """

    def __init__(
        self,
        codec: MessageCodec,
        socket: zmq.Socket[bytes],
        identity: Sequence[bytes],
        parent: Mapping[str, Any],
        *,
        admit: Callable[[Mapping[str, Any]], object],
        announce: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """`admit` raises for an answer that the session's server has not granted.

        `announce` notifies the other clients of a shared kernel of an open question: they may
        answer it too.
        """
        self._codec = codec
        self._socket = socket
        self._identity = list(identity)
        self._parent = parent
        self._admit = admit
        self._announce = announce
        self._request = ""
        self._turn = asyncio.Lock()
        self._allowed = bool(parent["content"].get("allow_stdin", False))

    async def ask(self, prompt: Prompt) -> Any:
        """Return the answer in the shape of the prompt's kind (records.Prompt).

        Raises PromptRefused.

        An invalid answer is asked for again, a few times. Cancelling this coroutine withdraws the
        question.
        """
        if not self._allowed:
            raise PromptRefused(_question(prompt), NO_STDIN)
        async with self._turn:  # another question's reply would be taken for this one's
            return await self._ask_in_turn(prompt)

    async def _ask_in_turn(self, prompt: Prompt) -> Any:
        problem = ""
        for _ in range(MAX_ATTEMPTS):
            try:
                return await self._ask_once(prompt, problem)
            except InvalidAnswer as error:
                problem = f"{error}\n"
        raise PromptRefused(_question(prompt), f"none of {MAX_ATTEMPTS} answers was usable")

    async def _ask_once(self, prompt: Prompt, problem: str) -> Any:
        texts = []
        try:
            for index, question in enumerate(questions(prompt)):
                texts.append(await self._ask_question(prompt, question, "" if index else problem))
        except WholeAnswer as answer:
            return checked_answer(prompt, answer.value)
        return answer_from_texts(prompt, texts)

    async def _ask_question(self, prompt: Prompt, question: Question, problem: str) -> str:
        self._drain()
        try:
            await self._send(prompt, question, problem)
            async with asyncio.timeout(ANSWER_WAIT_S):
                reply = await self._reply()
        except TimeoutError:
            raise PromptRefused(
                _question(prompt), f"no answer came within {ANSWER_WAIT_S:.0f} s"
            ) from None
        finally:
            self._tell({"event": PROMPT_CLOSED})
        return _read(prompt, reply)

    def _tell(self, event: Mapping[str, Any]) -> None:
        if self._announce:
            self._announce(event)

    def _drain(self) -> None:
        """Discard answers to questions that are no longer open."""
        while self._socket.poll(0):
            self._socket.recv_multipart(zmq.NOBLOCK)

    async def _send(self, prompt: Prompt, question: Question, problem: str) -> None:
        content = {"prompt": problem + question.text, "password": question.secret}
        metadata = prompt_metadata(prompt, question.field)
        message = self._codec.msg("input_request", content, parent=self._parent, metadata=metadata)
        self._request = message["msg_id"]
        self._tell(
            {"event": PROMPT_ASKED, "prompt": prompt.to_json(), "request": message["header"]}
        )
        for _ in range(round(ROUTE_WAIT_S / POLL_S)):
            try:
                self._codec.send(self._socket, message, ident=self._identity)
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                    raise
                await asyncio.sleep(POLL_S)
            else:
                return
        if (
            self._announce is None
        ):  # in a shared kernel somebody else may answer for an asker who has left
            raise PromptRefused(_question(prompt), NOT_CONNECTED)

    async def _reply(self) -> dict[str, Any]:
        while True:
            while self._socket.poll(0):
                reply = self._receive()
                if reply is not None:
                    return reply
            await asyncio.sleep(POLL_S)

    def _receive(self) -> dict[str, Any] | None:
        """Return an input_reply of the asker, or of another client to exactly this question;
        anything else, signed or not, is dropped.
        """
        try:
            return self._read_reply()
        except Exception as error:  # noqa: BLE001 - whoever reaches the port may send anything
            logging.getLogger(__name__).warning(
                "dropped a bad message on the stdin channel: %s", type(error).__name__
            )
            return None

    def _read_reply(self) -> dict[str, Any] | None:
        identity, message = self._codec.recv(self._socket)
        if message is None or not identity or message["msg_type"] != "input_reply":
            return None
        if identity[0] != self._identity[0] and not self._is_for_us(message):
            return None
        self._admit(message)
        facts = {name: dict(message[name]) for name in ("content", "metadata")}
        return {**message, **facts}

    def _is_for_us(self, reply: Mapping[str, Any]) -> bool:
        """Return whether another client answers our question on purpose, and names it."""
        named = reply["parent_header"].get("msg_id") == self._request
        return named and answers_for_other(reply)


def _question(prompt: Prompt) -> str:
    """Return the words by which an error names a prompt; never an answer."""
    fields = ", ".join(field.label or field.name for field in prompt.fields)
    return prompt.message.strip() or prompt.caption.strip() or fields or prompt.kind


def _read(prompt: Prompt, reply: Mapping[str, Any]) -> str:
    """Return the text of a reply.

    Raises WholeAnswer when it answers the whole prompt, PromptRefused when it refuses.
    """
    facts = our_facts(reply)
    if "answer" in facts:
        raise WholeAnswer(facts["answer"])
    value = reply["content"].get("value")
    if "refuse" in facts or value == END_OF_INPUT:
        raise PromptRefused(_question(prompt), str(facts.get("refuse") or "it was refused"))
    return value if isinstance(value, str) else ""
