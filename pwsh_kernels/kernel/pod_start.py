"""`python -m pwsh_kernels.kernel.pod_start`: make of a Pod what a kernel expects, and become the
kernel (docs/kubernetes.md).
"""

import json
import os
import sys
from pathlib import Path

GIVEN = Path("/run/session")
"""Where the Pod's Secret is."""
CONNECTION, FACTS = "connection.json", "session.json"
MEMORY = Path("/run/pwsh-kernels")
"""Memory of the Pod's own. A kernel writes its connection file again, and nothing can be written
into a Secret.
"""
PACKAGE = Path(__file__).parents[1]
PACKAGE_MARK = "@PWSH_KERNELS_PACKAGE@"
PRIVATE = 0o077
"""umask of sessions, as on the server's machine."""


def main(given: Path = GIVEN, memory: Path = MEMORY) -> None:
    """Become the kernel."""
    os.umask(PRIVATE)
    facts = json.loads((given / FACTS).read_bytes())
    for folder in facts["folders"]:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    file = memory / CONNECTION
    file.write_bytes((given / CONNECTION).read_bytes())
    own = {
        name: value.replace(PACKAGE_MARK, str(PACKAGE))
        for name, value in facts["environment"].items()
    }
    command = [sys.executable, "-m", "pwsh_kernels.kernel", "-f", str(file)]
    os.execve(command[0], command, {**os.environ, **own})  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
