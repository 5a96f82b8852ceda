"""Fixtures that several parts share; session-scoped ones must be registered once to be started once."""

pytest_plugins = ["server_fixtures", "kernel_fixtures", "sandbox_fixtures"]
