"""Where a session lives: what starts its kernel, finds it again, gives it a HOME, and ends it."""
