"""Fixtures that several parts share; session-scoped ones must be registered once to be started once."""

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
