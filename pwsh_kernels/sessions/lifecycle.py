"""The life of a session: start its kernel, find it again, notice its death, end it."""

import asyncio
import functools
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from pwsh_kernels.audit.event import Kind
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Module, Route, Tenant
from pwsh_kernels.errors import PowerShellDied, ProductError, TooManySessions
from pwsh_kernels.messages import CONNECTION_CHANGED, POWERSHELL_DIED, REQUEST_REFUSED
from pwsh_kernels.sessions.audit_events import of_session, refused_by_kernel
from pwsh_kernels.sessions.broadcast import Broadcast
from pwsh_kernels.sessions.directory import Directory
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.launcher import Launcher
from pwsh_kernels.sessions.live import OURSELVES, LiveSession
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.notes import SessionNote, SessionNotes
from pwsh_kernels.sessions.places.place import Place
from pwsh_kernels.sessions.places.process_tree import check_descriptor
from pwsh_kernels.sessions.runs.connection import Message
from pwsh_kernels.sessions.runs.notes import RunNote
from pwsh_kernels.sessions.runs.queue import SERVER_STOPPED, RunQueue
from pwsh_kernels.sessions.runs.run import Run, failure_sentence, utc
from pwsh_kernels.sessions.runs.table import Runs
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.sign_in.ended_sign_ins import Examiner
from pwsh_kernels.sessions.sign_in.flow import SignInFlow
from pwsh_kernels.sessions.views.title import session_title
from pwsh_kernels.settings import Settings
from pwsh_kernels.shapes import Tier

LOG = logging.getLogger(__name__)
ADOPT_WAIT_S = 5.0
"""A living kernel answers on control in milliseconds, whatever its PowerShell does."""
SHORT_COMMAND = 16_000
"""Up to this many characters, a command is searched for secrets at once. A longer one is searched
in a thread: a hostile text of a megabyte can take seconds.
"""
CANCEL_WAIT_S = 5.0
REFUSED = "The kernel of %s did not do what no server granted: %s"
FORGOTTEN = "the session's kernel no longer knows it"
ADOPT_PAUSE_S = 5.0
"""Pause before a kernel that did not answer is asked again."""
SILENT = "its kernel does not answer; it is asked again until it does, or until its process ends"
OLD_COMMAND = "it still runs a command from before the server's restart"
OLD_CODE = (
    "A sign-in from before the server's restart is waiting for its code; `login` starts a new one."
)
RESTART_REFUSED = (
    "A restart would end the sign-in to {key} for everyone who uses it, so nothing was done. To"
    " stop what is running, interrupt it. To start over: `pwsh-kernels disconnect {tenant}"
    " {module}{read}`, then `pwsh-kernels login {tenant} {module}{read}` (or POST /disconnect and"
    " POST /login)."
)
ALIVE_WAIT_S = 2.0
"""A living kernel answers in milliseconds; a frozen one is killed."""
SIGN_OUT_WAIT_S = 7.0
"""How long the current run may take to stop, and the module's disconnect script to end; the process
ends afterwards anyway.
"""
CLOSE_WAIT_S = 3.0
"""How long a kernel may take to end before it is terminated."""


class Lifecycle:
    """The table of sessions; begins and ends them."""

    def __init__(
        self,
        settings: Settings,
        manager: SessionKernelManager,
        directory: Directory,
        launcher: Launcher,
        runs: Runs,
        *,
        audit: AuditTrail,
    ) -> None:
        """`save`d notes, and what else is on disk, live in the settings' `data_dir`."""
        self._settings = settings
        self._manager = manager
        self._directory = directory
        self._launcher = launcher
        self._runs = runs
        self._audit = audit
        self._notes = SessionNotes(settings.data_dir / "sessions")
        self._history = launcher.history
        self._pins = launcher.pins
        self._examiner = Examiner(lambda live: self.restore([live.key]))
        self._left_runs: dict[str, RunNote] = {}
        self.table: dict[SessionKey, LiveSession] = {}
        self._places = launcher.places
        self.sign_ins = SignInFlow(
            settings,
            self.save,
            self.table.values,
            launcher.places,
            launcher.pin_again,
            audit=audit,
        )
        self.changes = Broadcast()
        self._turns: WeakValueDictionary[SessionKey, asyncio.Lock] = WeakValueDictionary()
        manager.serve(self, settings.pass_env, settings.most_kernels)

    def find(self, tenant: str, module: str, tier: Tier = "write") -> LiveSession | None:
        """Return a session. Raises UnknownModule, InvalidTenant."""
        return self.table.get(self._directory.names(tenant, module, tier)[2])

    def open(
        self, tenant: str, module: str, tier: Tier = "write", *, alone: bool = False
    ) -> LiveSession:
        """Return the session, or begin a new one when there is none or it is gone; it starts in the
        background.

        `alone`: nobody asked for a sign-in; it signs in only if that needs no person. Raises
        UnsafeFolder, ReaderNotConfigured.
        """
        known_tenant, known_module, key = self._directory.to_use(tenant, module, tier)
        live = self.table.get(key)
        if live is None or live.session.gone or live.ending:
            self._make_room(key)
            earlier = live.session.route if live else None
            live = self._add(self._new(key, known_tenant, known_module))
            live.tasks.start(self._start(live, alone=alone, earlier=earlier), f"start {key}")
        elif live.session.state == "signed_out":
            live.session.configure(known_tenant)
            if alone:
                self.sign_ins.begin_alone(live)
        return live

    def restore(self, wanted: Collection[SessionKey]) -> None:
        """Begin the sessions that do not exist yet, and sign them in if that needs no person."""
        for key in wanted:
            try:
                self.open(key.tenant, key.module, key.tier, alone=True)
            except ProductError as error:
                LOG.warning("The session %s was not restored: %s", key, error)

    async def adopt_all(self) -> None:
        """Find the sessions of an earlier server: those whose kernel still runs, and those that
        were lost meanwhile.
        """
        left = self._runs.read_notes()
        self._left_runs = {one.message_id: one for one in left if one.message_id}
        self._end_unsent_runs(one for one in left if not one.message_id)
        notes = list(self._notes.read_all())
        await asyncio.gather(*(self._adopt_or_skip(note) for note in notes))
        for place in self._places:
            await self._adopt_unnoted(place)
        self._lose_left_runs()
        await self._release_stale_pins()

    async def detach_all(self) -> None:
        """Let go of every kernel; they keep running."""
        for live in list(self.table.values()):
            await live.tasks.end_all()
            for run in self._runs.of(live.key):
                self._runs.note(run)
            live.detach()
            await self._manager.release_session(live.key)
        for place in self._places:
            await place.close()

    async def disconnect(self, live: LiveSession, *, forget: bool = False) -> None:
        """Stop what runs, sign out, end the kernel; with `forget` also remove the
        session's HOME.

        A session that is begun meanwhile under the same key starts when this is done.
        """
        check_descriptor()
        live.ending = True
        await live.tasks.end_all()  # a start in progress would hold the turn
        async with self._turn(live.key):
            await self._end(live, forget=forget)

    async def _end(self, live: LiveSession, *, forget: bool) -> None:
        answers = await live.answers(ALIVE_WAIT_S)
        if answers:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._sign_out(live), SIGN_OUT_WAIT_S)
        self._remove(live, "the session was disconnected")
        await self._end_kernel(live.key, politely=answers)
        if forget:
            await self._places[live.session.place].forget_home(live.key)
        self._forget(live)

    async def _sign_out(self, live: LiveSession) -> None:
        if live.active and live.queue:
            await live.queue.cancel(live.active, CANCEL_WAIT_S)
        if live.session.state == "signed_in" and not live.busy:
            script = live.session.module.disconnect
            await live.run_script(script, f"sign out of {live.key}", "sign_out", SIGN_OUT_WAIT_S)

    async def _end_kernel(self, key: SessionKey, *, politely: bool) -> None:
        if politely:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._manager.close_session(key), CLOSE_WAIT_S)
                return
        await self._manager.kill_session(key)

    async def forget_home(self, key: SessionKey) -> bool:
        """Remove the HOME of a session that does not exist (any more); return whether there was
        one.
        """
        async with self._turn(key):
            if key in self.table:  # a new session has begun: the HOME is its own
                return False
            forgotten = [await one.forget_home(key) for one in self._places]
            return any(forgotten)

    async def kill(self, live: LiveSession) -> None:
        """End the processes at once."""
        check_descriptor()
        await live.tasks.end_all()  # first: a start in progress would connect to the killed kernel
        self._remove(live, "the session was killed")
        await self._manager.kill_session(live.key)
        self._forget(live)

    def save(self, live: LiveSession) -> None:
        """Write the note that lets a later server find the session.

        A full disk changes nothing for the session: a later server finds its kernel all the same.
        """
        if self.table.get(live.key) is not live:
            return
        try:
            self._write_note(live)
        except OSError as error:
            LOG.warning("The note of %s was not written: %s", live.key, error)

    def _write_note(self, live: LiveSession) -> None:
        session = live.session
        self._notes.write(
            SessionNote(
                tenant=live.key.tenant,
                module=live.key.module,
                kernel_id=live.key.kernel_id,
                connection_file=str(self._manager.connection_file(live.key)),
                created_at=utc(session.created_at) or "",
                state=session.state,
                expected_account=session.expected_account,
                signed_in_at=utc(session.signed_in_at),
                route=session.route.name if session.route else None,
                place=session.place,
                tier=live.key.tier,
            )
        )

    def _turn(self, key: SessionKey) -> asyncio.Lock:
        """Return the lock under which sessions of one key end and start, one after the other."""
        return self._turns.setdefault(key, asyncio.Lock())

    # -- start ---------------------------------------------------------------------------------

    def _make_room(self, key: SessionKey) -> None:
        """Make room for one more session, removing lost ones first.

        Raises TooManySessions.
        """
        others = [one for one in self.table.values() if one.key != key]
        limit = self._settings.most_sessions
        if sum(not one.session.gone for one in others) >= limit:
            raise TooManySessions(limit=limit)
        lost = [one for one in others if one.session.gone]
        for one in lost[: max(0, len(others) + 1 - limit)]:
            self._remove(one, "a newer session took its place")
            self._forget(one)

    def _new(self, key: SessionKey, tenant: Tenant, module: Module) -> Session:
        return Session(key, tenant, module, place=self._places.chosen(tenant, key.module))

    def _add(self, session: Session, *, adopted: bool = False) -> LiveSession:
        launch = self._launcher.launch(session)  # first: refused, it leaves no session behind
        if not adopted:
            launch.place.check(launch.needs)
        pins = self._pins.pinned(session.key) if adopted else self._launcher.pin(session)
        session.pin(pins)
        if adopted:
            session.settle_pins()
        self._manager.add_session(launch)
        live = LiveSession(session, self._runs)
        self.table[session.key] = live
        session.changes.be_part_of(self.changes)
        self.changes.notify()
        return live

    async def _start(self, live: LiveSession, *, alone: bool, earlier: Route | None) -> None:
        try:
            async with self._turn(live.key):  # an earlier session of this key ends first
                self._places[live.session.place].prepare_home(live.key)
                await self._manager.kill_session(live.key)  # a lost kernel's process may linger
                await self._places[live.session.place].tidy(live.key)
                await self._manager.start_kernel(kernel_name=live.key.kernelspec)
            await self._attach(live, self._settings.start_timeout)
            await self._wait_until_ready(live)
        except (
            Exception
        ) as error:  # the outermost caller of jupyter_client, which raises what it likes
            LOG.exception("The session %s did not start", live.key)
            log = self._launcher.log_file(live.session)
            reason = f"its kernel did not start: {error or type(error).__name__}; its log is {log}"
            self._fail(live, reason)
            await self._manager.kill_session(live.key)
            return
        live.session.become("signed_out")
        self.save(live)
        if alone:
            self.sign_ins.begin_alone(live, earlier)

    async def _attach(self, live: LiveSession, timeout: float, *, adopted: bool = False) -> None:
        kernel = self._manager.get_kernel(live.key.kernel_id)
        live.queue = RunQueue(
            kernel.get_connection_info(),
            kernel.context,
            functools.partial(self._observed, live),
            lambda message: self._event(live, message),
            live.session.use,
            examine=functools.partial(self._examiner.examine, live),
            on_sent=self._runs.note_sent,
            adopted=adopted,
            signer=self._manager.signer(live.key),
        )
        await live.queue.join(timeout)
        if adopted:
            await live.queue.recall(functools.partial(self._recalled, live), ADOPT_WAIT_S)

    def _observed(self, live: LiveSession, code: str, client: str, message_id: str) -> Run:
        """Make the run of a notebook's execution, for whoever has sent it through us."""
        return live.observe(code, client, self._manager.senders.take(message_id))

    async def _wait_until_ready(self, live: LiveSession) -> None:
        """Run an empty command, to see that PowerShell has opened. Raises TimeoutError,
        ConnectionError.
        """
        run = self._runs.make(live.key, "")
        live.submit(run, "", store_history=False)
        if not await run.wait(self._settings.start_timeout):
            raise TimeoutError(f"no answer within {self._settings.start_timeout:.0f} s")
        if run.state != "succeeded":
            raise ConnectionError(failure_sentence(run))

    def note_run(self, run: Run) -> None:
        """Record a run for the session's own PowerShell; neither a full disk nor the run's content
        may keep the run from ending.
        """
        live = self.table.get(run.key)
        if run.purpose != "command" or live is None:
            return
        if len(run.command) <= SHORT_COMMAND:
            self._note(run)
        else:
            live.tasks.start(asyncio.to_thread(self._note, run), f"history of {run.id}")

    def _note(self, run: Run) -> None:
        try:
            self._history.add(run)
        except Exception:
            LOG.exception("The history of %s was not written", run.key)

    def title(self, key: SessionKey) -> str:
        """Return a session's name for people."""
        live = self.table.get(key)
        return session_title(live.session) if live else str(key)

    def restart_refusal(self, key: SessionKey) -> str:
        """Return why a Jupyter client may not restart a session now, or "" if nothing would be
        lost.
        """
        live = self.table.get(key)
        signed_in = live is not None and live.session.state in ("signed_in", "signing_in")
        return (
            RESTART_REFUSED.format(
                key=key,
                tenant=key.tenant,
                module=key.module,
                read=" --read" if key.reads else "",
            )
            if signed_in
            else ""
        )

    def started_elsewhere(self, key: SessionKey) -> None:
        """A Jupyter client started or restarted the kernel of a session that was lost."""
        live = self.table.get(key)
        if live is None or live.session.gone:
            old = live.session if live else None
            if old is not None:
                new = self._add(self._new(key, old.tenant, old.module))
                new.tasks.start(self._start_attached(new), f"attach to {key}")

    async def _start_attached(self, live: LiveSession) -> None:
        try:
            await self._attach(live, self._settings.start_timeout)
            await self._wait_until_ready(live)
        except (TimeoutError, ConnectionError) as error:
            self._fail(live, f"its kernel did not start: {error}")
            return
        live.session.become("signed_out")
        self.save(live)

    # -- adoption ------------------------------------------------------------------------------

    async def _adopt_unnoted(self, place: Place) -> None:
        """Take over the kernels of sessions whose note is gone: the check finds out who is signed
        in.
        """
        for key in await place.living():
            if key in self.table:
                continue
            LOG.warning("The session %s was found without its note", key)
            note = SessionNote(
                tenant=key.tenant,
                module=key.module,
                kernel_id=key.kernel_id,
                connection_file=str(self._manager.connection_file(key)),
                created_at=utc(now()) or "",
                state="signed_in",
                place=place.name,
                tier=key.tier,
            )
            await self._adopt_or_skip(note)

    def _recalled(self, live: LiveSession, entry: Mapping[str, Any]) -> Run | None:
        """Return the run of an execution that the kernel remembers; None for one of our own
        scripts.

        The result of an ended run without a note has already been delivered.
        """
        note = self._left_runs.pop(entry["header"]["msg_id"], None)
        if note and note.key == live.key:
            return self._restored(note)
        if entry["reply"] is not None:
            return None
        client = str(entry["header"].get("username") or "")
        return live.observe(entry["code"], client, str(entry.get("principal") or ""))

    def _restored(self, note: RunNote) -> Run | None:
        if note.purpose == "command":
            return self._runs.restore(note)
        self._runs.drop_note(note)
        return None

    def _end_unsent_runs(self, notes: Iterable[RunNote]) -> None:
        """Restore the runs that were waiting for their turn when an earlier server stopped."""
        for note in sorted(notes, key=lambda one: one.created_at):
            if note.purpose == "command":
                self._runs.restore_cancelled(note, SERVER_STOPPED)
            else:
                self._runs.drop_note(note)

    def _lose_left_runs(self) -> None:
        """End the runs of an earlier server that no kernel remembers; those of a kernel that does
        not answer are kept.
        """
        left, self._left_runs = self._left_runs, {}
        for message_id, note in left.items():
            live = self.table.get(note.key)
            if live and not live.session.gone and live.queue is None:
                self._left_runs[message_id] = note
            elif run := self._restored(note):
                run.become("running")
                run.finish("lost", reason=(live.session.reason if live else "") or FORGOTTEN)

    async def _adopt_or_skip(self, note: SessionNote) -> None:
        try:
            await self._adopt(note)
        except ProductError as error:
            LOG.warning("The session %s was not adopted: %s", note.key, error)
        except Exception:  # whatever is wrong with one session, the others are served
            LOG.exception("The session %s was not adopted", note.key)
            self.ended(note.key, "it could not be taken over; the server's log says why")

    async def _adopt(self, note: SessionNote) -> None:
        tenant, module, key = self._directory.names(note.tenant, note.module, note.tier)
        session = Session(
            key,
            tenant,
            module,
            created_at=note.created_time(),
            expected_account=note.expected_account,
            route=module.routes.get(note.route) if note.route else None,
            place=note.place,
        )
        live = self._add(session, adopted=True)
        try:
            found = await self._places[session.place].find(key)
        except ConnectionError as error:
            self._fail(live, str(error))
            return
        if found is None:
            live.lose("its process ended while no server watched it")
            return
        try:
            await self._manager.start_kernel(kernel_name=key.kernelspec)
            await self._attach(live, ADOPT_WAIT_S, adopted=True)
        except (TimeoutError, ConnectionError):
            live.tasks.start(self._adopt_again(live, note, found), f"find {key}")
            return
        await self._adopted(live, note, found)

    async def _adopt_again(self, live: LiveSession, note: SessionNote, found: str) -> None:
        """Keep trying a kernel that does not answer, as long as its process is alive and nobody
        ends it.
        """
        LOG.warning("The kernel of %s does not answer; it is asked again", live.key)
        while not live.session.gone:
            live.drop_queue(SILENT)
            live.session.say(SILENT)
            await asyncio.sleep(ADOPT_PAUSE_S)
            if await self._manager.alive(live.key) != found:
                break
            try:
                await self._attach(live, ADOPT_WAIT_S, adopted=True)
            except (TimeoutError, ConnectionError):
                continue
            await self._adopted(live, note, found)
            return
        self.ended(live.key, "its process ended without having answered")
        self._lose_left_runs()

    async def _adopted(self, live: LiveSession, note: SessionNote, found: str) -> None:
        key = live.key
        # It may have ended in this very moment, and a new one was started.
        if found != await self._manager.alive(key):
            self._fail(live, "its process ended while a server looked for it")
            await self._manager.kill_session(key)
            return
        LOG.info("Found the kernel of %s again", key)
        live.left_signing_in = note.state == "signing_in"
        live.session.say(OLD_CODE if live.awaits_old_code else OLD_COMMAND)
        live.tasks.start(self.sign_ins.resume(live, note), f"check {key}")

    # -- end -----------------------------------------------------------------------------------

    def _event(self, live: LiveSession, message: Message) -> None:
        facts: Mapping[str, Any] = message["content"]
        if facts.get("event") == CONNECTION_CHANGED:
            self._examiner.look_again(live)
        if facts.get("event") == REQUEST_REFUSED:
            LOG.warning(REFUSED, live.key, json.dumps(facts))
            self._audit.note(refused_by_kernel(live.key, facts))
        if facts.get("event") == POWERSHELL_DIED:
            died = PowerShellDied(
                facts.get("exit_status"), facts.get("signal"), str(facts.get("reason") or "")
            )
            self.end_for(live, self._excess(live) or f"PowerShell ended: {died.how()}")

    async def _kill_lost(self, live: LiveSession) -> None:
        """End what is left of a lost session's kernel, unless a new session has begun under the
        key.
        """
        if self.table.get(live.key) is live:
            await self._manager.kill_session(live.key)

    def end_for(self, live: LiveSession, reason: str) -> None:
        """End a session against the will of who uses it: it is lost, for this reason."""
        if not live.session.gone:
            self._fail(live, reason)
            live.tasks.start(self._kill_lost(live), f"end the kernel of {live.key}")

    def ended(self, key: SessionKey, reason: str) -> None:
        """Its kernel is gone, and we did not end it."""
        live = self.table.get(key)
        if live and not live.session.gone:
            self._fail(live, self._excess(live) or reason)

    def _excess(self, live: LiveSession) -> str:
        return self._places[live.session.place].excess(live.key)

    def _fail(self, live: LiveSession, reason: str) -> None:
        LOG.warning("The session %s is lost: %s", live.key, reason)
        self._audit.note(of_session(Kind.SESSION_LOST, live.key, OURSELVES, reason=reason))
        live.lose(reason)
        if self.table.get(live.key) is live:
            self._pins.release(live.key)
        self.save(live)

    def _remove(self, live: LiveSession, reason: str) -> None:
        live.close(reason)
        if self.table.get(live.key) is live:
            del self.table[live.key]
        self.changes.notify()

    def _forget(self, live: LiveSession) -> None:
        if live.key not in self.table:
            self._manager.remove_session(live.key)
            self._notes.remove(live.key)
            self._history.forget(live.key)
            self._pins.release(live.key)

    async def _release_stale_pins(self) -> None:
        """Release the pins of sessions that no longer exist; a session that we could not take over
        may still be alive.
        """
        for key in self._pins.sessions():
            live = self.table.get(key)
            if live is not None and not live.session.gone:
                continue
            if not any([await place.alive(key) for place in self._places]):
                self._pins.release(key)
