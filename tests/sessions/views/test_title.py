"""The name by which people find a session in Jupyter."""

import pytest

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.session import SignedIn, SignIn
from pwsh_kernels.sessions.views.title import session_title
from tests.sessions.views.session_steps import END, KEY, make_session

CLIENT_ID = "7d1b1f5c-5c3c-4a54-a1b3-6f3a9c1f2b11"


@pytest.mark.parametrize(
    ("route", "account", "who"),
    [
        ("device_code", "admin@contoso.example", "admin@contoso.example"),
        ("certificate", CLIENT_ID, f"application {CLIENT_ID}"),
        ("managed_identity", CLIENT_ID.upper(), f"managed identity {CLIENT_ID.upper()}"),
        ("access_token", "admin@contoso.example", "admin@contoso.example"),
    ],
)
def test_a_session_is_named_after_who_is_signed_in_and_an_id_after_what_it_is(
    route: RouteName, account: str, who: str
) -> None:
    session = make_session("signed_out")
    assert session.begin_sign_in(SignIn(session.module.routes[route], END, END))
    assert session_title(session) == f"{KEY.tenant} · {KEY.module} · signing in"
    session.accept(SignedIn(account, "tenant-id", (KEY.tenant,), now()))
    assert session_title(session) == f"{KEY.tenant} · {KEY.module} · signed in as {who}"
