"""Conformance runs use the product's own server fixture (tests/server_fixtures.py); `make conformance` runs them."""

pytest_plugins = ["server_fixtures"]
