"""The kernel passes jupyter_kernel_test, from the installed kernelspec."""

import json
import subprocess
import sys
from pathlib import Path

import jupyter_kernel_test
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from tests.fixtures.kernel import WAIT_S, connected
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.pwsh


class TestPwshKernel(jupyter_kernel_test.KernelTests):
    """Jupyter's own suite.

    Output is text on streams, so that the samples of execute_result do not apply.
    """

    kernel_name = "pwsh"
    language_name = "powershell"
    file_extension = ".ps1"
    code_hello_world = "Write-Host 'hello, world'"
    code_stderr = "Write-Warning 'careful'"
    code_clear_output = "Clear-Host"
    code_generate_error = "throw 'wrong'"
    code_inspect_sample = "Get-Date"
    completion_samples = [  # noqa: RUF012
        {"text": "Get-Random -Min", "matches": {"-Minimum"}},
        {"text": "$PSVersionTa", "matches": {"$PSVersionTable"}},
    ]
    complete_code_samples = ["1 + 1", "function f { 1 }", "'a'\n'b'", "# note"]  # noqa: RUF012
    incomplete_code_samples = ["if ($true) {", "'open", "Get-Date |", "@'\ntext"]  # noqa: RUF012
    invalid_code_samples = ["}", "1 + )"]  # noqa: RUF012
    code_display_data = [  # noqa: RUF012
        {"code": "Write-Progress Working -PercentComplete 50", "mime": "text/html"},
        {"code": "Write-Progress Working -PercentComplete 50", "mime": "text/plain"},
        {"code": "[pscustomobject]@{ A = 1 }", "mime": "text/html"},
        {"code": ", [byte[]](0x89, 0x50, 0x4E, 0x47, 0)", "mime": "image/png"},
        {"code": "@{ a = 1 } | Out-Json", "mime": "application/json"},
    ]


class TestIopubWelcome(jupyter_kernel_test.IopubWelcomeTests):
    """A client that subscribes is greeted."""

    kernel_name = "pwsh"
    support_iopub_welcome = True

    @classmethod
    def setUpClass(cls) -> None:
        """Start the kernel and let it say `starting` first: the suite takes the first message for
        the greeting.
        """
        super().setUpClass()
        with connected(cls.km) as client:
            client.run("'awake'")


@pytest.mark.usefixtures("client")
def test_a_client_is_greeted_also_when_another_listens(kernel: KernelManager) -> None:
    second = kernel.client()
    second.start_channels(stdin=False, hb=False, control=False)
    try:
        while second.get_iopub_msg(timeout=WAIT_S)["msg_type"] != "iopub_welcome":
            pass
    finally:
        second.stop_channels()


def test_the_installation_lists_the_kernel() -> None:
    command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    spec = json.loads(listed.stdout)["kernelspecs"]["pwsh"]["spec"]
    assert spec["interrupt_mode"] == "message"
    assert spec["language"] == "powershell"
    assert spec["argv"][1:] == ["-m", "pwsh_kernels.kernel", "-f", "{connection_file}"]


def test_the_installed_kernelspec_is_that_of_the_repository() -> None:
    installed = Path(KernelSpecManager().get_kernel_spec("pwsh").resource_dir) / "kernel.json"
    if not installed.is_relative_to(sys.prefix):
        pytest.fail(f"another installation comes first: {installed}")
    source = ROOT / "kernelspecs/pwsh/kernel.json"
    assert json.loads(installed.read_text()) == json.loads(source.read_text())
