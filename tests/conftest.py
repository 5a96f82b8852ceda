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
    "tests.fixtures.ports",
    "tests.fixtures.server",
    "tests.fixtures.kernel",
    "tests.fixtures.powershell",
    "tests.fixtures.sandbox",
    "tests.sandbox.graph",
    "tests.catalog.services.opened_service",
    "tests.sessions.sign_in.desk",
]

LONG_FILES = (
    "mcp/test_agent.py",
    "sessions/sign_in/test_matrix.py",
    "catalog/services/test_scripts.py",
    "sessions/test_fan_out.py",
    "kernel/test_notebooks.py",
    "test_secrets.py",
    "sessions/test_home.py",
    "sessions/test_lifecycle.py",
    "cli/test_commands.py",
    "powershell/host/test_death.py",
    "kernel/test_life.py",
    "kernel/test_stopping.py",
    "modules/test_install.py",
    "modules/test_refused.py",
    "web/test_lifecycle.py",
    "mcp/test_stdio.py",
    "cli/test_run.py",
)
"""The files that take longest begin first: a worker that began one of them last would leave the
others idle.
"""


COMPANIONS: Mapping[str, Sequence[str]] = {
    "server": (
        "web/attachments/test_jupyter.py",
        "web/attachments/test_shared.py",
        "test_client.py",
        "mcp/test_agent.py",
        "mcp/calls/test_person.py",
        "mcp/test_http.py",
        "mcp/offers/test_prompts.py",
        "mcp/offers/test_resources.py",
        "mcp/test_tools.py",
        "mcp/calls/test_trouble.py",
        "mcp/offers/test_subscriptions.py",
        "web/rest/test_commands.py",
        "web/rest/test_query.py",
        "web/rest/test_routes.py",
        "web/rest/test_sessions.py",
        "test_whole_path.py",
    ),
    "commands": (
        "cli/test_commands.py",
        "cli/test_mcp_config.py",
        "cli/test_run.py",
        "kernel/test_notebooks.py",
        "sessions/evidence/test_history.py",
    ),
    "signin": ("sessions/sign_in/test_matrix.py", "sessions/sign_in/test_texts.py"),
    "exchange": (
        "sandbox/test_exchange_mailboxes.py",
        "sandbox/test_exchange_connection.py",
        "sandbox/test_core.py",
        "sandbox/test_core_traps.py",
        "sandbox/test_exchange_routes.py",
    ),
    "graph": (
        "sandbox/test_graph.py",
        "sandbox/test_graph_routes.py",
        "sandbox/test_graph_truth.py",
    ),
    "kernel": (
        "kernel/test_execution.py",
        "kernel/test_control.py",
        "kernel/test_input.py",
        "kernel/display/test_rich_output.py",
    ),
}
"""Files that use the same session-scoped processes run in one worker: each worker would start them
again.
"""


def file_of(path: Path) -> str:
    """Return the path of a test file below tests/."""
    return path.as_posix().rpartition("tests/")[2]


def group(name: str) -> str:
    """Return the group of a test file: that of its companions, or one of its own."""
    return next(
        (group for group, files in COMPANIONS.items() if name in files), name.removesuffix(".py")
    )


class CompanionScheduling(LoadScopeScheduling):
    """Sends the tests of a group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group(file_of(Path(nodeid.partition("::")[0])))


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
        name = file_of(item.path)
        return places.get(group(name), len(own)), group(name), own.get(name, len(own))

    items.sort(key=place)
