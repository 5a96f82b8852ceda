"""PowerShell modules that tests write and pack, and machines on which the `modules`
command is run.
"""

import json
import os
import re
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pwsh_kernels.modules.changes import Staged, changing, put
from pwsh_kernels.modules.checksums import digest, folder_sums, list_text
from pwsh_kernels.modules.lock import LockedModule, read_lock
from pwsh_kernels.modules.store import ModuleStore
from tests.fixtures.cli import run_command

NUSPEC = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd"><metadata>
<id>{name}</id><version>{version}</version><authors>Contoso</authors><description>A test's module.</description>
<tags>PSModule</tags><dependencies>{dependencies}</dependencies></metadata></package>
"""  # noqa: E501
SCRIPT = "function Get-{noun} {{ '{version}' }}\n"


def files_of(
    name: str,
    version: str,
    label: str = "",
    needs: Mapping[str, str] | None = None,
    script: str = "",
) -> dict[str, str]:
    """Return the files of a module, by name.

    `needs`: the exact version of each module that it requires.
    """
    required = ", ".join(
        f"@{{ ModuleName = '{one}'; RequiredVersion = '{other}' }}"
        for one, other in (needs or {}).items()
    )
    return {
        f"{name}.psd1": (
            f"@{{ RootModule = '{name}.psm1'; ModuleVersion = '{version}'; FunctionsToExport = '*';"
            " Author = 'Contoso'; GUID = '3d0b9f6e-5c33-4c5b-9d43-1f4a2b6c7d80'; Description = 'A"
            f" test''s module.'; RequiredModules = @({required}); PrivateData = @{{ PSData = @{{"
            f" Prerelease = '{label}' }} }} }}\n"
        ),
        f"{name}.psm1": script or SCRIPT.format(noun=name.replace(".", ""), version=version),
        "en-US/about.txt": f"{name} {version}\n",
    }


def pack(folder: Path, name: str, version: str, **about: str | Mapping[str, str]) -> Path:
    """Write the package of a module into a folder, as a repository keeps it."""
    files = files_of(name, version, **about)  # type: ignore[arg-type]
    label, needs = about.get("label", ""), about.get("needs", {})
    assert isinstance(needs, Mapping)
    full = f"{version}-{label}" if label else version
    dependencies = "".join(
        f'<dependency id="{one}" version="[{other}]" />' for one, other in needs.items()
    )
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"{name}.{full}.nupkg"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            f"{name}.nuspec", NUSPEC.format(name=name, version=full, dependencies=dependencies)
        )
        archive.writestr(
            "[Content_Types].xml",
            "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>",
        )
        archive.writestr("_rels/.rels", "<Relationships/>")
        for file, text in files.items():
            archive.writestr(file, text)
    return package


def store_module(data_dir: Path, module: LockedModule, script: str = "") -> ModuleStore:
    """Put a module into a store without an engine, as an installation ends; its SHA-256 is that of
    its files.
    """
    store = ModuleStore(data_dir)
    with changing(store) as part:
        folder = part / "new" / module.name / module.version
        for file, text in files_of(
            module.name, module.version, module.prerelease, script=script
        ).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        files = list_text(folder_sums(folder))
        known = replace(module, sha256=digest(files))
        put(store, part, [Staged(folder, known, files)], [*store.installed(), known])
    return store


def pin(data_dir: Path, session: str, name: str, version: str) -> None:
    """Let a session have a version, as sessions do when they begin."""
    link = data_dir / "pins" / session / name / version
    link.parent.mkdir(parents=True)
    link.symlink_to(ModuleStore(data_dir).folder(name, version))


Answers = Mapping[str, Any]
"""What a server answers, by the beginning of the path: JSON, bytes, or a status alone."""


def repository(package: Path) -> Answers:
    """Return what a NuGet repository (version 3 of its protocol) with one package answers."""
    name, version = re.findall(r"(.*?)\.(\d.*)", package.stem)[0]
    place = f"/flat/{name}/{version}/{package.name}".lower()
    kinds = {"/registrations/": "RegistrationsBaseUrl/3.6.0", "/flat/": "PackageBaseAddress/3.0.0"}
    about = {
        "id": name,
        "version": version,
        "authors": "Contoso",
        "description": "",
        "tags": ["PSModule"],
        "listed": True,
    }
    groups = [{"@id": "any", "dependencies": []}]
    entry = {
        "catalogEntry": {**about, "packageContent": place, "dependencyGroups": groups},
        "packageContent": place,
    }
    page = {"@id": "page", "count": 1, "lower": version, "upper": version, "items": [entry]}
    return {
        "/v3/index.json": {
            "version": "3.0.0",
            "resources": [{"@id": one, "@type": kind} for one, kind in kinds.items()],
        },
        f"/registrations/{name.lower()}/": {"count": 1, "items": [page]},
        place: package.read_bytes(),
    }


@contextmanager
def served(answers: Answers, *, cut: bool = False) -> Iterator[str]:
    """Serve a repository on loopback; give its address.

    `cut`: the connection ends in the middle of a package.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = next((one for path, one in answers.items() if self.path.startswith(path)), 404)
            address = f"http://127.0.0.1:{server.server_port}"
            text = (
                re.sub(r'"(/[a-z])', rf'"{address}\1', json.dumps(answer))
                if isinstance(answer, dict)
                else ""
            )
            body = answer if isinstance(answer, bytes) else text.encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut and isinstance(answer, bytes) else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v3/index.json"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Done:
    """How a command ended."""

    out: str
    err: str
    code: int


@dataclass
class Machine:
    """A machine with a data folder and a HOME of its own, where the command is run in
    this process.
    """

    root: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def store(self) -> ModuleStore:
        return ModuleStore(self.data)

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("DOTNET_") or name == "PWSH_MANAGER_PWSH"
        }
        self.home.mkdir(parents=True, exist_ok=True)
        own = {
            "HOME": str(self.home),
            "PWSH_MANAGER_DATA_DIR": str(self.data),
            "PATH": os.environ["PATH"],
        }
        return {**kept, **own, "PYTHONPATH": os.pathsep.join(sys.path), **self.more}

    @property
    def repositories(self) -> Path:
        return self.home / ".local/share/PSResourceGet/PSResourceRepository.xml"

    def register(self, name: str, address: str) -> None:
        """Tell the user's PowerShell of a repository, as Register-PSResourceRepository
        writes it.
        """
        self.repositories.parent.mkdir(parents=True)
        self.repositories.write_text(
            f'<configuration><Repository Name="{name}" Url="{address}" APIVersion="V3"'
            ' Priority="50" Trusted="false" CredentialProvider="None" /></configuration>',
            encoding="utf-8",
        )

    def modules(self, *arguments: str) -> Done:
        """Run `pwsh-kernels modules ...`."""
        return Done(*run_command(self.environment, "modules", *arguments))

    def versions(self) -> Sequence[str]:
        """Return what is installed, as `NAME VERSION`, that of new sessions with a star."""
        return [
            f"{one.name} {one.package_version}{'*' * one.selected}"
            for one in read_lock(self.data / "modules.lock.toml")
        ]

    def files(self) -> list[str]:
        """Return every file among the modules, and whatever else an installation could leave."""
        found = (
            [one for one in self.data.rglob("*") if one.is_file() and one.name != ".lock"]
            if self.data.exists()
            else []
        )
        return sorted(one.relative_to(self.data).as_posix() for one in found)
