"""Traces: which one a request belongs to, and their export over OTLP where that is switched on."""
