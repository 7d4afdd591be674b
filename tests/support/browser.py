"""Headless Chromium, as Debian packages it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = Path("/usr/bin/chromium")


@contextlib.contextmanager
def launch(playwright: Playwright) -> Iterator[Browser]:
    """A browser that asks nothing of the internet. RuntimeError where Chromium is not installed."""
    if not CHROMIUM.exists():
        raise RuntimeError(f"{CHROMIUM} is missing: apt-get install chromium")
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"])
    try:
        yield browser
    finally:
        browser.close()
