"""Fixtures that several parts share; session-scoped ones must be registered once to be started once."""

import pytest

from pwsh_kernels.web.launch import spare_the_grammar

spare_the_grammar()  # saves each worker two seconds, as it does for the server
pytest_plugins = [
    "server_fixtures",
    "kernel_fixtures",
    "sandbox_fixtures",
    "powershell_fixtures",
    "catalog_fixtures",
    "signin_fixtures",
]

LONG_FILES = (
    "test_signin_matrix.py",
    "test_catalog_scripts.py",
    "test_sessions_many.py",
    "test_sessions_kept.py",
    "test_sessions_lifecycle.py",
    "test_cli_commands.py",
    "test_powershell_death.py",
    "test_kernel_life.py",
    "test_web_lifecycle.py",
    "test_mcp_stdio.py",
    "test_cli_run.py",
)
"""The files that take longest begin first: a worker that began one of them last would leave the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, not the tests in them."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
