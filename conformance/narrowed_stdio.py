"""mcp_server.py for a fuzzer: writes down all that it says, and names in the tools' schemas what
there is.

Usage: python narrowed_stdio.py FILE RUN_ID; FILE takes stdout, FILE.log stderr. A fuzzer that is
not told a tenant, a module and a run guesses them, is refused, and tests nothing that lies behind
that.
"""

import json
import subprocess
import sys
from pathlib import Path

from tests.fixtures.server import CONTOSO, FABRIKAM

SCRIPT = Path(__file__).parent.parent / "mcp_server.py"
LEFT_OUT = {"pwsh_run": ("tenants", "parameters"), "pwsh_wait": ("tenant", "module")}
"""Tool → arguments that exclude others, or that the fuzzer always gets wrong.

Also, to wait for a sign-in that nobody confirms would look like a hang.
"""


def narrowed(line: str, run_id: str) -> str:
    """Return a message; in a list of tools, with the tenants, the module and the run that there
    are.

    Pure.
    """
    known = {"tenant": [CONTOSO, FABRIKAM], "module": ["exo"], "run_id": [run_id], "wait_s": [0, 1]}
    message = json.loads(line)
    for tool in (message.get("result") or {}).get("tools", []):
        arguments = tool["inputSchema"]["properties"]
        for name in LEFT_OUT.get(tool["name"], ()):
            del arguments[name]
        for name in known.keys() & arguments.keys():
            arguments[name]["enum"] = known[name]
    return json.dumps(message) + "\n"


def main(heard: Path, run_id: str) -> int:
    """Pass messages on until the server ends; return its exit status."""
    with (
        heard.open("a", encoding="utf-8") as file,
        heard.with_suffix(".log").open("a", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        assert child.stdout
        for line in child.stdout:
            file.write(line)
            file.flush()
            sys.stdout.write(narrowed(line, run_id))
            sys.stdout.flush()
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
