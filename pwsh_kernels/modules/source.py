"""Where packages come from: a repository that PowerShell knows by name, or a folder of .nupkg
files.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pwsh_kernels.errors import InvalidRequest, PackageSourceGone

GALLERY = "PSGallery"
FOLDER_NAME = "pwsh-kernels-folder"
"""The name of a folder as a repository, in PowerShell settings that are removed after the
installation.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """`label` is what people read and the lock file keeps; `folder` is None for a repository.

    `address` is where a repository was when it was noted: a hint for a machine that does not know
    it.
    """

    label: str
    folder: Path | None = None
    address: str = ""

    @property
    def repository(self) -> str:
        """PowerShell's name of it."""
        return FOLDER_NAME if self.folder else self.label


def source_of(text: str) -> Source:
    """Return the source that a text names: an existing folder, otherwise a repository.

    Raises InvalidRequest.
    """
    folder = Path(text).expanduser()
    if folder.is_dir():
        return Source(str(folder.absolute()), folder.absolute())
    if "://" in text:
        problem = (
            "must be a folder or a name: Register-PSResourceRepository gives an address a name"
        )
        raise InvalidRequest("--from", problem)
    if "/" in text:
        raise InvalidRequest("--from:", f"there is no folder {text}")
    return Source(text)


def noted_source(text: str, address: str = "") -> Source:
    """Return the source that a lock file names: folders are absolute there, so that a folder here
    cannot replace a repository.

    Raises PackageSourceGone.
    """
    if not Path(text).is_absolute():
        return Source(text, address=address)
    if not Path(text).is_dir():
        raise PackageSourceGone(text)
    return source_of(text)


def without_login(address: str) -> str:
    """Return a repository's address for the lock file, without any name and password."""
    parts = urlsplit(address)
    return (
        parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        if parts.scheme.startswith("http")
        else ""
    )
