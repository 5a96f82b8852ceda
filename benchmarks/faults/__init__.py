"""Faults put into a real server, and what it says afterwards: nothing wrong, nothing hung,
no sign-in lost that could have lived. `python -m benchmarks.faults --help`, on Linux.
"""
