"""The commonest ten outcomes of a sign-in as whole texts: what the command line prints, and what
the MCP tools answer.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from mcp import Client
from mcp_types import TextContent

from pwsh_kernels.cli.app import main
from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.settings import Settings
from tests.fixtures.sandbox import AUTOMATION
from tests.fixtures.server import ADMIN, CONTOSO, STRANGER
from tests.sessions.sign_in.desk import Case, SignInDesk

pytestmark = pytest.mark.xdist_group("signin")

READER = "reader@contoso.example"
Act = Callable[[SignInDesk, str], object]
CODE = re.compile(
    r"open http://\S+ and enter the code [A-Z0-9]{9} \(valid (?:for \d+ \w+, )?until [^)]*\)"
)
NUMBER = re.compile(r"----- [0-9a-f]{8} ")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
WHERE = ["contoso.example", "exo"]


@dataclass(frozen=True)
class Said:
    """What the command line printed, with its exit code."""

    stdout: str
    stderr: str
    code: int


def plain(text: str) -> str:
    """Return a text with each code, address, time and number of marks in the same words."""
    text = NUMBER.sub("----- N ", text)
    return TIME.sub("TIME", CODE.sub("open PAGE and enter the code CODE (valid until TIME)", text))


def quoted(title: str, text: str) -> str:
    """Return what a service said as a model reads it."""
    return f"----- N {title} -----\n{text}\n----- N end -----"


@dataclass
class CommandLine:
    """The command line in this process: what a test gives to `pwsh-kernels`."""

    patch: pytest.MonkeyPatch
    streams: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Said:
        """Run a command to its end."""
        self.patch.setattr(sys, "argv", ["pwsh-kernels", *arguments])
        self.streams.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self.streams.readouterr()
        return Said(plain(out), plain(err), int(left.value.code or 0))


@pytest.fixture
def exo(desk: SignInDesk, monkeypatch: pytest.MonkeyPatch) -> SignInDesk:
    """The desk, turned to Exchange Online, whose server the clients of this process find."""
    desk.use("exo")
    for name, value in {
        "URL": desk.server.url,
        "TOKEN": desk.server.token,
        "AUTOSTART": "false",
    }.items():
        monkeypatch.setenv(f"PWSH_MANAGER_{name}", value)
    return desk


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def tool(name: str, **arguments: object) -> str:
    """Call a tool of the MCP server as a client does; return its text."""

    async def call() -> str:
        backend = RestBackend(Settings())
        try:
            async with Client(build_server(backend)) as client:
                [content] = (await client.call_tool(name, {"tenant": CONTOSO, **arguments})).content
        finally:
            await backend.close()
        assert isinstance(content, TextContent)
        return plain(content.text)

    return asyncio.run(call())


@contextmanager
def somebody(desk: SignInDesk, act: Act) -> Iterator[None]:
    """Let a person do something with the code that is shown meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(
            lambda: act(desk, desk.server.until(lambda: desk.status()["device_code"]))
        )
        yield
        done.result()


def prepare(desk: SignInDesk, case: Case) -> None:
    """Write what the case wants; whoever is still signed in is signed out."""
    if account := desk.status()["account"]:
        desk.configure(Case())
        desk.end_sign_in(account)
    desk.configure(case)
    desk.authority.set_traps(CONTOSO, case.traps)


SHOWN = (
    "contoso.example:exo: signing_in\nAsk the person to open PAGE and enter the code CODE (valid"
    " until TIME){who}. Then call pwsh_wait with tenant contoso.example and module exo. Do not open"
    " the page yourself and do not ask for another code."
)
LOGIN = "Call pwsh_login with tenant contoso.example and module exo."
OPEN = (
    "To sign in to contoso.example:exo, open PAGE and enter the code CODE (valid until"
    " TIME).{who}\n"
)
WAITING = "Waiting for the sign-in (Ctrl-C leaves it pending) ...\n"
OTHER_TENANT = (
    "admin@fabrikam.example signed in to fabrikam.example, fabrikam.onmicrosoft.example, not to"
    " contoso.example. Sign in again with an account of contoso.example."
)
BLOCKED = (
    "The sign-in began with a device code, and a Conditional Access policy blocks device codes. Use"
    " another route, or ask the tenant's administrator to exclude this account from the policy."
    " Configured for contoso.example without a device code: certificate. Request it with `route`."
    " (AADSTS530036)"
)
CERTIFICATE_EXPIRED = (
    "The certificate has expired, or the app registration does not know it. Upload the"
    " certificate's public part to the app registration, or renew it. (AADSTS700027)"
)
APPLICATION_UNKNOWN = (
    "The tenant does not know the application (client id). Check the client id and the tenant; pnp"
    " needs an app registration of the tenant's own. (AADSTS700016)"
)
ENDED = (
    "The sign-in to contoso.example:exo has ended. The sign-in was ended: the password was changed,"
    " or an administrator revoked the sessions. (AADSTS50173) Sign in again (login), then repeat"
    " the command."
)
REFUSALS: dict[str, tuple[Case, Act, str]] = {
    "declined": (
        Case(),
        lambda desk, code: desk.authority.decline(code),
        "The sign-in was declined on the page. Sign in again for a new code.",
    ),
    "expired": (
        Case(traps={"code_expiry": 1}),
        lambda _desk, _code: None,
        "The code expired before anyone signed in. Sign in again for a new code.",
    ),
    "wrong_account": (
        Case(access={"expected_account": ADMIN}),
        lambda desk, code: desk.authority.approve(code, READER),
        (
            "reader@contoso.example signed in, but admin@contoso.example is expected. Sign in again"
            " with that one."
        ),
    ),
    "wrong_tenant": (
        Case(),
        lambda desk, code: desk.authority.approve(code, STRANGER),
        OTHER_TENANT,
    ),
    "blocked": (
        Case(traps={"ca_block": "device_code"}),
        lambda desk, code: desk.authority.approve(code, ADMIN),
        BLOCKED,
    ),
}
"""What a person does with a code, and the sentence that every client is told."""


@pytest.mark.parametrize("outcome", REFUSALS)
def test_a_refused_person_is_told_why_and_what_to_do(
    exo: SignInDesk, command: CommandLine, outcome: str
) -> None:
    case, act, sentence = REFUSALS[outcome]
    expects = "expected_account" in case.access
    prepare(exo, case)
    assert tool("pwsh_login") == SHOWN.format(who=f" and to sign in as {ADMIN}" if expects else "")
    act(exo, exo.status()["device_code"] or "")
    reason = quoted("reason", sentence)
    assert tool("pwsh_wait").startswith(f"contoso.example:exo: signed_out\n{reason}\n")
    not_signed_in = f"contoso.example:exo is not signed in. {LOGIN}\n{reason}"
    assert tool("pwsh_run", command="1") == not_signed_in
    advice = "Run `pwsh-kernels login contoso.example exo`."
    refused = f"pwsh-kernels: Not signed in to contoso.example exo. {sentence} {advice}\n"
    assert command("run", *WHERE, "1") == Said("", refused, 3)
    with somebody(exo, act):
        said = command("login", *WHERE)
    shown = OPEN.format(who=f" Sign in as {ADMIN}." if expects else "")
    assert said == Said(shown, f"{WAITING}pwsh-kernels: {sentence}\n", 3)


def test_a_person_who_signed_in_is_told_so(exo: SignInDesk, command: CommandLine) -> None:
    prepare(exo, Case())
    with somebody(exo, lambda desk, code: desk.authority.approve(code, ADMIN)):
        said = command("login", *WHERE)
    assert said == Said(
        OPEN.format(who="") + f"Signed in to contoso.example:exo as {ADMIN}.\n", WAITING, 0
    )
    since = "by device_code since TIME, token until TIME, lost at a restart"
    signed_in = f"contoso.example:exo: signed_in as {ADMIN} {since}"
    next_step = "Call pwsh_run with tenant contoso.example and module exo."
    assert tool("pwsh_login") == f"{signed_in}\n{next_step}"
    first, *between, last = tool("pwsh_status").splitlines()
    assert (first, last) == (signed_in, next_step)
    (folder,) = [one for one in between if one.startswith("Working folder: /")]
    assert folder.endswith("/files/contoso.example/exo")


def test_an_application_signs_in_without_a_word_about_codes(
    exo: SignInDesk, command: CommandLine
) -> None:
    prepare(exo, CERTIFICATE)
    since = "by certificate since TIME, token until TIME, survives a restart"
    assert (
        tool("pwsh_login") == f"contoso.example:exo: signed_in as {AUTOMATION['contoso']} {since}\n"
        "Call pwsh_run with tenant contoso.example and module exo."
    )
    said = Said(f"Signed in to contoso.example:exo as {AUTOMATION['contoso']}.\n", "", 0)
    assert command("login", *WHERE) == said


def certificate(**access: str) -> Case:
    return Case(access={"route": "certificate", **access})


CERTIFICATE = certificate()
MISTAKES = {
    "certificate_expired": (
        certificate(certificate_file="contoso-automation-1.pfx"),
        CERTIFICATE_EXPIRED,
    ),
    "application_unknown": (
        certificate(client_id="11111111-2222-4333-8444-555555555555"),
        APPLICATION_UNKNOWN,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_application_that_is_refused_is_explained(
    exo: SignInDesk, command: CommandLine, mistake: str
) -> None:
    case, sentence = MISTAKES[mistake]
    prepare(exo, case)
    again = f"Refused: sign_in_failed. {LOGIN.removesuffix('.')} to try again."
    assert tool("pwsh_login") == f"{again}\n{quoted('refusal', sentence)}"
    assert command("login", *WHERE) == Said("", f"pwsh-kernels: {sentence}\n", 3)


def test_a_sign_in_that_the_service_ended_is_told_with_the_way_on(
    exo: SignInDesk, command: CommandLine
) -> None:
    prepare(exo, Case())
    with somebody(exo, lambda desk, code: desk.authority.approve(code, ADMIN)):
        command("login", *WHERE)
    exo.authority.revoke(ADMIN)
    first = command("run", *WHERE, "Get-AcceptedDomain")
    service, ours = first.stderr.splitlines()
    assert service.startswith(
        "Get-AcceptedDomain: AADSTS50173: The provided grant has expired due to it being revoked"
    )
    assert (first.stdout, ours, first.code) == ("", f"pwsh-kernels: {ENDED}", 3)
    not_signed_in = f"contoso.example:exo is not signed in. {LOGIN}\n{quoted('reason', ENDED)}"
    assert tool("pwsh_run", command="1") == not_signed_in


def test_a_powershell_that_died_while_it_connected_is_told(
    exo: SignInDesk, command: CommandLine
) -> None:
    prepare(exo, Case(traps={"dies": "connect"}))
    with somebody(exo, lambda desk, code: desk.authority.approve(code, ADMIN)):
        said = command("login", *WHERE)
    exo.authority.clear_traps(CONTOSO)
    assert said == Said(
        OPEN.format(who=""), f"{WAITING}pwsh-kernels: PowerShell ended: exit status 1\n", 3
    )
    died = (
        "The PowerShell of contoso.example:exo has died (PowerShell ended: exit status 1), and its"
        " sign-in with it."
    )
    assert tool("pwsh_run", command="1").startswith(
        f"{died}\ncontoso.example:exo: signing_in.\nThe command was not run: "
    )
