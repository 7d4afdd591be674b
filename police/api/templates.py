"""The police's pages."""

from pathlib import Path

from web.templates import Pages

PAGES = Pages(Path(__file__).parent)
page = PAGES.page
