"""The private names of psrpcore that a connection needs, under names of ours.

`tests/test_compat.py` fails when one of them goes.
"""

from typing import Any

import psrpcore

from pwsh_kernels.powershell.wire.characters import carried
from pwsh_kernels.powershell.wire.packets import MESSAGE_HEADER


class Pool(psrpcore.ClientRunspacePool):
    """psrpcore's runspace pool, whose messages contain only what PowerShell's XML reader accepts.

    psrpcore has no hook between the XML that it writes and the fragments that it cuts.
    """

    def prepare_message(self, *message: Any, **facts: Any) -> None:
        """Queue a message."""
        super().prepare_message(*message, **facts)
        data = self._send_buffer[-1]._data  # noqa: SLF001
        data[MESSAGE_HEADER:] = carried(bytes(data[MESSAGE_HEADER:]))
