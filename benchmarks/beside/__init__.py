"""Ours beside its predecessor, on the same PowerShell, in turn: `python -m benchmarks.beside`."""
