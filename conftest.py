"""Brings the plugins of our own; the standing cast of the tests is in tests/conftest.py."""

pytest_plugins = ["tests.plugins.office", "tests.plugins.browser"]
