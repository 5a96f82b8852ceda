"""What `deploy/` holds: the container's small programs, its definitions, the unit."""
