"""The version of Sentrybox that runs here."""

from importlib.metadata import version

VERSION = version("sentrybox")
