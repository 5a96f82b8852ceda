"""Ask the container's own server whether it is ready, and leave with 0 if it is: the image's
HEALTHCHECK.

The port and the path come from the server's runtime file, whatever options it was started with.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

ANSWER_LIMIT = 4.0
"""Seconds; the HEALTHCHECK of the Dockerfile gives up after five."""


def ready_url(runtime_file: str) -> str:
    """Return where the server that wrote a runtime file says whether it is ready."""
    facts = json.loads(runtime_file)
    scheme = "https" if facts["secure"] else "http"
    return f"{scheme}://127.0.0.1:{facts['port']}{facts['base_url']}health/ready"


def newest_file(folder: Path) -> Path | None:
    """Return the runtime file of the server that started last."""
    files = folder.glob("jpserver-*.json")
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def main() -> None:
    """Print one line for `docker inspect`."""
    file = newest_file(Path(os.environ["JUPYTER_RUNTIME_DIR"]))
    if file is None:
        sys.exit("No server has started yet.")
    url = ready_url(file.read_text(encoding="utf-8"))
    # The certificate names the server's public host, not this address.
    context = ssl._create_unverified_context()  # noqa: S323, SLF001
    try:
        with urllib.request.urlopen(  # noqa: S310 - http or https
            url, timeout=ANSWER_LIMIT, context=context
        ) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as refused:
        sys.exit(refused.read().decode(errors="replace"))
    except OSError as problem:
        sys.exit(f"No answer from {url}: {problem}")


if __name__ == "__main__":
    main()
