"""A session that has gone through states, without a kernel."""

from datetime import timedelta

from pwsh_kernels.catalog import Catalog, load_tenants
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.session import DeviceCode, Session, SignedIn, SignIn
from pwsh_kernels.shapes import SessionState

KEY = SessionKey("contoso.example", "exo")
CODE = DeviceCode("ABCD12345", "https://microsoft.com/devicelogin")
END = now() + timedelta(seconds=900)


def make_session(*path: SessionState) -> Session:
    session = Session(KEY, load_tenants().find_tenant(KEY.tenant), Catalog.load().module("exo"))
    for state in path:
        if state == "signing_in":
            assert session.begin_sign_in(SignIn(session.module.routes["device_code"], END, END))
            session.show_code(CODE)
        elif state == "signed_in":
            session.accept(SignedIn("admin@contoso.example", "tenant-id", (KEY.tenant,), now()))
        else:
            assert session.become(state, "because")
    return session
