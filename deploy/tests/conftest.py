"""Fixtures for the tests of the image."""

pytest_plugins = ["tests.fixtures.figures"]
