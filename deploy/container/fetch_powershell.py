"""Unpack PowerShell's release archive into a folder: python fetch_powershell.py FOLDER.

The build of the image names version, architecture and SHA-256; another archive is refused.
"""

import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from pathlib import Path

RELEASES = "https://github.com/PowerShell/PowerShell/releases/download"
ARCHIVE = RELEASES + "/v{0}/powershell-{0}-linux-{1}.tar.gz"
NAMES = {"amd64": "x64", "arm64": "arm64"}
"""How Docker and PowerShell's releases call an architecture."""
FETCH_LIMIT = 300.0
"""Seconds in which some of the 70 MB must arrive."""


def fetch(url: str) -> bytes:
    """Return what an address serves."""
    with urllib.request.urlopen(url, timeout=FETCH_LIMIT) as answer:  # noqa: S310 - https
        return bytes(answer.read())


def unpack(archive: bytes, sha256: str, folder: Path) -> None:
    """Unpack an archive. Raises ValueError when it is not the one that was asked for."""
    found = hashlib.sha256(archive).hexdigest()
    if found != sha256:
        raise ValueError(f"The archive's SHA-256 is {found}, not {sha256}.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    (folder / "pwsh").chmod(0o755)


def main(folder: Path) -> None:
    """Fetch and unpack what the build's arguments name; what is missing is one sentence."""
    architecture, version = os.environ["TARGETARCH"], os.environ["POWERSHELL_VERSION"]
    sha256 = os.environ[f"POWERSHELL_SHA256_{architecture.upper()}"]
    name = NAMES[architecture]
    url = ARCHIVE.format(version, name)
    try:
        unpack(fetch(url), sha256, folder)
    except (OSError, ValueError) as problem:
        sys.exit(
            f"pwsh-kernels: No PowerShell for linux/{architecture}: vendor/ has no wheel for it"
            f" (`make engine RUNTIME=linux-{name}` builds one), and {url} cannot be used: {problem}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
