"""The `sentrybox` command."""

from importlib.metadata import version

VERSION = version("sentrybox")
