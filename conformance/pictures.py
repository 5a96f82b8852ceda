"""Pictures of the pages for docs/images: small files, because a page has few colours."""

import io
import os
from pathlib import Path

from PIL import Image

COLOURS = 64
"""The most frequent colours are kept exactly; those of the edges of letters become the nearest."""
MOST_HEIGHT = 1200
FOLDER = "PWSH_KERNELS_SCREENSHOTS"
"""The variable that names the folder; `make pictures` sets it."""


def keep(png: bytes, name: str) -> None:
    """Write the upper part of a picture with few colours, if anybody wants one."""
    if folder := os.environ.get(FOLDER):
        Path(folder).mkdir(parents=True, exist_ok=True)
        whole = Image.open(io.BytesIO(png)).convert("RGB")
        upper = whole.crop((0, 0, whole.width, min(whole.height, MOST_HEIGHT)))
        few = upper.quantize(palette=_palette(upper), dither=Image.Dither.NONE)
        few.save(Path(folder) / f"{name}.png", optimize=True)


def _palette(picture: Image.Image) -> Image.Image:
    found = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette([level for _, colour in found[:COLOURS] for level in colour])
    return palette
