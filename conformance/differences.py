"""Where our server answers otherwise than jupyter_server's own tests expect: one line for each test, with the reason."""

DIFFERENCES: dict[str, str] = {}
"""The beginning of a test's id below tests/services/, and why it fails here."""
