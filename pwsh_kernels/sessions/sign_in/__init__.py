"""How a session signs in, and who turned out to be signed in."""
