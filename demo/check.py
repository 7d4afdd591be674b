"""Check a running demo from outside: only over the public REST endpoints of box, cloud and provider stand-in.

  scripts/demo-check             people, a name, an intrusion, its receipt, its ledger entry, the alerts
  scripts/demo-check --outage    the same, with the broker stopped for a while in the middle

With LEDGER=fabric also what the police organisation's own process knows, before and after the campus's release.

One line per step; exit status 1 when a step fails.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from contract.errors import SentryboxError
from contract.ids import new_id
from contract.moments import now
from contract.proof.document import check_proof

PATIENCE_S = 120.0
POLL_S = 0.5
OUTAGE_S = 12.0


class StepFailed(Exception):
    """A step did not hold; the text says what was seen."""


class Demo(NamedTuple):
    """The sides of a running demo; `police` is there with LEDGER=fabric."""

    box: httpx.Client
    cloud: httpx.Client
    standin: httpx.Client
    police: httpx.Client | None
    pid: int
    deadline: float


def wait_for(demo: Demo, what: str, look: Callable[[], Any]) -> Any:
    """Return the first true result of `look` before the deadline. Raises StepFailed with what was seen last."""
    seen: Any = None
    while True:
        try:
            seen = look()
            if seen:
                return seen
        except (httpx.HTTPError, KeyError) as error:
            seen = f"{type(error).__name__}: {error}"
        if time.monotonic() > demo.deadline:
            raise StepFailed(f"{what}: not within the time; last seen: {seen!r}")
        time.sleep(POLL_S)


def fetch(client: httpx.Client, path: str, **query: Any) -> Any:
    """Return the JSON of a GET. Raises httpx.HTTPStatusError."""
    response = client.get(path, params=query)
    response.raise_for_status()
    return response.json()


def _people_are_seen(demo: Demo) -> str:
    def look() -> str | None:
        for camera in fetch(demo.box, "/cameras")["items"]:
            if camera["state"] == "live":
                tracks = fetch(demo.box, f"/cameras/{camera['id']}/tracks")["tracks"]
                if tracks:
                    return f"{len(tracks)} on {camera['id']}"
        return None

    return str(wait_for(demo, "people on a demo camera", look))


def _somebody_is_known(demo: Demo) -> str:
    def look() -> str | None:
        for camera in fetch(demo.box, "/cameras")["items"]:
            if camera["state"] == "live":
                for track in fetch(demo.box, f"/cameras/{camera['id']}/tracks")["tracks"]:
                    if track["name"]:
                        return f"{track['name']} on {camera['id']}, confidence {track['confidence']}"
        return None

    return str(wait_for(demo, "an enrolled person recognised by name", look))


def _recognize_answers(demo: Demo) -> str:
    def look() -> str | None:
        for camera in fetch(demo.box, "/cameras")["items"]:
            picture = demo.box.get(f"/cameras/{camera['id']}/snapshot.jpg")
            answer = demo.box.post("/recognize", files={"image": ("snapshot.jpg", picture.content, "image/jpeg")})
            answer.raise_for_status()
            for face in answer.json()["faces"]:
                if face["status"] == "known":
                    return f"{face['profile']['name']}, confidence {face['confidence']:.2f}"
        return None

    return str(wait_for(demo, "POST /recognize names the person on a snapshot", look))


def _intrusion(demo: Demo) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        for item in fetch(demo.box, "/incidents", kind="intrusion", severity="high", limit=100)["items"]:
            if item["incident"]["people"] and item["incident"]["location"]:
                return dict(item)
        return None

    return dict(wait_for(demo, "an intrusion incident that names a person", look))


def _committed(demo: Demo, incident: str) -> str:
    def look() -> str | None:
        at = fetch(demo.box, f"/incidents/{incident}")["ledger"]["committed_at"]
        return None if at is None else str(at)

    return str(wait_for(demo, "the cloud's receipt", look))


def _ledger(demo: Demo, record: str) -> dict[str, Any]:
    return dict(fetch(demo.box, f"/blockchain/log/{record}")["ledger"])


def _anchored(demo: Demo, record: str) -> str:
    def look() -> str | None:
        state = _ledger(demo, record)
        if state["status"] != "anchored":
            return None
        return ", ".join(f"{a['channel']} block {a['block']}" for a in state["anchors"])

    return str(wait_for(demo, "the ledger entry anchored", look))


def _proven(demo: Demo, record: str) -> str:
    response = demo.box.get(f"/blockchain/log/{record}/proof")
    response.raise_for_status()
    try:
        return f"{len(check_proof(response.content))} steps hold"
    except SentryboxError as error:
        raise StepFailed(f"the proof is rejected: {error}") from error


def _once_in_cloud(demo: Demo, incident: str) -> str:
    def look() -> list[Any]:
        at = fetch(demo.box, f"/incidents/{incident}")["incident"]["at"]
        items = fetch(demo.cloud, "/incidents", since=at, limit=100)["items"]
        return [item for item in items if item["incident"]["id"] == incident]

    found = wait_for(demo, "the incident in the cloud", look)
    if len(found) != 1:
        raise StepFailed(f"the incident is in the cloud {len(found)} times")
    return f"state {found[0]['state']}"


def _told(demo: Demo, incident: str) -> str:
    def look() -> str | None:
        deliveries = fetch(demo.box, f"/notify/{incident}")["deliveries"]
        fine = {d["audience"] for d in deliveries if d["state"] in ("accepted", "delivered", "acknowledged")}
        return ", ".join(f"{d['audience']} by {d['channel']}: {d['state']}" for d in deliveries) \
            if {"friends", "security"} <= fine else None

    return str(wait_for(demo, "friend and security told", look))


def _arrived(demo: Demo, location: str) -> str:
    def look() -> str | None:
        messages = [m for m in fetch(demo.standin, "/messages")["items"] if location in m["text"]]
        channels = {m["channel"] for m in messages}
        return f"{len(messages)} by {', '.join(sorted(channels))}" if len(messages) >= 2 else None

    return str(wait_for(demo, "alerts at the stand-in", look))


def _report_by_hand(demo: Demo) -> str:
    """Make an incident and a log record over REST; return the incident's id."""
    fields = {"time": now(), "location": f"Library {new_id()[-6:]}", "kind": "manual", "severity": "medium",
              "description": "reported during the outage"}
    made = demo.box.post("/incidents", json=fields, headers={"Idempotency-Key": new_id()})
    made.raise_for_status()
    logged = demo.box.post("/blockchain/log", json={**fields, "description": "logged during the outage"})
    logged.raise_for_status()
    return str(made.json()["incident"]["id"])


def _step(text: str, work: Callable[[], Any]) -> Any:
    if sys.stdout.isatty():
        print(f"      {text} ...", end="\r", flush=True)
    result = work()
    shown = result["incident"]["id"] if isinstance(result, dict) else result
    # What is left of the waiting line is blanked.
    print(f"{f'ok    {text}: {shown}':{80 if sys.stdout.isatty() else 0}}", flush=True)
    return result


def check(demo: Demo, *, outage: bool) -> None:
    """Run every step. Raises StepFailed at the first that does not hold."""
    _step("box is ready", lambda: wait_for(demo, "box", lambda: demo.box.get("/readyz").is_success and "yes"))
    _step("cloud is ready", lambda: wait_for(demo, "cloud", lambda: demo.cloud.get("/readyz").is_success and "yes"))
    _step("real people are detected", lambda: _people_are_seen(demo))
    _step("the enrolled person is recognised by name", lambda: _somebody_is_known(demo))
    by_hand = None
    if outage:
        _step("broker stopped", lambda: _signal(demo, signal.SIGUSR1, connected=False))
        _step("recognition goes on", lambda: _recognize_answers(demo))
        by_hand = _step("an incident and a log record are taken", lambda: _report_by_hand(demo))
        _step("the incidents page answers", lambda: demo.box.get("/incidents").raise_for_status().status_code)
        _step("the record waits in the chain", lambda: _ledger(demo, by_hand)["status"])
        _step("cameras go on recording", lambda: _incidents_pile_up(demo))
        _step("broker started", lambda: _signal(demo, signal.SIGUSR2, connected=True))
    _step("POST /recognize names the person", lambda: _recognize_answers(demo))
    item = _step("an intrusion names place and person", lambda: _intrusion(demo))
    for incident in filter(None, (item["incident"]["id"], by_hand)):
        _step("receipt of the cloud", partial(_committed, demo, incident))
        _step("ledger entry anchored", partial(_anchored, demo, incident))
        _step("its proof holds", partial(_proven, demo, incident))
        _step("exactly once in the cloud", partial(_once_in_cloud, demo, incident))
    _step("friend and security were told", lambda: _told(demo, item["incident"]["id"]))
    _step("their alerts are at the stand-in", lambda: _arrived(demo, item["incident"]["location"]))
    if demo.police is not None:
        police = demo.police
        _step("police told by their own process", lambda: _police_know(demo, police, item["incident"]["id"]))
        _step("released to the police", lambda: _released(demo, police, item["incident"]["id"]))
    _step("nothing is left behind", lambda: wait_for(demo, "an empty outbox", lambda: _outbox_is_empty(demo)))


def _police_know(demo: Demo, police: httpx.Client, incident: str) -> str:
    def look() -> str | None:
        entry = fetch(police, f"/entries/{incident}")
        if entry["told"] == "waiting" or entry["on_ledger"]["state"] != "acknowledged":
            return None
        return f"{entry['told']}; acknowledged on the ledger in block {entry['on_ledger']['block']}"

    try:
        return str(wait_for(demo, "the entry on the police page", look))
    except StepFailed as error:
        raise StepFailed(f"{error}; seen: {police.get(f'/entries/{incident}').text}") from error


def _released(demo: Demo, police: httpx.Client, incident: str) -> str:
    before = fetch(police, f"/entries/{incident}")["details"]
    if before["state"] == "waiting" and (before["record"] is not None or before["names"]):
        raise StepFailed(f"the police see details before the release: {before}")
    demo.cloud.post(f"/incidents/{incident}/release").raise_for_status()
    police.post(f"/entries/{incident}/ask").raise_for_status()

    def look() -> str | None:
        details = fetch(police, f"/entries/{incident}")["details"]
        return f"{len(details['steps'])} steps hold" if details["state"] == "verified" else None

    return str(wait_for(demo, "the details, verified against the police channel", look))


def _incidents_pile_up(demo: Demo) -> str:
    """Wait for the cameras' own incidents of an outage that lasts a while."""
    begun, before = time.monotonic(), fetch(demo.box, "/status")["link"]["waiting"]

    def look() -> str | None:
        waiting = fetch(demo.box, "/status")["link"]["waiting"]
        return f"{waiting} messages wait" if waiting > before and time.monotonic() - begun > OUTAGE_S else None

    return str(wait_for(demo, "incidents of the cameras while the broker is away", look))


def _outbox_is_empty(demo: Demo) -> str | None:
    waiting = fetch(demo.box, "/status")["link"]["waiting"]
    return "outbox empty" if waiting == 0 else None


def _signal(demo: Demo, number: signal.Signals, *, connected: bool) -> str:
    os.kill(demo.pid, number)
    wait_for(demo, "the link to notice", lambda: fetch(demo.box, "/status")["link"]["connected"] is connected)
    return "link is up" if connected else "link is down"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo-check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("SENTRYBOX_HOME", "var/demo")))
    parser.add_argument("--outage", action="store_true", help="have `make run` stop the broker in the middle")
    parser.add_argument("--within", type=float, default=PATIENCE_S, metavar="SECONDS", help="for all steps together")
    options = parser.parse_args()
    try:
        access = json.loads((options.home / "access.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"no running demo: {options.home}/access.json: {error}; start one with `make run`", file=sys.stderr)
        return 2

    def client(url: str, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=url, headers=headers, timeout=10.0, trust_env=False)

    demo = Demo(client(access["box"], access["tokens"]["box"]["admin"]),
                client(access["cloud"], access["tokens"]["cloud"]["admin"]),
                client(access["standin"], None),
                client(access["police"], access["tokens"]["police"]["police"]) if "police" in access else None,
                int(access["pid"]), time.monotonic() + options.within)
    started = time.monotonic()
    try:
        check(demo, outage=options.outage)
    except (StepFailed, httpx.HTTPError, OSError) as error:
        print(f"FAIL  {error}", file=sys.stderr)
        return 1
    print(f"all steps hold, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
