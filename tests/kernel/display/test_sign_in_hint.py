"""A person's cell says how to sign in again after an error that may mean that nobody is."""

from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog, Tenant
from pwsh_kernels.kernel.display.sign_in_hint import SignInHint
from pwsh_kernels.kernel.environment import SIGN_IN_HINT, read_environment
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.launcher import Launcher
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings
from tests.fixtures.kernel import connected, running_kernel

pytestmark = pytest.mark.xdist_group("kernel")

ENDED = "You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets."
HINT = (
    "If nobody is signed in any more: `pwsh-kernels login adatum.com exo` in a terminal signs in,"
    " `pwsh-kernels status adatum.com exo` says who is."
)


def environment_of(data: Path) -> dict[str, str]:
    session = Session(
        SessionKey("adatum.com", "exo"), Tenant("adatum.com"), Catalog.load().module("exo")
    )
    settings = Settings.model_validate({"PWSH_MANAGER_DATA_DIR": data})
    return dict(Launcher(settings, dict).launch(session).environment)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (ENDED, HINT),
        ("AADSTS50173: The provided grant has expired.", HINT),
        ("Lifetime validation failed, the token is expired.", HINT),
        ("AADSTS53009: Application needs to enforce Intune protection policies.", ""),
        ("Cannot find path '/nowhere' because it does not exist.", ""),
    ],
)
def test_the_kernel_of_a_session_knows_the_errors_by_which_a_sign_in_may_have_ended(
    tmp_path: Path, message: str, hint: str
) -> None:
    read = read_environment(environment_of(tmp_path), Path("/unused")).sign_in_hint
    assert read.of(Record("error", message)) == hint
    assert not read.of(Record("warning", message))


def test_a_kernel_that_is_no_session_has_no_hint() -> None:
    assert read_environment({}, Path("/unused")).sign_in_hint == SignInHint()


@pytest.mark.pwsh
def test_the_hint_follows_an_error_in_a_notebook_and_no_programs(tmp_path: Path) -> None:
    hint = {SIGN_IN_HINT: environment_of(tmp_path)[SIGN_IN_HINT]}
    with running_kernel(tmp_path, **hint) as manager, connected(manager) as client:
        for code in (f"Write-Error '{ENDED}'; Write-Error '{ENDED}'", f"throw '{ENDED}'"):
            run = client.notebook_run(code)
            assert run.text("stderr").splitlines().count(HINT) == 1
            assert HINT not in client.run(code, {"rich": False}).text("stderr")
