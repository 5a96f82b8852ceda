"""A dry run's preview in words, for people and models. Pure."""

from collections.abc import Iterator

from pwsh_kernels.shapes import Preview, PreviewedObject

MOST_SHOWN = 50
"""Objects that are named; the answer in JSON has more."""
NOT_ALL = "This is not all that it would do: some of it cannot be told before it is done."
NOTHING = "Its commands said of nothing what they would do."


def preview_text(preview: Preview) -> str:
    """Return what would change, a line for each object and for each value, and what it is worth."""
    objects = preview["objects"]
    lines = [line for one in objects[:MOST_SHOWN] for line in _lines(one)]
    if len(objects) > MOST_SHOWN:
        lines.append(f"... and {len(objects) - MOST_SHOWN} more")
    said = lines or [NOTHING]
    missing = [] if preview["complete"] else [NOT_ALL]
    return "\n".join([*said, *missing, preview["says"]])


def _lines(one: PreviewedObject) -> Iterator[str]:
    yield f"{one['action']}: {one['target']}" if one["target"] else one["action"]
    for change in one["changes"]:
        was, becomes = change["old"] or "(empty)", change["new"] or "(empty)"
        yield f"  {change['property']}: {was} -> {becomes}"
