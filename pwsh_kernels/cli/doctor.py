"""`pwsh-kernels doctor`: is everything there that the product needs, and what to do where it is
not.
"""

import asyncio
import os
import stat
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from jupyter_core.paths import jupyter_runtime_dir

from pwsh_kernels import __version__
from pwsh_kernels.catalog import Catalog, Module, TenantsFile
from pwsh_kernels.catalog.tenants.loading import sandbox_facts
from pwsh_kernels.cli.console import CLIENT_NAME, ExitCode, error_line, say
from pwsh_kernels.cli.doctor_modules import installed_modules, wanted_modules
from pwsh_kernels.cli.findings import Finding
from pwsh_kernels.cli.tenants import located, problems_of
from pwsh_kernels.discovery import FROM_SETTINGS, ServerAddress, read_settings
from pwsh_kernels.errors import ProductError, ServerUnreachable
from pwsh_kernels.landlock import abi_version
from pwsh_kernels.powershell_search import search_powershell
from pwsh_kernels.settings import Settings, setting_rows
from pwsh_kernels.shapes import Health, Session


def doctor() -> None:
    """Check the installation.

    Checks PowerShell, the settings, the data folder, the server and the token. The exit code is 1
    if something is broken.
    """
    findings = list(examine())
    for one in findings:
        say(f"{one.verdict:<5}  {one.text}")
    if any(one.verdict == "wrong" for one in findings):
        raise typer.Exit(ExitCode.FAILED)


def examine() -> Iterator[Finding]:
    """Yield the findings in the order in which a person should read them."""
    yield Finding("ok", f"pwsh-kernels {__version__} on Python {sys.version.split()[0]}")
    try:
        settings = read_settings()
    except ProductError as error:
        yield Finding("wrong", error_line(error))
        return
    yield from _powershell(settings)
    yield _set_by_hand()
    yield from tenants_file(settings)
    yield from principals_file(settings)
    yield places(settings)
    yield from asyncio.run(kubernetes(settings))
    yield confinement(settings.confine, abi_version())
    yield from users(settings)
    yield data_folder(settings.data_dir, passable=bool(settings.session_users))
    yield from _homes(settings)
    yield from damaged([settings.data_dir / "sessions", Path(jupyter_runtime_dir())])
    yield from asyncio.run(_server(settings))


def _powershell(settings: Settings) -> Iterator[Finding]:
    """Yield which PowerShell was found, and which modules it finds for the real tenants."""
    try:
        wanted = wanted_modules(settings)
    except ProductError:
        wanted = []  # what is wrong is said with the tenants file
    facts = _search([one.powershell_module for one in wanted] if settings.machine_modules else [])
    if "error" in facts:
        yield Finding("wrong", f"PowerShell: {facts['error']}")
        return
    yield Finding("ok", f"PowerShell {facts['version']} at {facts['path']} ({facts['place']})")
    try:
        yield from installed_modules(settings, wanted, facts["modules"])
    except ProductError as error:
        yield Finding("wrong", error_line(error))


def _search(modules: list[str]) -> Mapping[str, Any]:
    try:
        return asyncio.run(search_powershell(modules))
    except (TimeoutError, ValueError) as error:
        return {
            "error": f"the search failed ({type(error).__name__}). Install PowerShell 7.4 or newer."
        }


def _set_by_hand() -> Finding:
    names = sorted(row.env for row in setting_rows() if os.environ.get(row.env))
    given = f"{len(names)} set: {', '.join(names)}" if names else "all at their defaults"
    return Finding("ok", f"Settings: {given} (`pwsh-kernels settings` lists them)")


def places(settings: Settings) -> Finding:
    """Return where sessions live, according to the settings and to tenants' entries."""
    try:
        known = TenantsFile(settings.tenants_path, must_exist=False).current().known.values()
    except ProductError:  # what is wrong is said with the tenants file
        return Finding("ok", f"Sessions live in the place {settings.place} (docs/places.md)")
    chosen = [one.place_of(module) for one in known for module in one.modules]
    named = Counter(filter(None, chosen))
    others = "".join(f"; {count} entries say {place}" for place, count in sorted(named.items()))
    return Finding("ok", f"Sessions live in the place {settings.place} (docs/places.md){others}")


async def kubernetes(settings: Settings) -> list[Finding]:
    """Return which cluster the place `kubernetes` asks, where there is that place, and whether it
    answers.
    """
    from pwsh_kernels.sessions.places.kubernetes import NOT_INSTALLED, KubernetesPlace

    wanted = settings.place == "kubernetes"
    if not (settings.kubernetes_image or wanted):
        return []
    if find_spec("lightkube") is None:
        return [Finding("wrong", f"Kubernetes: {NOT_INSTALLED}")]
    try:
        answers = await KubernetesPlace(settings).reachable()
    except ConnectionError as problem:
        return [Finding("wrong", f"Kubernetes does not answer: {problem}")]
    return [Finding("ok", f"Kubernetes answers: {answers}")]


def users(settings: Settings) -> Iterator[Finding]:
    """Yield whom sessions run as."""
    from pwsh_kernels.sessions.places.user_switch import check_users

    if not settings.session_users:
        yield Finding("ok", "Sessions run as the server's user (docs/places.md)")
        return
    first, last = settings.session_users
    try:
        check_users(settings)
    except ProductError as error:
        yield Finding("wrong", f"As seen from here: {error_line(error)}")
        return
    yield Finding("ok", f"Each session has a user of its own ({first}-{last}, docs/places.md)")


def limits(health: Health) -> Finding:
    """Return by what the server keeps sessions within their limits."""
    memory = {
        "cgroup": "memory by a cgroup each",
        "watch": "memory by a look every 2 s",
        "none": "no limit of memory",
    }
    processes = {
        "cgroup": "processes by the cgroup",
        "user": "processes by their user",
        "none": "no limit of processes",
    }
    there = health["limits"]
    return Finding(
        "ok",
        f"Limits of sessions: {memory[there['memory']]}, {processes[there['processes']]}"
        " (docs/places.md)",
    )


def confinement(confine: str, abi: int) -> Finding:
    """Return how sessions are confined, and what is missing."""
    from pwsh_kernels.sessions.places.confinement import shortfall

    if confine == "off":
        return Finding("note", "Confinement is off: each session can read all that the server can.")
    if missing := shortfall(confine, abi):
        return Finding("wrong" if confine == "required" else "note", f"Confinement: {missing}")
    return Finding(
        "ok",
        f"Confinement by Landlock (ABI {abi}) of files, TCP and signals; not of UDP, DNS, sockets"
        " by path, and command lines of others (docs/places.md)",
    )


def data_folder(folder: Path, *, passable: bool = False) -> Finding:
    """Return whether the data folder is fit for sign-ins: ours, writable, closed to others, or
    `passable` for the group of sessions that have users of their own.
    """
    if not folder.exists():
        place = next(one for one in folder.parents if one.exists())
        if os.access(place, os.W_OK | os.X_OK):
            return Finding("ok", f"Data folder {folder} (created at the first start)")
        return Finding(
            "wrong",
            f"Data folder {folder} cannot be created: {place} is not writable. Set"
            " PWSH_MANAGER_DATA_DIR.",
        )
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "wrong",
            f"Data folder {folder} is not a writable folder. Set PWSH_MANAGER_DATA_DIR to one"
            " that is.",
        )
    if stat.S_IMODE(folder.stat().st_mode) & (0o067 if passable else 0o077):
        return Finding(
            "wrong", f"Data folder {folder} is open to other users. Run `chmod 700 {folder}`."
        )
    return Finding("ok", f"Data folder {folder}")


def homes(
    folder: Path, modules: Mapping[str, Module], simulated: Collection[str]
) -> Iterator[Finding]:
    """Yield whether the folder of the sessions' HOMEs is closed to others, and which of them hold
    something; those of simulated tenants hold nothing of value.
    """
    if not folder.exists():
        return
    if stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        yield Finding(
            "wrong",
            f"The sessions' HOMEs in {folder} are open to other users. Run `chmod 700 {folder}`.",
        )
    for kept in kept_sign_ins(folder, modules):
        if kept.parent.name not in simulated:
            yield Finding(
                "note",
                f"{kept} may keep a sign-in as plain text: encrypt the volume, or use `disconnect"
                " --forget`.",
            )


def damaged(folders: Iterable[Path]) -> Iterator[Finding]:
    """Yield the files that a server has set aside because it could not read them."""
    from pwsh_kernels.sessions.damaged_files import files_put_aside

    for file in files_put_aside(folders):
        yield Finding(
            "note",
            f"{file} was damaged and put aside: the session that it belonged to may be lost. Look"
            " at it, then remove it.",
        )


def kept_sign_ins(folder: Path, modules: Mapping[str, Module]) -> Iterator[Path]:
    """Yield the HOMEs in which their own module has put a token cache (decision 0014)."""
    for home in sorted(folder.glob("*/*")):
        module = modules.get(home.name)
        if module and any((home / one).exists() for one in module.home_files):
            yield home


def _homes(settings: Settings) -> Iterator[Finding]:
    try:
        modules = Catalog.load(extra=settings.modules_dir).modules
    except ProductError as error:
        yield Finding("wrong", error_line(error))
        modules = {}
    yield from homes(settings.homes, modules, sandbox_facts().keys())


def tenants_file(settings: Settings) -> Iterator[Finding]:
    """Yield the findings of `tenants check`, if there is a tenants file or one is named."""
    path = settings.tenants_path
    if not (settings.tenants_file or path.exists()):
        return
    try:
        problems = problems_of(settings, path)
    except ProductError as error:
        yield Finding("wrong", error_line(error))
        return
    yield from (Finding("wrong", located(one, path)) for one in problems)
    if not problems:
        yield Finding("ok", f"Tenants file {path}")


def principals_file(settings: Settings) -> Iterator[Finding]:
    """Yield whether the principals file is correct, if there is one or one is named."""
    from pwsh_kernels.principals.watched_file import load_principals

    path = settings.principals_path
    if not (settings.principals_file or path.exists()):
        return
    try:
        known = load_principals(path).known
    except ProductError as error:
        yield Finding("wrong", error_line(error))
        return
    yield Finding("ok", f"Principals file {path}: {len(known)} besides the owner")


async def _server(settings: Settings) -> Iterable[Finding]:
    from pwsh_kernels.client import RestClient, find_server

    try:
        address = await find_server(settings)
        async with RestClient(address, settings.client_timeout, CLIENT_NAME) as client:
            health = await client.health()
            reached = Finding(
                "ok", f"Server {health['version']} at {address.url}, {health['status']}"
            )
            held = limits(health)
            listed = await client.sessions()
    except ServerUnreachable as error:
        return [_no_server(settings, error)]
    except ProductError as error:
        return [Finding("wrong", error_line(error))]
    token = Finding("ok", f"Token from {_token_place(address)}")
    signed_in = [one for one in listed["sessions"] if one["state"] == "signed_in"]
    return [reached, token, held, *map(restart_cost, signed_in)]


def restart_cost(session: Session) -> Finding:
    """Return what the end of a session's PowerShell would cost."""
    return Finding("ok", f"{session['session']}, if its PowerShell ends: {session['survival']}")


def _no_server(settings: Settings, error: ServerUnreachable) -> Finding:
    """A server that was not started is not an error; one that was named and does not answer is."""
    named = settings.url != Settings.model_fields["url"].default
    return Finding("wrong" if named else "note", error_line(error))


def _token_place(address: ServerAddress) -> str:
    return "PWSH_MANAGER_TOKEN" if address.place == FROM_SETTINGS else address.place
