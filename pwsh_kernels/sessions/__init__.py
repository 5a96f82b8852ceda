"""Sessions: sign-ins, runs and the kernels that they live in. No web in here."""

from pwsh_kernels.sessions.conditions import read_condition
from pwsh_kernels.sessions.kept import ObjectsQuery
from pwsh_kernels.sessions.lines import LinesQuery
from pwsh_kernels.sessions.requests import LoginRequest, RunRequest
from pwsh_kernels.sessions.sessions import Sessions

__all__ = ["LinesQuery", "LoginRequest", "ObjectsQuery", "RunRequest", "Sessions", "read_condition"]
