"""Sessions: sign-ins, runs and the kernels that they live in. No web in here."""

from pwsh_kernels.sessions.facade import Sessions
from pwsh_kernels.sessions.queries.conditions import read_condition
from pwsh_kernels.sessions.queries.kept_objects import ObjectsQuery
from pwsh_kernels.sessions.queries.lines import LinesQuery
from pwsh_kernels.sessions.requests import LoginRequest, RunRequest

__all__ = ["LinesQuery", "LoginRequest", "ObjectsQuery", "RunRequest", "Sessions", "read_condition"]
