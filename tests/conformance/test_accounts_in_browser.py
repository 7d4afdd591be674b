"""The life of accounts in a real browser, on box, cloud and police: one journey each."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.appliance.api.serve import serving
from tests.support.account_sites import KINDS, NEW, PASSWORD, account_site
from tests.support.browser import launch

NEWER = "a stable of staples"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, launch(playwright) as opened:
        yield opened


def log_in(page: Page, name: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/ui/"))


def press(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_first_account_to_its_end(kind: str, browser: Browser, tmp_path: Path):
    with account_site(kind, tmp_path) as site, serving(site.app) as address:
        faults: list[str] = []

        def somebody() -> Page:
            page = browser.new_context(base_url=address, viewport={"width": 390, "height": 844}).new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
            return page

        ada = somebody()
        ada.goto(f"/first?secret={site.accounts.first_link()}")
        ada.get_by_label("Your name").fill("Ada")
        ada.get_by_label("Password", exact=True).fill(PASSWORD)
        ada.get_by_label("The password again").fill(PASSWORD)
        ada.keyboard.press("Enter")
        ada.wait_for_url(re.compile("/ui/"))
        changes_her_password(ada)
        makes_an_account(ada, "Cyd", site.role)
        ends_an_account_that_is_watching(ada, somebody(), site.live, site.page)
        makes_an_account(ada, "Bob", site.role)
        resets_a_password(ada, somebody(), site.live, site.page)
        makes_and_revokes_a_token(ada, site.role, lambda token: httpx.get(
            f"{address}/session", headers={"Authorization": f"Bearer {token}"}).status_code)
        cannot_end_herself(ada)
        assert faults == []
        for page in [page for context in browser.contexts for page in context.pages]:
            page.context.close()


def changes_her_password(ada: Page) -> None:
    ada.get_by_role("link", name=re.compile("^Ada")).click()
    for old, message in (("not my password", "old password is wrong"), (PASSWORD, "")):
        ada.get_by_label("The password now").fill(old)
        ada.get_by_label("New password", exact=True).fill(NEW)
        ada.get_by_label("The password again").fill(NEW)
        press(ada, "Change it")
        expect(ada.get_by_role("alert")).to_have_text(re.compile(message)) if message else None
    expect(ada.get_by_role("alert")).to_have_count(0)
    expect(ada.get_by_text("(this one)")).to_be_visible()
    assert ada.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"


def makes_an_account(ada: Page, name: str, role: str) -> None:
    ada.goto("/ui/accounts")
    form = ada.locator("#account")
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("Password").fill("aaaaaaaaaa")
    form.get_by_label("Role").select_option(role)
    press(ada, "Make the account")
    expect(ada.get_by_role("alert")).to_contain_text("too easy to guess")
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("Role").select_option(role)
    press(ada, "Make the account")
    expect(ada.get_by_role("link", name=f"Change {name}")).to_be_visible()


def ends_an_account_that_is_watching(ada: Page, cyd: Page, live: str, page: str) -> None:
    log_in(cyd, "CYD", PASSWORD)
    cyd.goto(live or page)
    if live:
        expect(cyd.locator("html")).to_have_attribute("data-events", "on")
        expect(cyd.locator("[data-camera=gate] img")).to_have_js_property("naturalWidth", 640)
    ada.get_by_role("link", name="Change Cyd").click()
    press(ada, "End the account")
    if not live:  # nothing is open there; the next request is the test
        cyd.reload()
    cyd.wait_for_url(re.compile("/login"))
    expect(ada.get_by_role("link", name="Change Cyd")).to_have_count(0)


def resets_a_password(ada: Page, bob: Page, live: str, page: str) -> None:
    log_in(bob, "bob", PASSWORD)
    ada.get_by_role("link", name="Change Bob").click()
    expect(ada.locator("#sessions li")).to_have_count(1)
    press(ada, "Reset the password")
    link = ada.locator("p.mono").inner_text()
    if not live:  # a page that stays open leaves by itself
        bob.goto(page)
    bob.wait_for_url(re.compile("/login"))
    bob.goto(link)
    bob.get_by_label("New password").fill(NEWER)
    bob.get_by_label("The password again").fill(NEWER)
    bob.keyboard.press("Enter")
    bob.wait_for_url(re.compile("/ui/"))


def makes_and_revokes_a_token(ada: Page, role: str, status: Callable[[str], int]) -> None:
    ada.goto("/ui/accounts")
    form = ada.locator("#token")
    form.get_by_label("Name of the program").fill("bridge")
    form.get_by_label("Role").select_option(role)
    press(ada, "Make the token")
    token = ada.locator("p.mono").inner_text()
    assert status(token) == 200
    press(ada, "Revoke bridge")
    assert status(token) == 401
    expect(ada.get_by_role("button", name="Revoke bridge")).to_have_count(0)


def cannot_end_herself(ada: Page) -> None:
    ada.get_by_role("link", name="Change Ada").click()
    press(ada, "End the account")
    expect(ada.get_by_role("alert")).to_contain_text("last admin")
