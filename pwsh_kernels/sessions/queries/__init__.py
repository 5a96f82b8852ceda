"""Later queries about a run: its lines, its objects; and about a session's commands."""
