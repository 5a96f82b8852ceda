"""Run jupyter_server's own tests of kernels and sessions, from the source of the installed version,
on our server.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent / ".make"
TESTS = ("tests/services/sessions", "tests/services/kernels")


def source() -> Path:
    """Return the unpacked source distribution of the installed jupyter_server; it is
    fetched once.
    """
    name = f"jupyter_server-{version('jupyter_server')}"
    if not (CACHE / name).is_dir():
        CACHE.mkdir(exist_ok=True)
        fetch = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(CACHE)]
        subprocess.run([sys.executable, "-m", "pip", *fetch, name.replace("-", "==")], check=True)
        with tarfile.open(CACHE / f"{name}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return CACHE / name


def main() -> int:
    """Run the tests and return pytest's exit status."""
    options = [
        "-p",
        "conforming_server",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        "-q",
        "--timeout",
        "60",
        "-rxX",
    ]
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "PYTHONPATH": str(HERE), "PWSH_MANAGER_DATA_DIR": data}
        command = [sys.executable, "-m", "pytest", *options, *TESTS]
        return subprocess.run(command, cwd=source(), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
