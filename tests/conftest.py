"""Fixtures that several parts share; session-scoped ones must be registered once to be started once."""

from collections.abc import Mapping, Sequence

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


COMPANIONS: Mapping[str, Sequence[str]] = {
    "signin": ("test_signin_matrix.py", "test_signin_texts.py"),
    "exchange": (
        "test_sandbox_mailboxes.py",
        "test_sandbox_connection.py",
        "test_sandbox_core.py",
        "test_sandbox_core_traps.py",
        "test_sandbox_exchange_routes.py",
    ),
    "kernel": ("test_kernel_execution.py", "test_kernel_control.py", "test_kernel_input.py"),
}
"""Files that use the same session-scoped processes run in one worker: each worker would start them again."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, not the tests in them, and tell xdist (--dist loadgroup) which stay together."""
    groups = {file: group for group, files in COMPANIONS.items() for file in files}
    places = {name: place for place, name in enumerate(LONG_FILES)}
    firsts = {group: min(places.get(file, len(places)) for file in files) for group, files in COMPANIONS.items()}

    def place(item: pytest.Item) -> tuple[int, str]:
        group = groups.get(item.path.name)
        return (firsts[group], group) if group else (places.get(item.path.name, len(places)), "")

    items.sort(key=place)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups.get(item.path.name, item.path.stem)))
