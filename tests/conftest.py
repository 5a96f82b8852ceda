"""Fixtures that several rooms share; session-scoped ones must be registered once to be started
once.
"""

import pytest

from pwsh_kernels.web.launch import spare_the_grammar

# Saves each worker seconds, as it does for the server. What loads Jupyter comes after it: fixtures
# are plugins, not imports.
spare_the_grammar()
pytest_plugins = [
    "tests.worker_plan",
    "tests.fixtures.figures",
    "tests.fixtures.ports",
    "tests.fixtures.server",
    "tests.fixtures.principals",
    "tests.fixtures.approvals",
    "tests.fixtures.kernel",
    "tests.fixtures.powershell",
    "tests.fixtures.sandbox",
    "tests.fixtures.api_server",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the engine: every fixture that starts PowerShell asks where it is."""
    for item in items:
        if "powershell_path" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.pwsh)
