"""Serve the tools over stdin and stdout, which are the wire: everything else goes to stderr."""

import asyncio
import logging
import sys

from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import ProductError
from pwsh_kernels.escapes import filter_handlers
from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.settings import Settings
from pwsh_kernels.tracing.export import exporter

LOG_LINE = "%(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Serve until the client closes stdin; return the exit status."""
    # The SDK configures the root logger, unless somebody has: with frames, and lines broken at 80
    # columns.
    logging.basicConfig(level=logging.WARNING, format=LOG_LINE)
    filter_handlers(logging.getLogger())
    try:
        asyncio.run(serve(read_settings()))
    except ProductError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


async def serve(settings: Settings) -> None:
    """Serve one client.

    The server that it speaks to is looked for, or started, by the first tool call. Raises
    InvalidSetting.
    """
    traces = exporter(settings)
    backend = RestBackend(settings)
    try:
        await build_server(backend).run_stdio_async()
    finally:
        await backend.close()
        if traces:
            traces.close()
