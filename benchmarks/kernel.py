"""Costs of one kernel: start, cells, completion, interrupt, death noticed, end.

`python benchmarks/kernel.py [CELLS]`.
"""

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

CELLS = 300
WARM_UP = 20
WAIT_S = 30.0


def started() -> tuple[KernelManager, BlockingKernelClient, dict[str, float]]:
    """Start a kernel; seconds from the start to its first kernel_info, and to the reply of its
    first cell.
    """
    begin = time.perf_counter()
    manager, client = start_new_kernel(
        kernel_name="pwsh", env={**os.environ, "PWSH_KERNELS_MACHINE_MODULES": "off"}
    )
    ready = time.perf_counter() - begin
    cell(client, "1+1")
    return (
        manager,
        client,
        {"start to ready": ready, "start to first cell's reply": time.perf_counter() - begin},
    )


def cell(client: BlockingKernelClient, code: str) -> float:
    """Run a cell; seconds from request to reply."""
    begin = time.perf_counter()
    request = client.execute(code, store_history=False)
    client.get_shell_msg(timeout=WAIT_S)
    seconds = time.perf_counter() - begin
    wait_for(client, lambda message: is_idle(message, request))
    return seconds


def is_idle(message: dict[str, Any], request: str) -> bool:
    """Say whether this is the end of a request's output."""
    ours = message["parent_header"].get("msg_id") == request
    return ours and "idle" in message["content"].values()


def wait_for(client: BlockingKernelClient, wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Read iopub until a message is the wanted one."""
    while not wanted(client.get_iopub_msg(timeout=WAIT_S)):
        pass


def text_of(client: BlockingKernelClient, code: str) -> str:
    """Run a cell and return its first text."""
    texts: list[str] = []

    def gather(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    client.execute_interactive(code, timeout=WAIT_S, output_hook=gather)
    return "".join(texts)


def interrupt(client: BlockingKernelClient) -> float:
    """Interrupt a sleeping cell; seconds from interrupt_request to execute_reply."""
    client.execute("'started'; Start-Sleep 60")
    wait_for(client, lambda message: message["msg_type"] == "stream")
    begin = time.perf_counter()
    client.control_channel.send(client.session.msg("interrupt_request", {}))
    client.get_shell_msg(timeout=WAIT_S)
    return time.perf_counter() - begin


def answer(client: BlockingKernelClient, kind: str, content: dict[str, Any]) -> float:
    """Ask a question about code; seconds to its reply."""
    begin = time.perf_counter()
    message = client.session.msg(kind, content)
    client.shell_channel.send(message)
    while client.get_shell_msg(timeout=WAIT_S)["parent_header"].get("msg_id") != message["msg_id"]:
        pass
    return time.perf_counter() - begin


QUESTIONS = {
    "completion of a command": "Get-Ch",
    "completion of a parameter": "Get-ChildItem -Rec",
    "completion of a member": "$PSVersionTable.PSVer",
    "completion of an enum value": "Get-Item / -ErrorAction Si",
    "completion of a path": "Get-Item /etc/host",
    "completion of a type": "[System.Tex",
}


def questions(client: BlockingKernelClient, times: int = 20) -> dict[str, float]:
    """Median seconds of questions about code, after a first one each."""
    figures = {}
    for name, code in QUESTIONS.items():
        asked = {"code": code, "cursor_pos": len(code)}
        taken = [answer(client, "complete_request", asked) for _ in range(times + 1)]
        figures[f"{name}, first"], figures[f"{name}, warm"] = taken[0], statistics.median(taken[1:])
    asked = {"code": "Get-ChildItem", "cursor_pos": 5, "detail_level": 0}
    taken = [answer(client, "inspect_request", asked) for _ in range(times + 1)]
    return figures | {
        "inspection, first": taken[0],
        "inspection, warm": statistics.median(taken[1:]),
    }


BULK = {
    "2,000 objects as a table": (
        '1..2000 | ForEach-Object { [pscustomobject]@{ Name = "n$_"; Size = $_ } }'
    ),
    "20,000 strings": '1..20000 | ForEach-Object { "line $_" }',
    "5,000 updates of progress": (
        "1..5000 | ForEach-Object { Write-Progress Copying -PercentComplete ($_ / 50) }"
    ),
    "5,000 turns of a loop": "1..5000 | ForEach-Object { $null = $_ / 50 }",
}


def bulk(client: BlockingKernelClient) -> dict[str, float]:
    """Seconds of cells with much output, the second time."""
    return {name: [cell(client, code) for _ in range(2)][1] for name, code in BULK.items()}


def death(manager: KernelManager, client: BlockingKernelClient) -> dict[str, float]:
    """Kill PowerShell; seconds until a client has the event, and until the kernel's process is
    gone.
    """
    process = int(text_of(client, "$PID"))
    begin = time.perf_counter()
    os.kill(process, signal.SIGKILL)
    wait_for(client, lambda message: message["msg_type"] == "pwsh_event")
    noticed = time.perf_counter() - begin
    assert manager.provisioner
    manager.provisioner.process.wait(WAIT_S)  # type: ignore[attr-defined]
    return {
        "PowerShell's death to event": noticed,
        "PowerShell's death to kernel's end": time.perf_counter() - begin,
    }


def shutdown() -> float:
    """Seconds of an orderly shutdown, from the request to the end of the process."""
    manager, client, _ = started()
    begin = time.perf_counter()
    client.shutdown()
    assert manager.provisioner
    manager.provisioner.process.wait(WAIT_S)  # type: ignore[attr-defined]
    client.stop_channels()
    return time.perf_counter() - begin


def main() -> None:
    """Print one line a figure, in milliseconds."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else CELLS
    manager, client, figures = started()
    for _ in range(WARM_UP):
        cell(client, "1+1")
    replies = [cell(client, "1+1") for _ in range(cells)]
    figures |= {
        "1+1 reply p50": statistics.median(replies),
        "1+1 reply p99": statistics.quantiles(replies, n=100)[98],
    }
    figures |= questions(client) | bulk(client)
    figures["interrupt to reply"] = interrupt(client)
    figures |= death(manager, client)
    client.stop_channels()
    figures["shutdown"] = shutdown()
    for name, seconds in figures.items():
        print(f"{name:36} {seconds * 1000:9.1f} ms")


if __name__ == "__main__":
    main()
