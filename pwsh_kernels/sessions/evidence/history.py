"""What was run in a session, by whom: a file that the session's own PowerShell reads
(Get-SessionHistory).
"""

import json
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.redaction import Known, redacted_beginning, secrets_of
from pwsh_kernels.sessions.runs.run import Run, failure_sentence, utc
from pwsh_kernels.shapes import FAILED

MODULES = Path(__file__).parent / "powershell"
"""Goes on PSModulePath of every session: the module with Get-SessionHistory."""
VARIABLE = "PWSH_KERNELS_HISTORY"
"""Variable of the session's PowerShell that names its file."""
RUNS_KEPT = 100
COMMAND_CHARS = 4000
"""Characters of one command that are kept."""
FULL_BYTES = 512 * 1024
"""A file that is longer is cut to the last RUNS_KEPT runs."""


class SessionHistory:
    """A folder (0700) for each session with a file of JSON lines (0600); a line for each run that
    has ended. A session may read its own folder alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()

    def file(self, key: SessionKey) -> Path:
        """Return a session's file, which may not exist yet."""
        return self._folder / key.kernelspec / "runs.jsonl"

    def add(self, run: Run) -> None:
        """Note a run that has ended; from any thread."""
        line = json.dumps(history_line(run)) + "\n"
        with self._turn:
            self._append(run.key, line)

    def _append(self, key: SessionKey, line: str) -> None:
        path = self.file(key)
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8"
        ) as lines:
            lines.write(line)
        if path.stat().st_size > FULL_BYTES:
            self._cut(path)

    def forget(self, key: SessionKey) -> None:
        """Remove what is kept of a session."""
        shutil.rmtree(self.file(key).parent, ignore_errors=True)

    def _cut(self, path: Path) -> None:
        last = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[
            -RUNS_KEPT:
        ]
        part = path.with_suffix(".part")
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as lines:
            lines.writelines(last)
        part.replace(path)


def history_line(run: Run) -> Mapping[str, object]:
    """Return the facts of an ended run, without secrets and without its output. Pure."""
    secrets = Known(secrets_of(run.command, run.options.parameters))
    return {
        "run_id": run.id,
        "created_at": utc(run.created_at),
        "started_at": utc(run.started_at),
        "ended_at": utc(run.ended_at),
        "state": run.state,
        "principal": run.principal,
        "client": run.client,
        "account": run.account,
        "command": redacted_beginning(run.command, COMMAND_CHARS, secrets),
        "error": (
            redacted_beginning(run.reason or failure_sentence(run), COMMAND_CHARS, secrets)
            if run.state in FAILED
            else ""
        ),
    }
