"""The real JupyterLab, served by our server, in a headless Chromium: what a person sees who works
on a session.

`PWSH_KERNELS_SCREENSHOTS` names a folder for the pictures; those of docs/images come from here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server

TITLE = f"{CONTOSO} · exo · signed in as {ADMIN}"
SIZE = {"width": 1040, "height": 640}
WAIT_MS = 40_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Shoot = Callable[[str], None]
PROGRESS = """
1..3 | ForEach-Object { Write-Progress -Id 1 'Reading mailboxes' "page $_ of 4" -PercentComplete (25 * $_) }
while (-not (Test-Path ~/go)) { Start-Sleep -Milliseconds 50 }
'read'
"""  # noqa: E501


@pytest.fixture(scope="module")
def contoso(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a session that REST has signed in."""
    server = Server(tmp_path_factory.mktemp("lab")).start()
    try:
        assert server.sign_in(CONTOSO)["state"] == "signed_in"
        with server.http(**{"User-Agent": "claude-code/2"}) as agent:
            agent.post(
                "/run", json={"tenant": CONTOSO, "command": "$shared = Get-Mailbox -ResultSize 3"}
            )
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def page(contoso: Server) -> Iterator[Page]:
    """JupyterLab in a browser."""
    assert CHROMIUM, "no Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        one = browser.new_page(viewport=SIZE)
        one.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        one.goto(f"{contoso.url}/lab?token={contoso.token}")
        one.locator(".jp-LauncherCard").first.wait_for()
        one.get_by_role("button", name="No", exact=True).click()
        yield one
        browser.close()


@pytest.fixture
def shoot(page: Page, tmp_path: Path) -> Shoot:
    """Take a picture."""
    folder = Path(os.environ.get("PWSH_KERNELS_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: page.screenshot(path=folder / f"{name}.png") and None


def run(page: Page, code: str) -> Locator:
    """Run code in the notebook's last cell and return the cell; it goes on when it takes long."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").last
    cell.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    number = page.locator(".jp-Notebook .jp-CodeCell").count() - 1
    page.keyboard.press("Shift+Enter")
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def done(cell: Locator) -> Locator:
    """Wait until a cell has ended and return its output."""
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    return cell.locator(".jp-OutputArea").first


def test_the_launcher_has_a_tile_for_the_session(page: Page, shoot: Shoot) -> None:
    tile = page.locator(".jp-LauncherCard[data-category='Notebook']", has_text=CONTOSO)
    expect(tile).to_have_attribute("title", TITLE)
    shoot("lab-launcher")
    tile.click()
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text(TITLE)
    expect(page.get_by_text("| Idle")).to_be_visible()
    page.keyboard.press(
        "Control+B"
    )  # without the side bar, the toolbar has room for the session's name


def test_the_notebook_sees_what_the_agent_left_and_who_it_was(page: Page) -> None:
    output = done(run(page, "$shared | Format-Table DisplayName, PrimarySmtpAddress"))
    expect(output).to_contain_text("@contoso.example")
    history = done(run(page, "Get-SessionHistory -Principal token"))
    expect(history).to_contain_text("claude-code")


def test_dollar_signs_in_a_table_are_no_formula(page: Page) -> None:
    table = "[pscustomobject]@{ Command = '$36 to $360'; Text = '$$y$$ \\(x\\)' } | Format-List"
    output = done(run(page, f"{table}; '<p>$z^2$</p>' | Out-Html"))
    expect(output.locator("mjx-container")).to_have_count(1)  # what is meant as one: it has looked
    expect(output.locator("td")).to_have_text(["$36 to $360", "$$y$$ \\(x\\)"])


def test_a_progress_bar_is_one_bar_and_goes_with_its_activity(
    page: Page, contoso: Server, shoot: Shoot
) -> None:
    cell = run(page, PROGRESS)
    bar = cell.locator("progress")
    expect(bar).to_have_count(1)
    expect(bar).to_have_attribute("value", "75")
    shoot("lab-progress")
    (contoso.data_dir / "homes" / CONTOSO / "exo" / "go").touch()
    expect(done(cell)).to_contain_text("read")


def test_an_error_is_shown_with_its_text(page: Page) -> None:
    output = done(run(page, '$ticket = 4711\nthrow "Ticket $ticket is not approved."'))
    expect(output).to_contain_text("Ticket 4711 is not approved.")


def test_a_password_is_asked_for_in_the_notebook_and_not_shown(page: Page, shoot: Shoot) -> None:
    cell = run(page, "$password = Read-Host 'Password' -AsSecureString; $password.Length")
    box = page.locator("input.jp-Stdin-input")
    expect(box).to_have_attribute("type", "password")
    box.fill("correct horse")
    shoot("lab-session")
    box.press("Enter")
    expect(done(cell)).to_contain_text("13")
    assert "correct horse" not in page.locator(".jp-Notebook").inner_text()


def test_the_picker_shows_the_session_by_name(page: Page, shoot: Shoot) -> None:
    page.locator(".jp-Toolbar-kernelName").click()
    options = page.locator(".jp-Dialog select option", has_text=TITLE)
    expect(options).to_have_count(2)
    shoot("lab-picker")
    page.get_by_role("button", name="Cancel").click()


def test_a_restart_from_the_menu_is_refused_with_the_reason(page: Page, contoso: Server) -> None:
    """JupyterLab 4.6 shows a refusal in the browser's console only; the notebook stays attached,
    with its variables.
    """
    page.get_by_role("menuitem", name="Kernel").click()
    page.get_by_role("menuitem", name="Restart Kernel…").click()
    with page.expect_response(re.compile("/restart")) as answer:
        page.get_by_role("button", name="Confirm Kernel Restart").click()
    assert answer.value.status == 409
    assert "A restart would end the sign-in" in answer.value.json()["message"]
    expect(done(run(page, "$password.Length"))).to_contain_text("13")
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"


def test_shutting_down_and_closing_leaves_the_session_signed_in(
    page: Page, contoso: Server
) -> None:
    page.get_by_role("menuitem", name="Kernel").click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("No Kernel")
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert contoso.run("$shared.Count", format="text")["result"].strip() == "3"


def test_the_evidence_of_a_session_opens_and_runs_again(
    page: Page, contoso: Server, shoot: Shoot
) -> None:
    assert contoso.sign_in(FABRIKAM)["state"] == "signed_in"
    for command in (
        "$room = Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize 1",
        "$room.Name.Length -gt 3",
    ):
        assert contoso.run(command, FABRIKAM, format="text")["state"] == "succeeded"
    evidence = contoso.get(f"/sessions/{FABRIKAM}:exo/notebook")
    with contoso.http() as http:
        saved = http.put(
            "/api/contents/evidence.ipynb",
            json={"type": "notebook", "format": "json", "content": evidence},
        )
        assert saved.status_code == 201
    page.goto(f"{contoso.url}/lab/workspaces/evidence/tree/evidence.ipynb")
    expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text(f"{FABRIKAM} · exo")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(cells).to_have_count(2)
    expect(cells.last.locator(".jp-OutputArea").first).to_contain_text("True")
    expect(page.get_by_text("| Idle")).to_be_visible()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(cells.last.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[[3-9]\d*\]:"))
    expect(done(cells.last)).to_contain_text("True")
    shoot("lab-evidence")
    commands = [run["command"] for run in contoso.get("/runs", tenant=FABRIKAM)["runs"]]
    assert commands.count("$room.Name.Length -gt 3") == 2


def test_the_page_of_pwsh_kernels_lab_opens_jupyterlab_and_is_for_its_owner_only(
    page: Page, contoso: Server
) -> None:
    command = [sys.executable, "-m", "pwsh_kernels", "lab", "--no-browser"]
    said = subprocess.run(
        command, env=contoso.environment, capture_output=True, text=True, timeout=60, check=True
    ).stderr
    address = said.split()[-1]
    assert address.startswith("file://")
    assert contoso.token not in said
    assert Path(address.removeprefix("file://")).stat().st_mode & 0o077 == 0
    tab = page.context.browser.new_page() if page.context.browser else page
    tab.goto(address)
    expect(tab.locator("#jp-main-content-panel")).to_be_visible()
    tab.close()
