"""The demo's people: enrolled on the box over REST, once."""

import json
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from demo.processes import Ended

FRIEND = "Ben Portrait"
CONSENT = {"given_by": "the demo", "basis": "consent"}


def enrol(box: httpx.Client, photos: dict[str, list[Path]], devices: list[str],
          progress: Callable[[str], None]) -> None:
    """Make sure that everybody with photos is enrolled, the friend of all first. Raises Ended with what was refused."""
    present = {user["name"]: user["id"] for user in _ok(box.get("/users", params={"limit": 100}))["items"]}
    friend = FRIEND if FRIEND in photos else next(iter(photos))
    contacts = [{"channel": "sms", "address": "+15005550010"}, {"channel": "email", "address": "friend@example.org"},
                *({"channel": "push", "address": device} for device in devices[:1])]
    if friend not in present:
        present[friend] = _register(box, friend, photos[friend], contacts, [])
        progress(f"enrolled {friend}, who is reached by {', '.join(c['channel'] for c in contacts)}")
    for name, paths in photos.items():
        if name not in present:
            _register(box, name, paths, [], [present[friend]])
            progress(f"enrolled {name} from {len(paths)} photos, a friend: {friend}")


def _register(box: httpx.Client, name: str, photos: list[Path], contacts: list[dict[str, str]],
              friends: list[str]) -> str:
    fields = {"name": name, "contacts": json.dumps(contacts), "friends": json.dumps(friends),
              "consent": json.dumps(CONSENT)}
    files = [("photos", (path.name, path.read_bytes(), mimetypes.guess_type(path.name)[0] or "image/jpeg"))
             for path in photos]
    return str(_ok(box.post("/users/register", data=fields, files=files or None, timeout=60))["id"])


def _ok(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise Ended(f"the box refused {answer.request.method} {answer.request.url.path}: {answer.text}")
    return dict(answer.json())
