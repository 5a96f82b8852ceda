"""The audit log: what was done, by whom, in a chain of records in which every change shows."""
