"""For which address a browser keeps passkeys, and from which it may use them. Pure."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL = "localhost"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """WebAuthn's name for us."""

    id: str
    origin: str


def relying_party(public_url: str, protocol: str, host: str) -> RelyingParty | None:
    """Return who we are for a browser: by the setting, without it only `localhost`; None: at this
    address passkeys do not work. A browser keeps none for an IP address.
    """
    url = public_url or f"{protocol}://{host}"
    parts = urlsplit(url)
    name = parts.hostname or ""
    if (not public_url and name != LOCAL) or not name or _is_ip(name):
        return None
    return RelyingParty(name, f"{parts.scheme}://{parts.netloc}".lower())


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
