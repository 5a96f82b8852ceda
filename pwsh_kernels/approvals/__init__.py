"""Changes that a person must approve first: which ones, what exactly is approved, by whom, until
when. It decides and remembers, and runs nothing.
"""
