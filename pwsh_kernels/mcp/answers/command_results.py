"""Commands that were found, in the words of the tools. Pure."""

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.marks import Marks
from pwsh_kernels.mcp.answers.models import Command, FindResult
from pwsh_kernels.mcp.answers.words import lines
from pwsh_kernels.shapes import Commands


def find_result(found: Commands, notice: str = "") -> FindResult:
    """Return commands from the JSON of GET /sessions/{id}/commands."""
    commands = [
        Command(
            name=one["name"],
            module=one["module"],
            synopsis=plain(one["synopsis"]),
            syntax=[plain(line) for line in one["syntax"]],
        )
        for one in found["commands"]
    ]
    return FindResult(
        commands=commands, total=found["total"], next_step=_step(found), notice=notice
    )


def _step(found: Commands) -> str:
    if not found["commands"]:
        return (
            "No command fits: try other words, fewer of them, or another module (pwsh_sessions"
            " lists them)."
        )
    return "There are more: use more words." if found["total"] > len(found["commands"]) else ""


def find_text(result: FindResult, marks: Marks) -> str:
    """Return the commands in words: name, purpose, syntax below it."""
    found = lines(*(_command_text(one) for one in result.commands))
    return lines(result.notice, marks.around("commands", found), result.next_step)


def _command_text(command: Command) -> str:
    module = f" ({command.module})" if command.module else ""
    purpose = f": {command.synopsis}" if command.synopsis else ""
    return lines(f"{command.name}{module}{purpose}", *(f"  {line}" for line in command.syntax))
