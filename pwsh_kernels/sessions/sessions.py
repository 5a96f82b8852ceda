"""The facade that the web layer uses: every act on sessions and runs, in the JSON shapes of docs/rest.md."""

from typing import Any

from pwsh_kernels.sessions.requests import LoginRequest, RunRequest


class Sessions:
    """All sessions and runs of one server."""

    async def start(self) -> None:
        """Find the kernels that outlived an earlier server and watch them; start the watchdog."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Let go of every kernel without ending it."""
        raise NotImplementedError

    def health(self) -> dict[str, Any]:
        """Return `{"sessions": {state: count}, "runs": {state: count}}`."""
        raise NotImplementedError

    def watchdog(self) -> dict[str, Any]:
        """Return `{"running", "config": {...}}` of GET /watchdog."""
        raise NotImplementedError

    def views(self) -> list[dict[str, Any]]:
        """Return every session; runs nothing and waits for nothing."""
        raise NotImplementedError

    async def status(self, tenant: str, module: str, wait_s: float = 0) -> dict[str, Any]:
        """Return one session's state. Raises UnknownModule, InvalidTenant."""
        raise NotImplementedError

    async def login(self, request: LoginRequest) -> dict[str, Any]:
        """Start or follow a sign-in. Raises UnknownModule, InvalidTenant, InvalidRequest."""
        raise NotImplementedError

    async def run(self, request: RunRequest) -> dict[str, Any]:
        """Run a command. A `code` of PENDING_CODES in the answer means status 202. Raises ProductErrors of docs/rest.md."""
        raise NotImplementedError

    def run_views(
        self, tenant: str | None = None, module: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return the runs that are kept, newest first."""
        raise NotImplementedError

    async def run_view(self, run_id: str, cursor: int = 0, wait_s: float = 0, limit: int = 100_000) -> dict[str, Any]:
        """Return one run and its output from `cursor` (characters), at most `limit` of them. Raises UnknownRun."""
        raise NotImplementedError

    async def cancel(self, run_id: str, wait_s: float = 5) -> dict[str, Any]:
        """Stop a run. Raises UnknownRun."""
        raise NotImplementedError

    async def answer(self, run_id: str, value: Any) -> dict[str, Any]:
        """Answer the prompt of a run. Raises UnknownRun, RunNotWaiting, InvalidRequest."""
        raise NotImplementedError

    async def refuse(self, run_id: str, reason: str = "the caller refused to answer") -> dict[str, Any]:
        """Refuse the prompt of a run. Raises UnknownRun, RunNotWaiting."""
        raise NotImplementedError

    async def disconnect(self, tenant: str, module: str) -> dict[str, Any]:
        """Sign out and close the session. Raises UnknownSession."""
        raise NotImplementedError

    async def kill(self, tenant: str, module: str) -> dict[str, Any]:
        """End the session's processes at once."""
        raise NotImplementedError
