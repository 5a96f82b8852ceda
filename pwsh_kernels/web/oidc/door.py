"""Whether people sign in through an OpenID provider here, and Tornado's rules for it.

authlib and joserfc are loaded only where they do.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule

from pwsh_kernels.errors import InvalidSetting
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.oidc.addresses import COME_BACK, LEAVE
from pwsh_kernels.web.pages.page_handler import Site

VARIABLE = "PWSH_MANAGER_OIDC_CLIENT_SECRET_FILE"
NOT_INSTALLED = "oidc needs `pip install 'pwsh-kernels[oidc]'` in the server's environment"


def provider_of(settings: Settings) -> str:
    """Return the host of the provider; "": there is none."""
    return (urlsplit(settings.oidc_issuer).hostname or "") if settings.auth == "oidc" else ""


def oidc_rules(site: Site, settings: Settings, base_url: str) -> Sequence[Rule]:
    """Return the rules; none where people do not sign in so. Raises InvalidSetting."""
    if settings.auth != "oidc":
        return []
    try:
        from pwsh_kernels.web.oidc.handlers import OidcCallback, OidcParts, OidcSignIn  # noqa: PLC0415 - optional
        from pwsh_kernels.web.oidc.provider import Provider  # noqa: PLC0415 - optional
    except ModuleNotFoundError as missing:
        raise InvalidSetting("PWSH_MANAGER_AUTH", NOT_INSTALLED) from missing
    try:
        provider = Provider(settings)
    except (OSError, ValueError) as unreadable:
        raise InvalidSetting(VARIABLE, f"cannot be read: {unreadable}") from unreadable
    takes = {"site": site, "door": OidcParts(settings, provider)}
    return [
        Rule(PathMatches(url_path_join(base_url, path) + "$"), handler, takes)
        for path, handler in ((LEAVE, OidcSignIn), (COME_BACK, OidcCallback))
    ]
