"""A box that looks lived in. `python -m tests.appliance.api.furnish DIR` takes pictures of its pages, to look at."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from contract.incident import IncidentDraft, Involved
from tests.appliance.api.conftest import House, open_house
from tests.appliance.api.serve import serving
from tests.support.browser import launch
from tests.support.fakes import face

PASSWORD = "correct horse battery"


def picture(width: int = 640, height: int = 360) -> bytes:
    """A drawn scene: a hall with a door and somebody in it."""
    image = Image.new("RGB", (width, height), "#8fa3b5")
    draw = ImageDraw.Draw(image)
    floor = [(0, height), (width, height), (width * .72, height * .55), (width * .28, height * .55)]
    draw.polygon(floor, fill="#6b7786")
    draw.rectangle([width * .42, height * .2, width * .58, height * .55], fill="#4b5866")
    draw.ellipse([width * .2, height * .3, width * .26, height * .4], fill="#d9b99b")
    draw.rounded_rectangle([width * .185, height * .4, width * .275, height * .78], 12, fill="#30506e")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def furnish(house: House) -> None:
    """People, an incident of each kind, tracks on the live picture, and an admin called grace."""
    house.store.accounts.create("grace", PASSWORD, "admin")
    house.vision.jpeg = picture()
    people = [house.enrol(name, contacts=[{"channel": "sms", "address": f"+4915112345{i:03}"}])
              for i, name in enumerate(["Ada Lovelace", "Alan Turing", "Katherine Johnson", "Mary Jackson"])]
    ids = [p["id"] for p in people]
    house.as_("admin").put(f"/users/{ids[0]}", json={"friends": {"add": ids[1:3]}})
    house.vision.seen["gate"] = {"at": "2026-11-23T20:00:00.000Z", "width": 640, "height": 360, "tracks": [
        {"id": 1, "box": [.18, .28, .1, .52], "status": "known", "name": "Ada Lovelace"},
        {"id": 2, "box": [.62, .35, .09, .45], "status": "unknown", "name": None}]}
    evidence = house.store.files.put(picture(), "image/jpeg")
    house.store.incidents.record(IncidentDraft(
        kind="intrusion", severity="high", at="2026-11-23T19:58:11Z", location="Roof of building B", camera="roof",
        people=(Involved(person=ids[1], part="involved", confidence=.97),), evidence=(evidence,),
        description="Somebody stood in the closed zone roof-edge."), by="rules")
    house.incident(kind="fall", location="Sports hall", affected_user=ids[0], severity="critical",
                   description="Fell from the wall bars and does not get up.")
    done = house.incident(kind="manual", location="Library", severity="low", description="A window was left open.")
    house.as_("guard").patch(f"/incidents/{done['incident']['id']}", json={"action": "resolve", "note": "Closed it."})
    house.store.zones.put("gate", (), 0)
    house.vision.add(face("Grace Hopper"))


PAGES = {"live": "/ui/live", "incidents": "/ui/incidents", "people": "/ui/people", "enrol": "/ui/people/new",
         "zones": "/ui/cameras/gate/zones", "accounts": "/ui/accounts", "docs": "/docs"}


def take_pictures(target: Path) -> None:
    """Every page at phone and desktop width, light and dark, as target/PAGE-WIDTH-SCHEME.png."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, open_house(Path(home)) as house:
        furnish(house)
        first = house.as_("admin").get("/users").json()["items"][0]["id"]
        event = house.as_("admin").get("/incidents?kind=intrusion").json()["items"][0]["incident"]["id"]
        pages = {**PAGES, "person": f"/ui/people/{first}", "incident": f"/ui/incidents/{event}"}
        with serving(house.app) as address, sync_playwright() as playwright, launch(playwright) as browser:
            for width, height in ((390, 844), (1280, 800)):
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                    page.goto(f"{address}/login")
                    page.screenshot(path=target / f"login-{width}-{scheme}.png")
                    page.fill("#name", "grace")
                    page.fill("#password", PASSWORD)
                    page.click("button")
                    for name, path in pages.items():
                        page.goto(address + path)
                        if name == "zones":
                            page.click("#add-zone")
                        page.wait_for_timeout(900)
                        page.screenshot(path=target / f"{name}-{width}-{scheme}.png", full_page=name != "docs")
                    page.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
