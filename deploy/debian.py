"""Debian's packages: installed, or one program of a newer Debian unpacked beside this one's."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

INSTALL_LIMIT = 600.0
"""Seconds that Debian's packages may take."""
SOURCE = re.compile(
    r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)", re.MULTILINE
)
APT = Path("/etc/apt")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN_APT = (
    'Dir::Etc::sourcelist "{0}/sources.list"; Dir::Etc::sourceparts "-"; Dir::State "{0}/state";\n'
    'Dir::State::status "{0}/status"; Dir::Cache "{0}/cache"; APT::Sandbox::User "root";\n'
)
"""Settings of an apt that has nothing to do with this machine's packages."""


class NotHere(Exception):
    """Something that the image's build or its tests need is not here and cannot be had; the text
    says why.
    """


def install(packages: Sequence[str], program: str) -> None:
    """Install packages unless their program is there. Raises NotHere."""
    if shutil.which(program):
        return
    if os.getuid() or not shutil.which("apt-get"):
        raise NotHere(f"{program} is not installed; automatic installation needs root on Debian")
    apt("update", "-qq")
    apt("install", "-y", "-qq", "--no-install-recommends", *packages)


def apt(*arguments: str, cwd: Path | None = None) -> None:
    """Run apt-get. Raises NotHere."""
    done = subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_LIMIT,
    )
    if done.returncode:
        raise NotHere(f"apt-get {' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")


def mirror() -> str:
    """Return where apt's own sources say that Debian's packages are. Raises NotHere."""
    files = [APT / "sources.list", *(APT / "sources.list.d").glob("debian.*")]
    return mirror_in("\n".join(one.read_text(encoding="utf-8") for one in files if one.is_file()))


def mirror_in(sources: str) -> str:
    """Return the archive of Debian in a text of apt's sources. Raises NotHere."""
    found = SOURCE.search(sources)
    if not found:
        raise NotHere("apt's sources name no archive of Debian")
    return found[1]


def unpack(packages: Sequence[str], release: str, folder: Path) -> Path:
    """Unpack packages of a release of Debian and return the folder; nothing is installed.

    Raises NotHere.
    """
    system = folder / release
    if all((folder / f"{one}.unpacked").exists() for one in packages):
        return system
    for one in ("state/lists/partial", "cache/archives/partial"):
        (folder / one).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    source = f"deb [signed-by={KEYS}] {mirror()} {release} main\n"
    (folder / "sources.list").write_text(source, encoding="utf-8")
    (folder / "apt.conf").write_text(OWN_APT.format(folder), encoding="utf-8")
    own = ("-c", str(folder / "apt.conf"))
    apt(*own, "update", "-qq")
    apt(*own, "download", "-qq", *packages, cwd=folder)
    for one in packages:
        (file,) = folder.glob(f"{one}_*.deb")
        subprocess.run(["dpkg", "-x", str(file), str(system)], check=True, timeout=INSTALL_LIMIT)
        file.rename(folder / f"{one}.unpacked")
    return system
