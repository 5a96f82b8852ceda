"""A small audit log in memory, for tests of its verification."""

from datetime import UTC, datetime

from pwsh_kernels.audit.chain import BEGINNING, seal
from pwsh_kernels.audit.event import Door, Event, Kind

NOW = datetime(2026, 11, 30, 22, 0, 0, 123456, tzinfo=UTC)
Files = list[tuple[str, list[bytes]]]


def event(number: int) -> Event:
    """Return one of many different events."""
    return Event(
        Kind.RUN_ENDED,
        Door.MCP,
        principal="agent:claude",
        client="pwsh-kernels-mcp:claude-code",
        tenant="contoso.example",
        module="exo",
        run_id=f"r-{number:04}",
        command_sha256="ab" * 32,
        command=f"Get-Mailbox 'Zoë {number}'\n| Select-Object Name",
        outcome="succeeded",
        more={"number": number, "silent": number % 2 == 0},
    )


def chain(count: int, previous: str = BEGINNING, first: int = 1) -> list[bytes]:
    """Return the lines of so many records."""
    lines = []
    for sequence in range(first, first + count):
        line, previous = seal(previous, event(sequence).record(sequence, NOW))
        lines.append(line)
    return lines


def files(count: int, each: int) -> Files:
    """Return a log of several files."""
    lines = chain(count * each)
    return [(f"{n}.jsonl", lines[n * each : (n + 1) * each]) for n in range(count)]
