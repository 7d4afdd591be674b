"""From the frame that completes an intrusion to the committed incident, and to the provider's HTTP request.

A whole demo runs: real RTSP cameras, broker, cloud, and the stand-in of the providers over HTTPS. What one would pick
instead is a script that calls the provider straight from the frame, through Apprise, and keeps nothing.
"""

import math
import os
import statistics
import time
from datetime import datetime

from bench._demo import Running, get, running_demo
from cloud.notify.apprise_channel import channels_from
from contract.ids import new_id
from contract.ports import Alert
from demo.configs import SECURITY
from demo.standin import settings

WANTED = 30
PATIENCE_S = 240
STRIPS = 6
DIRECT = 15


def seconds(text: str) -> float:
    """Unix time of an Instant."""
    return datetime.fromisoformat(text).timestamp()


def draw_strips(running: Running) -> None:
    """Many closed zones side by side on the square, so that people walking there complete many stays."""
    current = get(running.box, "/cameras/square/zones")
    zones = [{"name": f"strip-{i}", "severity": "high",
              "polygon": [[i / STRIPS, 0], [(i + 1) / STRIPS, 0], [(i + 1) / STRIPS, 1], [i / STRIPS, 1]]}
             for i in range(STRIPS)]
    answer = running.box.put("/cameras/square/zones", json={"zones": zones, "revision": current["revision"]})
    answer.raise_for_status()


def measure(running: Running) -> tuple[list[float], list[float]]:
    """Seconds from frame to commit and from frame to provider, of incidents that begin after the strips were drawn."""
    begun = time.time()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        messages = {m["id"]: seconds(m["at"]) for m in get(running.standin, "/messages", limit=1000)["items"]}
        committed, provider = [], []
        for view in get(running.box, "/incidents", kind="intrusion", limit=100)["items"]:
            frame = seconds(view["incident"]["at"])
            if frame < begun:
                continue
            committed.append(seconds(view["ledger"]["entry"]["entry"]["at"]) - frame)
            deliveries = get(running.box, f"/notify/{view['incident']['id']}")["deliveries"]
            arrived = [messages[d["provider_id"]] for d in deliveries if d["provider_id"] in messages]
            if arrived:
                provider.append(min(arrived) - frame)
        print(f"{len(provider)} of {WANTED} intrusions", end="\r", flush=True)
        if len(provider) >= WANTED:
            return committed, provider
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(provider)} intrusions reached the provider in {PATIENCE_S} s")
        time.sleep(3)


def call_directly(running: Running) -> list[float]:
    """Seconds of an Apprise call to the same provider, from this process."""
    standin = settings.read(running.home / "standin")
    os.environ.update(standin.environment())
    account = standin.twilio
    channel = channels_from({"sms": f"twilio://{account.sid}:{account.token}@{account.sender}"})["sms"]
    taken = []
    for number in range(DIRECT):
        start = time.perf_counter()
        channel.send(Alert(new_id(), "sms", SECURITY, "Intrusion", f"intrusion number {number}"))
        taken.append(time.perf_counter() - start)
    return taken


def p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def main() -> None:
    with running_demo() as running:
        draw_strips(running)
        committed, provider = measure(running)
        direct = call_directly(running)
    for name, values in (("frame -> incident committed", committed), ("frame -> provider's request", provider),
                         ("Apprise call alone", direct)):
        print(f"{name:28} median {statistics.median(values) * 1e3:7.0f} ms   p95 {p95(values) * 1e3:7.0f} ms   "
              f"n={len(values)}")
    print(f"ratio: {statistics.median(provider) / statistics.median(direct):.1f} (median from frame to provider's "
          "request, through store, broker and cloud / median of an Apprise call that keeps nothing; 1 would be free)")


if __name__ == "__main__":
    main()
