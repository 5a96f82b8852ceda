"""How the tools' texts are put together, line by line. Pure."""


def lines(*parts: str) -> str:
    """Return the non-empty parts, one below the other."""
    return "\n".join(part for part in parts if part)


def ended(text: str) -> str:
    """Return the text with a line end at its end."""
    return text if text.endswith("\n") else text + "\n"
