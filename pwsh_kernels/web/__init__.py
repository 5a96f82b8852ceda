"""The server: a jupyter_server extension with our REST API, our kernel manager and the sandbox's
sign-in page.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell jupyter_server where the extension is (the name is jupyter_server's contract)."""
    # A module's facts must not load a server.
    from pwsh_kernels.web.app import PwshKernelsApp  # noqa: PLC0415

    return [{"module": "pwsh_kernels.web.app", "app": PwshKernelsApp}]
