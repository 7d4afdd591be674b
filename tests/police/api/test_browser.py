"""The police's pages in a real browser, at a phone's size and a desk's, light and dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from cloud.database.telling import alerts, deliveries
from contract.errors import NotFound
from police.details import pull_once
from tests.appliance.api.serve import serving
from tests.police.conftest import put_entry
from tests.support.browser import launch

PASSWORD = "correct horse battery"
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
# Contrast as WCAG 2 defines it, of every element that has words of its own against the nearest background.
CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("main *, header *")].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length).map((e) => {
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), e.textContent.trim().slice(0, 40)];
  }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright, launch(playwright) as opened:
        yield opened


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def page(request, browser, station) -> Iterator[Page]:
    """Logged out. The test fails when a script fails, or when anybody but the server is asked."""
    size, scheme = request.param
    station.accounts.create("grace", PASSWORD, "admin")
    with serving(station.app) as address:
        context = browser.new_context(viewport=dict(zip(("width", "height"), SIZES[size], strict=True)),
                                      color_scheme=scheme, base_url=address)
        opened = context.new_page()
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        opened.on("request", lambda r: faults.append(r.url) if not r.url.startswith(address) else None)
        yield opened
        context.close()
        assert faults == []


def looks_right(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{page.url} scrolls sideways"
    assert page.evaluate(CONTRAST) == [], page.url
    small = page.evaluate("""() => [...document.querySelectorAll("main button, main .button, main input")]
        .map((e) => e.getBoundingClientRect()).filter((r) => r.height && r.height < 36).length""")
    assert small == 0, "what a thumb has to hit is too small"


def test_an_officer_reads_an_entry_and_answers_it_by_keyboard(page: Page, station, database, campus, clock):
    _, released, record = campus.incident()
    waiting, verified = put_entry(database), put_entry(database, record)
    wrong = put_entry(database, campus.incident()[2].model_copy(update={"commitment": "ff" * 32}))
    not_yet = NotFound("the campus has not released this entry yet")
    campus.answers = {waiting: not_yet, verified: released, wrong: released}
    pull_once(database, campus, clock)
    with database.write() as session:
        alerts.nobody_could_be_told(session, waiting, None, "no contact")
    page.goto("/")
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Password").fill(PASSWORD)
    looks_right(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/entries")
    expect(page.get_by_role("heading", name="Entry", exact=False)).to_have_count(3)
    station.link.cut_off("no peer answers")
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="Cut off from the police channel")).to_be_visible()
    looks_right(page)
    page.get_by_role("link", name="Entry 1").click()
    expect(page.get_by_text("Waiting for the campus")).to_be_visible()
    looks_right(page)
    button = page.get_by_role("button", name="I have seen this")
    for _ in range(20):
        if button.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert button.evaluate("e => getComputedStyle(e).outlineStyle") != "none", "the focus can be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_text("answered", exact=True)).to_be_visible()
    expect(button).to_have_count(0)
    page.goto(f"/ui/entries/{verified}")
    expect(page.get_by_text("Anna Example (victim, 93 %)")).to_be_visible()
    looks_right(page)
    page.goto(f"/ui/entries/{wrong}")
    expect(page.get_by_role("alert").filter(has_text="do not match")).to_be_visible()
    looks_right(page)
    page.goto("/ui/accounts")
    looks_right(page)


def test_the_link_of_an_alert(page: Page, station, database):
    entry = put_entry(database)
    with database.read() as session:
        [delivery] = deliveries.for_subject(session, entry)
    page.goto(f"/a/{station.token_for(delivery.id)}")
    looks_right(page)
    page.get_by_role("button", name="I have seen this").click()
    expect(page.get_by_role("status")).to_contain_text("Acknowledged")
    looks_right(page)
