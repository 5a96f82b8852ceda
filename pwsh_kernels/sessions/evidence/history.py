"""What was run in a session, by whom: a file that the session's own PowerShell reads
(Get-SessionHistory).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.redaction import redacted, secrets_of
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
    """A folder (0700) with one file of JSON lines (0600) for each session; a line for each run that
    has ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, key: SessionKey) -> Path:
        """Return a session's file, which may not exist yet."""
        return self._folder / f"{key.kernelspec}.jsonl"

    def add(self, run: Run) -> None:
        """Note a run that has ended."""
        path = self.file(run.key)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8"
        ) as lines:
            lines.write(json.dumps(history_line(run)) + "\n")
        if path.stat().st_size > FULL_BYTES:
            self._cut(path)

    def forget(self, key: SessionKey) -> None:
        """Remove what is kept of a session."""
        self.file(key).unlink(missing_ok=True)

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
    secrets = secrets_of(run.command, run.options.parameters)
    return {
        "run_id": run.id,
        "created_at": utc(run.created_at),
        "started_at": utc(run.started_at),
        "ended_at": utc(run.ended_at),
        "state": run.state,
        "principal": run.principal,
        "client": run.client,
        "account": run.account,
        "command": redacted(run.command, secrets)[:COMMAND_CHARS],
        "error": (
            redacted(run.reason or failure_sentence(run), secrets)[:COMMAND_CHARS]
            if run.state in FAILED
            else ""
        ),
    }
