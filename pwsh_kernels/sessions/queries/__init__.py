"""How what a run gave is asked again: lines, objects, commands."""
