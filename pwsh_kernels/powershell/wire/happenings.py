"""What a connection runs, and the events that it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psrpcore
from psrpcore.types import ErrorRecord, PSInvocationState

from pwsh_kernels.powershell.wire.packets import Stray

PsrpEvent = psrpcore.PSRPEvent[Any, Any]
"""A decoded message."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a pipeline.

    `merge` sends all of its streams into its output; `local` gives a script its own scope;
    `gathers` takes the errors of all commands before it as input; `words` are parameters and values
    as the engine reads them from a text: `-All` and what follows.
    """

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_script: bool = False
    merge: bool = False
    local: bool = False
    gathers: bool = False
    words: Sequence[tuple[str | None, Any]] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The runspace is ready."""


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """The runspace did not open."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeyReady:
    """Secrets can be sent from now on."""


@dataclass(frozen=True, slots=True)
class RunspaceFree:
    """The runspace is idle although a pipeline was sent to it and has not ended."""


@dataclass(frozen=True, slots=True)
class Said:
    """A decoded message of the running pipeline, or a host call of the pool."""

    event: PsrpEvent


@dataclass(frozen=True, slots=True)
class Ended:
    """The pipeline has ended and is closed: another one may begin."""

    state: PSInvocationState
    reason: ErrorRecord | None


Happening = Opened | OpenFailed | KeyReady | RunspaceFree | Said | Ended | Stray
