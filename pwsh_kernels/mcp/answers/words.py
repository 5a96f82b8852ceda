"""How the tools' texts are put together: lines, marks around what a command printed, words for runs
that go on.

Pure.
"""

from pwsh_kernels.mcp.answers.excerpts import Excerpt

END = "----- end -----"


def lines(*parts: str) -> str:
    """Return the parts that there are, one below the other."""
    return "\n".join(part for part in parts if part)


def ended(text: str) -> str:
    """Return the text with a line end at its end."""
    return text if text.endswith("\n") else text + "\n"


def marked(title: str, text: str) -> str:
    """Return text between two marks, so that what a command printed is not taken for our
    own words.
    """
    return f"----- {title} -----\n{ended(text)}{END}"


def output_text(shown: Excerpt) -> str:
    """Return an output, or the shown parts of it, between marks."""
    if not shown.total or not (shown.start or shown.head.labelled or shown.tail.labelled):
        return "(no output)"
    if not shown.head.labelled and not shown.tail.labelled:
        return f"(no output after character {shown.start})"
    title = f"output, characters {shown.start} to {shown.end} of {shown.total}"
    if not shown.tail.labelled:
        return marked(title, shown.head.labelled)
    left_out = f"----- {shown.left_out} characters left out -----\n"
    return marked(title, f"{ended(shown.head.labelled)}{left_out}{shown.tail.labelled}")
