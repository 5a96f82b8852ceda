"""Files that are damaged or gone, while no server runs or while one does."""

import json
import shutil
from functools import partial
from pathlib import Path

from benchmarks.faults.fault import Fault
from benchmarks.faults.trial import BYSTANDER, HIT, Subject, Trial, until

HOW = ("empty", "truncated", "binary", "list", "null", "wrong_types", "removed")
WHICH = ("note", "connection", "process", "history", "lock", "tenants", "cookie", "trap", "log")
MUST_BE_WHOLE = ("tenants",)
"""Without this one the server says what is wrong with it, and does not start."""
COSTS_THE_SESSION = ("connection",)
"""Without this one nobody can reach a kernel any more."""


def place(server: Subject, which: str, kernel_id: str) -> Path:
    """Return the file of the session that is hit."""
    return {
        "note": server.data_dir / "sessions" / "contoso.example.exo.json",
        "connection": server.folder / "runtime" / f"kernel-{kernel_id}.json",
        "process": server.folder / "runtime" / f"kernel-{kernel_id}.pid",
        "history": server.data_dir / "history" / "contoso.example.exo" / "runs.jsonl",
        "lock": server.data_dir / "server.lock",
        "tenants": server.folder / "keys" / "tenants.toml",
        "cookie": server.folder / "runtime" / "jupyter_cookie_secret",
        "trap": server.data_dir / "sandbox" / "traps" / "contoso.example.json",
        "log": server.data_dir / "logs" / "contoso.example.exo.log",
    }[which]


def damage(file: Path, how: str) -> None:
    """Damage a file, or remove it."""
    whole = file.read_bytes() if file.exists() else b'{"silence": 1}'
    if how == "removed":
        file.unlink(missing_ok=True)
        return
    file.write_bytes(
        {
            "empty": b"",
            "truncated": whole[: len(whole) // 2],
            "binary": bytes(range(256)) * 8,
            "list": b"[1, 2]",
            "null": b"null",
            "wrong_types": other_types(whole),
        }[how]
    )


def other_types(whole: bytes) -> bytes:
    """Return a file of JSON whose values are all of another kind; one value becomes a list."""
    try:
        facts = json.loads(whole)
    except ValueError:
        return b'{"a": 1}\n'
    if not isinstance(facts, dict):
        return b"[1]"
    return json.dumps({key: {"not": "this"} for key in facts}).encode()


def damaged(which: str, how: str, trial: Trial) -> None:
    """The server starts and finds the others; the session is as before, or says what is lost."""
    trial.both_signed_in()
    trial.claim()
    trial.settle()
    file = place(trial.server, which, trial.server.session()["kernel_id"])
    trial.server.stop()
    whole = file.read_bytes() if file.exists() else None
    damage(file, how)
    if which in MUST_BE_WHOLE and not starts_or_says_why(trial, file.name):
        file.write_bytes(whole or b"")
    if trial.server.process.poll() is not None and not trial.comes_back():
        return
    trial.serves()
    if which not in COSTS_THE_SESSION:
        trial.survived()
    trial.recovers()
    if which == "tenants" and whole is not None:
        file.write_bytes(whole)
    history = trial.server.command("(Get-SessionHistory).Count -ge 0")
    trial.check(history.get("state") == "succeeded", "wrong", f"history: {str(history)[:300]}")
    trial.no_orphans()


def starts_or_says_why(trial: Trial, name: str) -> bool:
    """Start the server; one that does not start names the file in a sentence."""
    started = trial.server.starts()
    if not started:
        said = "".join(trial.server.log)
        trial.read_log()
        trial.check(name in said, "wrong", f"did not start, and said: {said[-300:]}")
    return started


def gone_while_running(trial: Trial) -> None:
    """Connection files and process ids vanish under a running server: sessions can still end."""
    trial.both_signed_in()
    for file in (trial.server.folder / "runtime").glob("kernel-*"):
        file.unlink()
    trial.claim()
    trial.settle()
    trial.survived()
    said = trial.server.post("/disconnect", tenant=HIT[0], module=HIT[1])
    trial.check(said.get("success"), "wrong", f"disconnect: {said}")
    one_left = until(lambda: len(trial.server.kernels()) == 1)
    trial.check(one_left, "wrong", "a kernel outlives its session")
    if trial.restart():
        trial.recovers(BYSTANDER)
        trial.no_orphans()


def data_gone(trial: Trial) -> None:
    """The data folder is removed under a running server: sessions go on, and new ones begin."""
    trial.server.settings["PWSH_MANAGER_RUN_MEMORY"] = "20000"
    trial.server.start()
    trial.both_signed_in()
    shutil.rmtree(trial.server.data_dir)
    trial.claim()
    count = 'foreach ($n in 1..20000) { "MARK $n" }'
    trial.claim(count, "".join(f"MARK {n}\n" for n in range(1, 20001)), ("succeeded", "failed"))
    trial.settle()
    trial.survived()
    trial.serves()
    with trial.server.http() as http:
        body = {"tenant": HIT[0], "module": "graph", "command": "1", "wait_s": 20}
        said = http.post("/run", json=body)
    trial.check(said.status_code < 500, "wrong", f"a new session: {said.text[:300]}")
    if trial.restart():
        trial.recovers()
        trial.no_orphans()


def faults() -> dict[str, Fault]:
    """Return each file in each state."""
    files = {
        f"file/{which}/{how}": Fault(partial(damaged, which, how), 2)
        for which in WHICH
        for how in HOW
    }
    return {
        **files,
        "file/gone_while_running": Fault(gone_while_running, 3),
        "file/data_gone": Fault(data_gone, 2, own=True),
    }
