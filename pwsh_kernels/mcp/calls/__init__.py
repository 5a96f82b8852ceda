"""What a tool call does: it runs, follows, signs in, waits, reads output."""
