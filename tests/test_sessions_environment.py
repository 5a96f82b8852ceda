"""What a kernel inherits of the server's environment."""

import pytest

from pwsh_kernels.sessions.environment import kernel_environment

NEEDED = "PATH HOME LANG LC_ALL TZ https_proxy NO_PROXY SSL_CERT_FILE JUPYTER_RUNTIME_DIR powershell_command"


@pytest.mark.parametrize("name", NEEDED.split())
def test_what_a_kernel_needs_is_passed_on(name: str) -> None:
    assert kernel_environment({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    ["JUPYTER_TOKEN", "PWSH_MANAGER_TOKEN", "AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "PATHOLOGY", "LC_", "XPATH"],
)
def test_secrets_and_everything_unknown_stay_behind(name: str) -> None:
    assert kernel_environment({name: "x"}) == {}


def test_named_variables_are_passed_on() -> None:
    assert kernel_environment({"AZURE_CLIENT_ID": "id", "OTHER": "x"}, ["AZURE_CLIENT_ID", "MISSING"]) == {
        "AZURE_CLIENT_ID": "id"
    }
