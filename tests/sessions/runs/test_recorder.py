"""What a person's notebook shows of a table on a session is in the run's output once, as
PowerShell's text.
"""

from pathlib import Path

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import Run
from tests.fixtures.kernel import Client

SLOW = (
    "'before'; Get-ChildItem / | Select-Object -First 3 | ForEach-Object { $_; Start-Sleep"
    " -Milliseconds 300 }; 'after'"
)


def test_a_growing_table_of_a_notebook_is_recorded_once_and_whole(
    client: Client, tmp_path: Path
) -> None:
    seen = client.notebook_run(SLOW)
    assert "update_display_data" in {one["msg_type"] for one in seen.outputs}
    run = Run("r-1", SessionKey("contoso.example", "exo"), SLOW, OutputLog(tmp_path / "r", 10_000))
    recorder = Recorder(run)
    for message in seen.messages:
        recorder.receive(message)
    recorded = run.log.text(frozenset({"text"}))
    assert recorded.split() == client.run(SLOW, {}).text().split()
    assert recorded.count("UnixMode") == 1
