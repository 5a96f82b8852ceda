"""How a session is a Jupyter kernel, and is found again after a restart."""
