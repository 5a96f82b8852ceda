"""The watcher of a PowerShell process group: a shell that kills the group if our process ends
without doing so.
"""

import asyncio
import contextlib
import os

WATCH = 'trap "" HUP INT TERM; read -r line; kill -s KILL -- "-$1"; [ -z "$2" ] || rm -rf -- "$2"'
"""Reads a pipe whose writing end only our process holds: the kernel closes it, however our process
ends.

PowerShell notices the end of its stdin, but not inside a blocking .NET call; a parent-death signal
would not reach its children.
"""

END_WAIT = 2.0
"""Seconds that a killed watcher may take to end."""


class Watcher:
    """Owns the shell (about 0.1 MB of its own) that watches our process for one group."""

    def __init__(self, process: asyncio.subprocess.Process, our_end: int) -> None:
        self._process = process
        self._our_end = our_end

    @classmethod
    async def start(cls, group: int, folder: str = "") -> "Watcher":
        """Watch for a process group; its `folder` is removed with it. Raises OSError if no shell
        starts.
        """
        its_end, our_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                *("-c", WATCH, "pwsh-kernels-watcher", str(group), folder),
                stdin=its_end,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                start_new_session=True,
            )
        except BaseException:
            os.close(our_end)
            raise
        finally:
            os.close(its_end)
        return cls(process, our_end)

    async def end(self) -> None:
        """Stop watching, without harm to the group. May be called again."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_WAIT)
        if self._our_end >= 0:
            os.close(self._our_end)
            self._our_end = -1
