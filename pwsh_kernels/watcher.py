"""The watcher of a PowerShell process group: a shell that kills the group when our process has
ended without doing so.
"""

import asyncio
import contextlib
import os

WATCH = 'trap "" HUP INT TERM; read -r line; kill -s KILL -- "-$1"; [ -z "$2" ] || rm -rf -- "$2"'
"""Reads a pipe whose writing end only our process holds: the kernel closes it, however our process
ends.

PowerShell sees its own stdin end, but not in a .NET call that blocks; a parent-death signal would
spare its children.
"""

END_WAIT = 2.0
"""Seconds that a killed watcher gets to end."""


class Watcher:
    """Owns the shell (about 0.1 MB of its own) that watches our process for one group."""

    def __init__(self, process: asyncio.subprocess.Process, our_end: int) -> None:
        self._process = process
        self._our_end = our_end

    @classmethod
    async def start(cls, group: int, folder: str = "") -> "Watcher":
        """Watch for a process group, whose `folder` goes with it. Raises OSError when no shell
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
        """End the watching, without harm to the group. Harmless again."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_WAIT)
        if self._our_end >= 0:
            os.close(self._our_end)
            self._our_end = -1
