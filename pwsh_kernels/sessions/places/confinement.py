"""What a confined session may reach on this machine: the system and its own, nothing of other
sessions.

Landlock grants access and never takes it back, so whatever is private is left out of the grants.
"""

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pwsh_kernels.landlock import not_enforced
from pwsh_kernels.sessions.places.session_users import SessionUser

SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc", "/opt"),
    *("/nix", "/snap", "/run/current-system", "/proc", "/sys"),
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager"),
    "/var/lib/ca-certificates",
)
"""Programs, settings, the kernel's own files, names of hosts, certificates of authorities."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
PACKAGE = Path(__file__).parents[2]
HTTPS = 443
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_USUAL_PORTS = {"http": 80, "https": HTTPS, "socks5": 1080}
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
MUTEXES = {False: ["Local"], True: ["Local", "Global"]}
"""The named mutexes of a session, by whether it may share those of the whole machine."""

MISSING = {
    "files": "they can read and change each other's files (Landlock, Linux 5.13)",
    "tcp": "they can connect to every port (Linux 6.7)",
    "signals": "they can end each other's processes (Linux 6.12)",
}
"""What sessions can do if a part of Landlock is missing."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one session needs besides the system and its HOME."""

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()
    """URLs on other ports than that of HTTPS."""
    private: tuple[Path, ...] = ()
    """The secrets of all sessions, wherever on this machine they are."""
    machine_mutexes: bool = False
    """Its module cannot do without .NET's named mutexes of the whole machine."""


@dataclass(frozen=True, slots=True)
class Confined:
    """How a session's PowerShell is confined."""

    rules: str
    """JSON for `pwsh_kernels.landlock`."""
    temporary: Path
    """Its own folder for temporary files."""


def rules(
    needs: Needs,
    environment: Mapping[str, str],
    ports: Iterable[int],
    temporary: Path,
    *,
    required: bool,
) -> str:
    """Return the rules for `pwsh_kernels.landlock` of a session with this environment, whose
    temporary files are in a folder of its own.

    Folders of PATH, proxies and certificates of authorities are taken from the environment. Where
    everything is `required` of the confinement, no memory is shared with other sessions.
    """
    named = [environment[name] for name in _CERTIFICATES if environment.get(name)]
    programs = filter(None, environment.get("PATH", "").split(":"))
    roots = [*SYSTEM, sys.prefix, sys.base_prefix, str(PACKAGE), *named, *programs]
    facts = _rules(needs, environment, ports, temporary, required=required)
    shares = needs.machine_mutexes and not required
    return json.dumps(
        {
            **facts,
            "read": [*readable(roots, needs.private), *facts["read"]],
            "mutexes": MUTEXES[shares],
        }
    )


def pod_rules(
    needs: Needs,
    environment: Mapping[str, str],
    ports: Iterable[int],
    temporary: Path,
    *,
    required: bool,
) -> str:
    """Return the rules of a session in a Pod: its whole system is an image, which holds nothing
    that is private, and of which this machine knows no more than the usual folders. It shares its
    memory with nobody.
    """
    facts = _rules(needs, environment, ports, temporary, required=required)
    return json.dumps({**facts, "read": [*SYSTEM, str(PACKAGE), *facts["read"]]})


def _rules(
    needs: Needs,
    environment: Mapping[str, str],
    ports: Iterable[int],
    temporary: Path,
    *,
    required: bool,
) -> dict[str, Any]:
    urls = [value for name, value in environment.items() if is_proxy(name)]
    reached = {HTTPS, *ports, *filter(None, map(port_of, [*urls, *needs.addresses]))}
    return {
        "read": [str(path) for path in needs.read],
        "write": [str(path) for path in needs.write],
        "devices": DEVICES,
        "ports": [str(port) for port in sorted(reached)],
        "temporary": [str(temporary)],
        "mutexes": MUTEXES[True],
        "required": required,
    }


def as_user(rules: str, user: SessionUser | None, temporary: Path) -> str:
    """Return the rules of a session that also becomes a user, if it has one of its own."""
    if user is None:
        return rules
    facts = {"id": user.number, "group": user.everyone, "folders": [str(temporary)]}
    return json.dumps({**json.loads(rules), "user": facts})


def shortfall(confine: str, abi: int) -> str:
    """Return which part of the requested confinement this machine does not enforce, as a sentence;
    "" if none.
    """
    missing = not_enforced(abi)
    if confine == "off" or not missing:
        return ""
    what = "; ".join(MISSING[one] for one in missing)
    outcome = "no session starts" if confine == "required" else "sessions start anyway"
    return f"The Linux kernel of this machine does not confine sessions fully: {what}; {outcome}."


def readable(roots: Iterable[str], private: Collection[Path]) -> list[str]:
    """Return what to grant so that everything in these folders can be read except what is
    private.
    """
    closed = {path.resolve() for path in private}
    wanted = dict.fromkeys(Path(root).resolve() for root in roots)
    return [str(path) for root in wanted for path in _parts(root, closed)]


def _parts(root: Path, closed: Collection[Path]) -> Iterator[Path]:
    """Yield a folder, or its parts if something in it is private. Links grant nothing: their
    targets are granted where they are.
    """
    inside = [path for path in closed if path == root or root in path.parents]
    if not inside:
        yield root
    elif root not in inside:
        with suppress(OSError):
            for child in sorted(root.iterdir()):
                if not child.is_symlink():
                    yield from _parts(child, inside)


def is_proxy(name: str) -> bool:
    """Return whether a variable names a proxy."""
    return name.lower() in _PROXIES


def port_of(url: str) -> int | None:
    """Return the port of a URL; None if the text is not a URL."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return parts.port or _USUAL_PORTS.get(parts.scheme)
    except ValueError:
        return None
