"""The guards' pages in a real browser. Without Chromium these tests fail: a page nobody looked at is not tested."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from contract.events import Event
from contract.incident import KINDS
from tests.appliance.api.conftest import House
from tests.appliance.api.furnish import PAGES, PASSWORD, picture
from tests.appliance.api.serve import serving
from tests.support.browser import launch
from tests.support.fakes import face


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright, launch(playwright) as opened:
        yield opened


@pytest.fixture
def address(house: House) -> Iterator[str]:
    house.vision.jpeg = picture()
    with serving(house.app) as served:
        yield served


@pytest.fixture
def page(browser, address: str) -> Iterator[Page]:
    """A page of a phone's size. The test fails when a script fails, or asks anybody but the box."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=address)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
    opened.on("request", lambda r: faults.append(r.url) if not r.url.startswith((address, "blob:")) else None)
    yield opened
    context.close()
    assert faults == []


def log_in(page: Page, house: House, role: str = "admin") -> None:
    house.store.accounts.create("grace", PASSWORD, role)
    page.goto("/login")
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/**")


def test_first_account(page: Page, house: House):
    page.goto(f"/first?secret={house.store.accounts.first_link()}")
    page.get_by_label("Your name").fill("grace")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The password again").fill("short")
    page.keyboard.press("Enter")
    expect(page.locator("#password-error")).to_contain_text("at least 10")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/live")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_wrong_password_then_back_to_where_one_wanted_to_go(page: Page, house: House):
    house.store.accounts.create("grace", PASSWORD, "guard")
    page.goto("/ui/people?search=ada")
    assert "/login?next=" in page.url
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Password").fill("nonsense nonsense")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/people?search=ada")


def test_an_incident_appears_by_itself_and_is_acknowledged_by_keyboard(page: Page, house: House):
    log_in(page, house, "guard")
    page.goto("/ui/incidents")
    expect(page.get_by_text("All quiet")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-events", "on")
    ada = house.enrol("Ada")
    incident = house.incident(affected_user=ada["id"], location="Sports hall")["incident"]["id"]
    card = page.locator(f"#incident-{incident}")
    expect(card).to_contain_text("Fall · Sports hall")
    expect(card).to_contain_text("Ada")
    button = card.get_by_role("button", name="Acknowledge")
    page.keyboard.press("Tab")
    for _ in range(30):
        if button.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert button.evaluate("e => getComputedStyle(e).outlineStyle") != "none", "the focus can be seen"
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Acknowledged by grace")
    assert house.store.incidents.get(incident).state == "acknowledged"
    house.as_("guard").patch(f"/incidents/{incident}", json={"action": "resolve"})
    expect(card.locator(".pill", has_text="Resolved")).to_be_visible()
    expect(card.get_by_role("button")).to_have_count(0)


def test_report_and_note(page: Page, house: House):
    log_in(page, house, "guard")
    page.goto("/ui/incidents")
    page.get_by_role("button", name="Report an incident").click()
    page.get_by_label("Where").fill(" ")
    page.get_by_role("button", name="Report", exact=True).click()
    expect(page.locator('[data-error-for="location"]')).not_to_be_empty()
    page.get_by_label("Where").fill("Library")
    page.get_by_label("What happened").fill("<b>Glass</b> is broken")
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_role("link", name="Reported incident · Library").click()
    expect(page.get_by_text("<b>Glass</b> is broken")).to_be_visible()
    page.get_by_label("Note").fill("Swept up")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("ol.trail")).to_contain_text("Swept up")
    expect(page.get_by_label("Note")).to_have_value("")


def test_live_shows_names_and_lost_cameras(page: Page, house: House):
    house.vision.seen["gate"] = {"at": "2026-11-23T20:00:00.000Z", "width": 640, "height": 360, "tracks": [
        {"id": 1, "box": [.2, .2, .2, .6], "status": "known", "name": "Ada & Co"}]}
    log_in(page, house, "guard")
    gate = page.locator("[data-camera=gate]")
    expect(gate.locator(".overlay text")).to_have_text("Ada & Co")
    expect(gate.locator(".overlay")).to_have_attribute("aria-label", "1 person in the picture: Ada & Co")
    expect(gate.locator("img")).to_have_js_property("naturalWidth", 640)
    expect(page.locator("[data-camera=roof]")).to_contain_text("no answer from the camera")
    assert house.vision.watched == 1
    house.vision.cameras = [s._replace(state="lost", reason="unplugged") for s in house.vision.cameras]
    house.store.announce(Event("camera", "gate"))
    expect(gate.locator(".away")).to_contain_text("unplugged")
    expect(page.locator("#cams")).to_contain_text("2 of 2 cameras without a picture")
    page.goto("/ui/people")
    for _ in range(100):
        if house.vision.watched == 0:
            break
        page.wait_for_timeout(50)
    assert house.vision.watched == 0, "nothing is sent when nobody watches"


def test_the_bar_says_when_recognition_does_not_work(page: Page, house: House):
    house.vision.fault = "the models are missing"
    log_in(page, house, "guard")
    expect(page.locator("#vision")).to_contain_text("Nobody is recognised now: the models are missing")
    expect(page.locator("#link")).to_contain_text("Works without the cloud: the broker does not answer")


def test_enrol_refusal_then_success(page: Page, house: House, tmp_path: Path):
    house.enrol("Bea Example")
    good, bad = house.vision.add(face("Ada")), house.vision.add()
    log_in(page, house, "supervisor")
    page.goto("/ui/people/new")
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator('[data-error-for="name"]')).to_contain_text("Enter the person's name")
    expect(page.locator('[data-error-for="agreed"]')).to_contain_text("agreement")
    page.get_by_label("Name", exact=True).fill("Ada")
    files = [{"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": data} for i, data in enumerate([good, bad])]
    page.get_by_label("Choose photos").set_input_files(files)
    page.get_by_label("Who agreed").fill("Ada")
    page.get_by_label("They have read this text").check()
    page.get_by_role("button", name="Add a contact").click()
    page.get_by_label("Number, address or token").fill("0151")
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator('[data-error-for="contacts"]')).to_contain_text("E.164")
    page.get_by_label("Number, address or token").fill("+4915112345678")
    page.get_by_label("Search people to add: Friends").press_sequentially("bea")
    page.get_by_role("button", name="Bea Example").click()
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator(".photos .refused figcaption")).to_contain_text("No face was found")
    expect(page.locator(".photos .fine")).to_have_count(1)
    expect(page.locator('#enrol [data-error-for=""]')).to_have_text(
        "1 of 2 photos cannot be used: the reason is given at each.")
    assert len(house.store.profiles.page("", 10)) == 1
    page.get_by_label("Go on with the good photos").check()
    page.get_by_role("button", name="Enrol").click()
    page.wait_for_url(re.compile("/ui/people/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="Ada", exact=True)).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Ada is enrolled")
    enrolled = house.store.profiles.page("", 10)[1]
    assert enrolled.contacts[0].address == "+4915112345678" and len(enrolled.friends) == 1


def test_edit_and_erase(page: Page, house: House):
    ada = house.enrol("Ada")
    log_in(page, house)
    page.goto(f"/ui/people/{ada['id']}")
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    house.as_("admin").put(f"/users/{ada['id']}", json={"revision": 2, "name": "Somebody"})
    page.get_by_label("Name", exact=True).fill("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator('#edit [data-error-for=""]')).to_contain_text("Somebody else changed this person")
    page.get_by_role("button", name="Erase…").click()
    page.get_by_role("button", name="Keep").click()
    assert house.store.profiles.find(ada["id"]) is not None
    page.get_by_role("button", name="Erase…").click()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.locator("#erasure")).to_contain_text("Confirmed by the cloud, for all other boxes: waiting")
    assert house.store.profiles.find(ada["id"]) is None


def test_pages_say_what_is_looked_for_on_which_camera(house: House):
    client = house.as_("supervisor")
    live = client.get("/ui/live").text
    assert "Intrusion: who stands there for 3 s" in live and live.count("Intrusion: off") == 1
    assert "An incident is who stands there for 3 s" in client.get("/ui/cameras/gate/zones").text
    off = "Intrusion is off on this camera"
    assert [off in client.get(f"/ui/cameras/{camera}/zones").text for camera in ("gate", "roof")] == [False, True]


def test_the_zones_page_says_what_every_rule_reports(house: House):
    gate, roof = house.vision.cameras
    (intrusion,) = gate.rules
    other = intrusion.model_copy(update={"kind": "violence", "effect": "who strikes another", "settings": {}})
    house.vision.cameras = [gate._replace(rules=(intrusion, other)), roof._replace(rules=(other,))]
    client = house.as_("supervisor")
    gate_page, roof_page = (client.get(f"/ui/cameras/{camera}/zones").text for camera in ("gate", "roof"))
    assert "An incident is who stands there for 3 s, or who strikes another." in gate_page
    assert "An incident is who strikes another." in roof_page and "Intrusion" not in roof_page
    house.vision.cameras = [gate._replace(rules=(other.model_copy(update={"on": False}),)), roof]
    off_page = client.get("/ui/cameras/gate/zones").text
    assert "Violence is off on this camera" in off_page and "An incident is" not in off_page


def test_every_kind_of_incident_has_its_name_on_the_pages(house: House):
    client = house.as_("supervisor")
    for kind, facts in KINDS.items():
        body = {"time": "2026-11-23T20:00:00Z", "location": "Hall", "kind": kind}
        made = client.post("/incidents", json=body).json()["incident"]
        assert made["severity"] == facts.usual_severity
        assert f"{facts.label} · Hall" in client.get(f"/ui/incidents/{made['id']}").text
    assert all(f"{facts.label} · Hall" in client.get("/ui/incidents").text for facts in KINDS.values())


def test_zones_by_pointer_and_by_number(page: Page, house: House):
    log_in(page, house, "supervisor")
    page.goto("/ui/cameras/gate/zones")
    page.get_by_role("button", name="New zone").click()
    page.get_by_label("Name", exact=True).fill("Yard!")
    page.get_by_role("button", name="Save the zones").click()
    expect(page.locator('[data-error-for="name"]')).not_to_be_empty()
    page.get_by_label("Name", exact=True).fill("yard")
    page.get_by_label("Across of corner 1").fill("0.25")
    page.locator(".stage").scroll_into_view_if_needed()
    area = page.locator(".stage svg").bounding_box()
    page.mouse.click(area["x"] + area["width"] * .5, area["y"] + area["height"] * .95)
    expect(page.locator(".stage circle")).to_have_count(5)
    page.get_by_role("button", name="Save the zones").click()
    expect(page.locator(".toast")).to_contain_text("Saved")
    zones, revision = house.store.zones.get("gate")
    assert revision == 1 and zones[0].name == "yard" and len(zones[0].polygon) == 5
    assert zones[0].polygon[0][0] == 0.25
    assert any(abs(x - .5) < .02 and abs(y - .95) < .02 for x, y in zones[0].polygon)


def test_what_police_sees(page: Page, house: House):
    house.incident(kind="manual", location="Library")
    house.incident(kind="fall", location="Sports hall")
    log_in(page, house, "police")
    expect(page.get_by_role("heading", name="Fall · Sports hall")).to_be_visible()
    expect(page.get_by_text("Library")).to_have_count(0)
    expect(page.get_by_role("button", name="Resolve")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_text(["Incidents"])
    page.goto("/ui/accounts")
    expect(page.get_by_role("heading", name="That is not possible")).to_be_visible()


@pytest.mark.parametrize("path", PAGES.values())
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, house: House, path: str, width: int):
    house.enrol("A" * 200)
    house.incident(location="x" * 200, description="y" * 1000)
    log_in(page, house)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    unnamed = page.evaluate("""[...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea')]
        .filter(e => e.offsetParent && !(e.labels?.length || e.ariaLabel || e.textContent.trim()))
        .map(e => e.outerHTML)""")
    assert unnamed == [], "every control has a name"
