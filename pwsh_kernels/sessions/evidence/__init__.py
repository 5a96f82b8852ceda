"""The records of what was run: history and notebooks."""
