"""What one server needs for many sessions: `python -m benchmarks.scale` (docs/scale.md)."""
