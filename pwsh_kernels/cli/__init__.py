"""The command line: `pwsh-kernels`, one file per group of commands."""

from pwsh_kernels.cli.app import main

__all__ = ["main"]
