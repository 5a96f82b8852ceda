"""Fixtures that several parts share; session-scoped ones must be registered once to be started
once.
"""

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from pwsh_kernels.web.launch import spare_the_grammar

# Saves each worker seconds, as it does for the server. What loads Jupyter comes after it: fixtures
# are plugins, not imports.
spare_the_grammar()
pytest_plugins = [
    "ports_fixtures",
    "server_fixtures",
    "kernel_fixtures",
    "powershell_fixtures",
    "sandbox_fixtures",
    "sandbox_graph_fixtures",
    "catalog_fixtures",
    "signin_fixtures",
]

LONG_FILES = (
    "test_mcp_agent.py",
    "test_signin_matrix.py",
    "test_catalog_scripts.py",
    "test_sessions_many.py",
    "test_notebook_files.py",
    "test_secrets.py",
    "test_sessions_kept.py",
    "test_sessions_lifecycle.py",
    "test_cli_commands.py",
    "test_powershell_death.py",
    "test_kernel_life.py",
    "test_kernel_stopping.py",
    "test_modules_install.py",
    "test_modules_refused.py",
    "test_web_lifecycle.py",
    "test_mcp_stdio.py",
    "test_cli_run.py",
)
"""The files that take longest begin first: a worker that began one of them last would leave the
others idle.
"""


COMPANIONS: Mapping[str, Sequence[str]] = {
    "server": (
        "test_attach_jupyter.py",
        "test_attach_shared.py",
        "test_client_rest.py",
        "test_mcp_agent.py",
        "test_mcp_asking.py",
        "test_mcp_http.py",
        "test_mcp_prompts.py",
        "test_mcp_resources.py",
        "test_mcp_tools.py",
        "test_mcp_trouble.py",
        "test_mcp_updates.py",
        "test_web_commands.py",
        "test_web_query.py",
        "test_web_routes.py",
        "test_web_sessions.py",
        "test_whole_path.py",
    ),
    "commands": (
        "test_cli_commands.py",
        "test_cli_mcp_config.py",
        "test_cli_run.py",
        "test_notebook_files.py",
        "test_notebook_history.py",
    ),
    "signin": ("test_signin_matrix.py", "test_signin_texts.py"),
    "exchange": (
        "test_sandbox_mailboxes.py",
        "test_sandbox_connection.py",
        "test_sandbox_core.py",
        "test_sandbox_core_traps.py",
        "test_sandbox_exchange_routes.py",
    ),
    "graph": (
        "test_sandbox_graph.py",
        "test_sandbox_graph_routes.py",
        "test_sandbox_graph_truth.py",
    ),
    "kernel": (
        "test_kernel_execution.py",
        "test_kernel_control.py",
        "test_kernel_input.py",
        "test_kernel_rich_output.py",
    ),
}
"""Files that use the same session-scoped processes run in one worker: each worker would start them
again.
"""


def group(name: str) -> str:
    """Return the group of a test file: that of its companions, or one of its own."""
    return next(
        (group for group, files in COMPANIONS.items() if name in files), name.removesuffix(".py")
    )


class CompanionScheduling(LoadScopeScheduling):
    """Sends the tests of a group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group(Path(nodeid.partition("::")[0]).name)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> CompanionScheduling:
    """Give xdist our scheduler: its own (--dist loadgroup) does nothing on pytest 9.2, whose names
    of tests are fixed.
    """
    return CompanionScheduling(config, log)


def pytest_collection() -> None:
    """Look for no garbage meanwhile: what is collected stays, and each worker would look through it
    for a second.
    """
    gc.disable()


def pytest_collection_finish() -> None:
    """Look only for garbage of what comes from now on."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the groups, and in them the files, not the tests in a file."""
    own = {name: place for place, name in enumerate(LONG_FILES)}
    places = {group(name): place for name, place in reversed(own.items())}

    def place(item: pytest.Item) -> tuple[int, str, int]:
        name = item.path.name
        return places.get(group(name), len(own)), group(name), own.get(name, len(own))

    items.sort(key=place)
