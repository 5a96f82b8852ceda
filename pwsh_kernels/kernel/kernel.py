"""PwshKernel: a PowerShell kernel whose answers come from the engine's own protocol.

Thin: requests in, replies out.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from ipykernel import kernel_protocol_version  # type: ignore[attr-defined] # it has no __all__
from ipykernel.jsonutil import json_clean
from powershell_kernel.kernel import PowerShellKernel

from pwsh_kernels import __version__
from pwsh_kernels.errors import PowerShellDied, ProductError, StateChanged, StateUnknown
from pwsh_kernels.grants import Grant, Verifier
from pwsh_kernels.kernel.asker import Asker, MessageCodec
from pwsh_kernels.kernel.checked_messages import CheckedMessages
from pwsh_kernels.kernel.connection_gate import ConnectionGate
from pwsh_kernels.kernel.display.open_view import Publish, reader_of
from pwsh_kernels.kernel.display.output import Output
from pwsh_kernels.kernel.display.rendering import ErrorContent, product_error, summary_error
from pwsh_kernels.kernel.engine import Engine
from pwsh_kernels.kernel.environment import read_environment
from pwsh_kernels.kernel.execution import Execution
from pwsh_kernels.kernel.expected_state import found_state, read_question
from pwsh_kernels.kernel.isolation import IsolatedClients
from pwsh_kernels.kernel.journal import Journal, text_size
from pwsh_kernels.kernel.language.expressions import failure
from pwsh_kernels.kernel.language.history import History
from pwsh_kernels.kernel.language.services import LanguageServices
from pwsh_kernels.kernel.sharing import NAME, UNSEEN, UNSEEN_EXPRESSION, SharedKernel, is_shared
from pwsh_kernels.messages import (
    CONNECTION_CHANGED,
    EVENT_MESSAGE,
    JOURNAL_REPLY,
    JOURNAL_REQUEST,
    KEY,
    POWERSHELL_DIED,
    read_options,
    refused_facts,
    shows_views,
    state_facts,
    summary_metadata,
    takes_packed,
    understanding,
)
from pwsh_kernels.powershell import Died
from pwsh_kernels.records import RunOptions, Summary
from pwsh_kernels.script_text import without_mark

LAST_REPLY_WAIT_S = 2.0
"""After PowerShell's death: longest wait for the replies to running and queued cells before the
kernel exits.
"""
EXIT_POWERSHELL_DIED = 70
NOTHING: Mapping[str, Any] = MappingProxyType({})
LEAVE = {"source": "ask_exit", "keepkernel": True}
"""For a console whose user typed `exit`: it leaves, and shuts down only a kernel that it started
itself.
"""


class Ending(NamedTuple):
    """How a run ended: the facts, the error to show, if any, and what the reply says besides."""

    summary: Summary
    error: ErrorContent | None = None
    beside: Mapping[str, Any] = NOTHING


class PwshKernel(
    CheckedMessages, LanguageServices, SharedKernel, IsolatedClients, PowerShellKernel
):
    """The kernel.

    Control requests arrive in a thread of their own; PowerShell and every run live in the main
    loop.
    """

    implementation = "pwsh_kernels"
    implementation_version = __version__
    # Without the requests that would run code in the control thread, parallel to a running cell.
    control_msg_types = [  # noqa: RUF012
        "kernel_info_request",
        "interrupt_request",
        "shutdown_request",
        "connect_request",
        "comm_info_request",
        "history_request",
        "usage_request",
        JOURNAL_REQUEST,
    ]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        environment = read_environment(os.environ, Path.home())
        self.engine = Engine(environment, self._powershell_died)
        self._rich_output = environment.rich_output
        self._log_file = environment.log_file
        self._sign_in_hint = environment.sign_in_hint
        self.cells = History()
        self.exit_status = 0
        self._codec = cast(MessageCodec, self.session)
        self._journal = Journal()
        self._gate = ConnectionGate()
        self.admit = Verifier(environment.grants).admit if is_shared() else admit_all
        self._running: Execution | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer requests, and to open PowerShell."""
        super().start()
        self.io_loop.add_callback(self._open)

    def _open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.engine.start()

    def pre_handler_hook(self) -> None:
        """Leave SIGINT ignored: stock ipykernel exits on one in an async cell; interrupts come as
        messages.
        """

    def post_handler_hook(self) -> None:
        """Leave SIGINT ignored."""

    @property
    def language_version(self) -> str:
        """PowerShell's version, "" until it is known."""
        return self.engine.known_version()

    @property
    def banner(self) -> str:  # type: ignore[override]
        """What a console shows at its start."""
        return f"PowerShell {self.language_version or '(not found)'}, pwsh-kernels {__version__}"

    @property
    def language_info(self) -> dict[str, Any]:  # type: ignore[override]
        """The language for editors; the CodeMirror and Pygments names are those of their PowerShell
        modes.
        """
        return {
            "name": "powershell",
            "version": self.language_version,
            "mimetype": "application/x-powershell",
            "file_extension": ".ps1",
            "pygments_lexer": "powershell",
            "codemirror_mode": "powershell",
        }

    @property
    def kernel_info(self) -> dict[str, Any]:
        """What this kernel is; it has no subshells and no debugger.

        Not the base's answer with changes: that imports debugpy in the control thread, which takes
        0.3 s and, now and then, raced with an import of the main thread and gave no reply
        (measured).
        """
        return {
            "protocol_version": kernel_protocol_version,
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            "language_info": self.language_info,
            "banner": self.banner,
            "help_links": self.help_links,
            "supported_features": [],
            **understanding(),
        }

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer once PowerShell is found (not: opened), so that the version is the real one."""
        await self.engine.version()
        await super().kernel_info_request(stream, ident, parent)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: Mapping[str, str] | None = None,
        allow_stdin: bool = False,  # noqa: ARG002 - the base's signature; the Asker reads the request
        *,
        cell_meta: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Run a cell and return the reply's content, with the reply's metadata under our key (see
        finish_metadata).
        """
        code = without_mark(code)
        if self.refused_unseen(code, silent=silent):
            refusal = ErrorContent(NAME, UNSEEN, ())
            return {"status": "error", **self._count(), **refusal.to_json()}
        parent, metadata = self.get_parent("shell"), cell_meta or {}
        shown = shows_views(metadata, by_default=self._rich_output)
        reader = reader_of(parent["content"], metadata) if shown else None
        output = Output(
            self._publisher(silent=silent),
            parent["header"]["msg_id"],
            reader,
            self._sign_in_hint,
            packed=takes_packed(metadata),
        )
        kept = store_history and not silent and bool(code.strip())
        if kept:
            self.cells.add(self.execution_count, code)
        keep_as = parent["header"]["msg_id"] if kept and is_shared() else ""
        if is_shared() and not silent:
            self._journal.begin(parent)
        ending = await self._end_of_cell(output, code, metadata, keep_as, add_to_history=kept)
        if ending.error:
            output.error(ending.error, ending.summary.terminating_error)
        self._gate.leave(metadata, changed=ending.summary.connection_changed and is_shared())
        if ending.summary.connection_changed and is_shared():
            self._publish(EVENT_MESSAGE, {"event": CONNECTION_CHANGED}, {}, parent)
        reply, metadata = (
            await self._reply(ending, user_expressions or {}),
            summary_metadata(ending.summary, ending.beside),
        )
        self._journal.end(parent["header"]["msg_id"], reply["status"], metadata)
        return {**reply, KEY: metadata}

    async def _end_of_cell(
        self,
        output: Output,
        code: str,
        metadata: Mapping[str, Any],
        keep_as: str,
        *,
        add_to_history: bool,
    ) -> Ending:
        """Run the code; an exception that left this method would leave the client without a reply
        (decision 0008).
        """
        try:
            options = replace(read_options(metadata), keep_as=keep_as)
            told = await self._told_state(metadata)
            if not code.strip():
                return Ending(Summary("completed"), beside=told)
            self._gate.enter(metadata)
            ending = await self._run(output, code, options, add_to_history=add_to_history)
            return ending._replace(beside=told)
        except PowerShellDied as error:
            return Ending(Summary("died"), product_error(error))
        except (StateChanged, StateUnknown) as error:
            return Ending(Summary("failed"), product_error(error), refused_facts(error))
        except ProductError as error:
            return Ending(Summary("failed"), product_error(error))
        except Exception:
            logging.getLogger(__name__).exception("a cell could not be run")
            sentence = f"The kernel failed; {self._log_file} has the traceback."
            return Ending(Summary("failed"), ErrorContent("InternalError", sentence, ()))

    async def _told_state(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the state that a request asks for. Raises StateChanged, StateUnknown."""
        question = read_question(metadata)
        if question is None:
            return NOTHING
        state = await found_state(await self.engine.shell(), question)
        if told := question.differences(state):
            raise StateChanged(told)
        return state_facts(state.to_json())

    async def _run(
        self, output: Output, code: str, options: RunOptions, *, add_to_history: bool
    ) -> Ending:
        parent = self.get_parent("shell")
        announce = self._announcer(parent)
        asker = Asker(
            self._codec,
            self.stdin_socket,
            self.asker_identity(),
            parent,
            admit=self.admit,
            announce=announce,
        )
        execution = self._running = Execution(output, asker, self._log_file)
        try:
            end = await execution.run(
                self.engine.shell(), code, options, add_to_history=add_to_history
            )
        finally:
            self._running = None
        if isinstance(end, Died):
            return Ending(
                Summary("died"),
                product_error(PowerShellDied(end.exit_status, end.signal, end.reason)),
            )
        return Ending(end.summary, summary_error(end.summary, output.style))

    async def _reply(self, ending: Ending, user_expressions: Mapping[str, str]) -> dict[str, Any]:
        if ending.error:
            return {"status": "error", **self._count(), **ending.error.to_json()}
        payload = [LEAVE] if ending.summary.exit_called else []
        return {
            "status": "ok",
            **self._count(),
            "payload": payload,
            "user_expressions": await self._values(user_expressions),
        }

    def _count(self) -> dict[str, int]:
        return {"execution_count": self.execution_count}

    async def _values(self, user_expressions: Mapping[str, str]) -> dict[str, Any]:
        """Return the expressions' values; a shared kernel evaluates none, as nobody would see
        it.
        """
        if is_shared():
            return {name: failure(NAME, UNSEEN_EXPRESSION) for name in user_expressions}
        return await self.evaluate(user_expressions)

    def finish_metadata(
        self, _: Any, metadata: dict[str, Any], reply_content: dict[str, Any]
    ) -> dict[str, Any]:
        """Move the summary from the reply's content, where do_execute put it, to the reply's
        metadata.
        """
        return {**metadata, **reply_content.pop(KEY, {})}

    def _publisher(self, *, silent: bool) -> Publish:
        """Return what sends iopub messages of the present request; a silent one has none."""
        parent = self.get_parent("shell")

        def publish(kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
            if not silent:
                self._publish(kind, content, metadata, parent)

        return publish

    def _announcer(self, parent: Any) -> Callable[[Mapping[str, Any]], None] | None:
        """Return the function that announces a question to every client of a shared kernel, or None
        if only the asker may answer.
        """
        return (
            (lambda event: self._publish(EVENT_MESSAGE, event, {}, parent)) if is_shared() else None
        )

    def _publish(
        self, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any], parent: Any = None
    ) -> None:
        facts = json_clean(metadata)
        message = self._codec.send(
            self.iopub_socket,
            kind,
            json_clean(content),
            parent=parent,
            ident=self.iopub_topic(kind),
            metadata=facts,
        )
        if parent and is_shared():
            self._journal.add(parent["header"]["msg_id"], message, text_size(content))

    async def pwsh_journal_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Report the output of the last executions; runs in the control thread."""
        runs = {"status": "ok", "runs": self._journal.to_json()}
        self._codec.send(stream, JOURNAL_REPLY, json_clean(runs), parent=parent, ident=ident)

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Ask the running cell, if any, to stop, and answer at once; runs in the control thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._interrupt)
        self._codec.send(stream, "interrupt_reply", {"status": "ok"}, parent=parent, ident=ident)

    def _interrupt(self) -> None:
        if self._running:
            self._running.interrupt()

    def _powershell_died(self, death: Died) -> None:
        facts = {"event": POWERSHELL_DIED, **asdict(death)}
        self._publish(EVENT_MESSAGE, facts, {})
        self._leaving = asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self) -> None:
        """End the kernel once running and queued cells have their replies: Jupyter then sees that
        the kernel is dead.
        """
        try:
            async with asyncio.timeout(LAST_REPLY_WAIT_S), self.main_lock:
                self.exit_status = EXIT_POWERSHELL_DIED
        except TimeoutError:
            logging.getLogger(__name__).warning("leaving with requests unanswered")
        self.exit_status = EXIT_POWERSHELL_DIED
        self.io_loop.stop()

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """End PowerShell, then let the base end the kernel. Called in the control thread."""
        await self._in_main_loop(self.engine.close())
        return {"status": "ok", "restart": restart}

    async def _in_main_loop(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None or self._loop is asyncio.get_running_loop():
            await work
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def admit_all(message: Mapping[str, Any]) -> Grant | None:  # noqa: ARG001 - as Verifier.admit
    """Let every message in: a kernel that is no session belongs to whoever started it."""
    return None
