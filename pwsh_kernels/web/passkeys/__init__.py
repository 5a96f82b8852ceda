"""Passkeys: with them a person proves to be the one who approves."""
