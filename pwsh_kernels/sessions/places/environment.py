"""The environment that a kernel gets: an allow-list, so that the server's token and secrets never
reach it.

Pure.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping

_ALLOWED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TERM|LANG|LC_[A-Z]+|TZ|VIRTUAL_ENV"
    r"|(?:HTTPS?|ALL|NO|https?|all|no)_(?:PROXY|proxy)|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE"
    r"|XDG_(?:CONFIG|DATA|CACHE)_HOME|XDG_RUNTIME_DIR|JUPYTER_(?:RUNTIME_DIR|DATA_DIR|CONFIG_DIR|PATH)|IPYTHONDIR"
    r"|DOTNET_\w+|JPY_SESSION_NAME|PWSH_MANAGER_PWSH|PWSH_MANAGER_PASS_ENV|powershell_command"
)
_IN_A_POD = re.compile(
    r"TERM|LANG|LC_[A-Z]+|TZ|(?:HTTPS?|ALL|NO|https?|all|no)_(?:PROXY|proxy)|DOTNET_\w+"
)
"""What means the same on another machine; paths do not."""


SERVER = ("PWSH_MANAGER_URL",)
"""Where the command line in an ordinary kernel's notebook finds the server; a session needs none.
"""


def kernel_environment(given: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """Return the variables that a kernel may inherit; `pass_env` names more (setting
    PWSH_MANAGER_PASS_ENV).
    """
    named = set(pass_env)
    return {
        name: value for name, value in given.items() if _ALLOWED.fullmatch(name) or name in named
    }


def pod_environment(given: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """Return what of an environment a kernel in a Pod gets; `pass_env` as above."""
    named = set(pass_env)
    return {
        name: value for name, value in given.items() if _IN_A_POD.fullmatch(name) or name in named
    }


def ordinary_environment(given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
    """Return the environment of a kernel without a session: its notebook may call our commands."""
    return with_our_commands(kernel_environment(given, [*pass_env, *SERVER]))


def with_our_commands(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose PATH ends with the folder of `pwsh-kernels`: notebooks of an
    ordinary kernel call it.
    """
    ours = os.path.dirname(sys.executable)  # noqa: PTH120 - a text, of which the file system is not asked
    return {**environment, "PATH": os.pathsep.join(filter(None, (environment.get("PATH"), ours)))}
