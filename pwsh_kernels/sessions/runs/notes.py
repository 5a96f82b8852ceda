"""Notes of running commands, by which the next server recognises them.

One file each (0600), written once a run has lasted a moment and removed when it ends; also written
for a waiting run that an orderly stop cancelled, until that run is forgotten. No secrets.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import get_args

from pwsh_kernels.records import OUTPUT_FORMATS, RunOptions
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import ForeignJson, Tier
from pwsh_kernels.tracing.context import read_trace

SUFFIX = ".run"


@dataclass(frozen=True, slots=True)
class RunNote:
    """A run that a kernel executes or, without a message id, one that was never sent; times are ISO
    8601.
    """

    run_id: str
    tenant: str
    module: str
    message_id: str
    command: str
    purpose: str
    principal: str
    client: str
    account: str | None
    created_at: str
    started_at: str | None
    parameters: ForeignJson
    format: str
    ended_at: str | None = None
    tier: Tier = "write"
    trace: Mapping[str, str] = field(default_factory=dict)
    """The headers of its trace context."""

    @property
    def key(self) -> SessionKey:
        """The session of the run."""
        return SessionKey(self.tenant, self.module, self.tier)

    def facts(self) -> ForeignJson:
        """Return Run's fields."""
        return {
            "purpose": self.purpose,
            "principal": self.principal,
            "client": self.client,
            "account": self.account,
            "trace": read_trace(self.trace),
            "created_at": datetime.fromisoformat(self.created_at),
            "started_at": datetime.fromisoformat(self.started_at) if self.started_at else None,
            "ended_at": datetime.fromisoformat(self.ended_at) if self.ended_at else None,
            "options": RunOptions(parameters=self.parameters, format=self.format),  # type: ignore[arg-type]
        }


class RunNotes:
    """The notes in a folder (0700)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, run: Run) -> None:
        """Write or replace the note of a run. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = asdict(note_of(run))
        with os.fdopen(
            os.open(self._file(run.id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
        ) as stream:
            json.dump(note, stream)

    def remove(self, run_id: str) -> None:
        """Forget a run."""
        with suppress(OSError):
            self._file(run_id).unlink()

    def read_all(self) -> Iterator[RunNote]:
        """Yield every readable note; unreadable ones are set aside."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                note = RunNote(**json.loads(path.read_bytes()))
                note.facts()
                if note.format not in OUTPUT_FORMATS or not isinstance(note.parameters, dict):
                    raise ValueError("no options")  # noqa: TRY301 - one way for all damage
                if note.tier not in get_args(Tier):
                    raise ValueError("no tier")  # noqa: TRY301 - one way for all damage
            except (OSError, ValueError, TypeError, RecursionError) as error:
                put_aside(path, error)
            else:
                yield note

    def _file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}{SUFFIX}"


def note_of(run: Run) -> RunNote:
    """Return what a later server must know of a run, without secrets. Pure."""
    return RunNote(
        run.id,
        run.key.tenant,
        run.key.module,
        run.message_id,
        run.command,
        run.purpose,
        run.principal,
        run.client,
        run.account,
        run.created_at.isoformat(),
        run.started_at.isoformat() if run.started_at else None,
        {
            name: value
            for name, value in run.options.parameters.items()
            if not (isinstance(value, Mapping) and "$secret" in value)
        },
        run.options.format,
        run.ended_at.isoformat() if run.ended_at else None,
        run.key.tier,
        run.trace.headers() if run.trace else {},
    )
