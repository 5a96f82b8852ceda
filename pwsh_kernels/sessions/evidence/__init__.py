"""What is kept as a record of what was done: history and notebooks."""
