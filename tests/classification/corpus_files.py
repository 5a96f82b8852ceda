"""The corpus: texts and the class that is right for each, from the files beside this one."""

import tomllib
from pathlib import Path

from pwsh_kernels.classification import Class

CORPUS = Path(__file__).parent / "corpus"


def corpus() -> list[tuple[Class, str]]:
    """Return every text with its right class."""
    files = [tomllib.loads(file.read_text("utf-8")) for file in sorted(CORPUS.glob("*.toml"))]
    return [(Class(kind), text) for one in files for kind, texts in one.items() for text in texts]


def texts(*kinds: Class) -> list[str]:
    """Return the texts of these classes."""
    return [text for kind, text in corpus() if kind in kinds]
