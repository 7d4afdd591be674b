"""Enrolled people, over the box's REST interface.

  sentrybox users list [TEXT]
  sentrybox users show ID
  sentrybox users enrol "Ada Lovelace" ada1.jpg ada2.jpg ada3.jpg --consent-by "Ada Lovelace"
  sentrybox users befriend ID FRIEND_ID      FRIEND_ID is told when something happens to ID
  sentrybox users erase ID                   everywhere: this box, the cloud, every other box
"""

import argparse
import json
import mimetypes
from pathlib import Path

from contract.errors import Rejected
from contract.profile import CHANNELS
from sentrybox.remote import access_arguments, call, client


def arguments(parser: argparse.ArgumentParser) -> None:
    access_arguments(parser)
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="names and ids")
    listing.add_argument("text", nargs="?", default="", help="part of a name")
    actions.add_parser("show", help="one person").add_argument("id")
    enrol = actions.add_parser("enrol", help="enrol with photos; three to five of one person recognise best")
    enrol.add_argument("name")
    enrol.add_argument("photos", nargs="+", type=Path)
    enrol.add_argument("--consent-by", required=True, metavar="NAME", help="who agreed to the templates being kept")
    enrol.add_argument("--role", choices=["student", "staff", "visitor"], default="student")
    for channel, kind in CHANNELS.items():
        enrol.add_argument(f"--{channel}", action="append", default=[], metavar="ADDRESS", help=kind.wanted)
    befriend = actions.add_parser("befriend", help="name a friend, who is told when something happens")
    befriend.add_argument("id")
    befriend.add_argument("friend")
    actions.add_parser("erase", help="erase a person everywhere").add_argument("id")


def run(options: argparse.Namespace) -> int:
    with client(options) as box:
        if options.action == "list":
            for user in call(box, "GET", "/users", params={"q": options.text, "limit": 100})["items"]:
                print(f"{user['id']}  {user['name']}")
        elif options.action == "show":
            print(json.dumps(call(box, "GET", f"/users/{options.id}"), indent=2, ensure_ascii=False))
        elif options.action == "enrol":
            made = call(box, "POST", "/users/register", data=_form(options), files=_photos(options.photos))
            print(f"{made['id']}  {made['name']}")
        elif options.action == "befriend":
            user = call(box, "GET", f"/users/{options.id}")
            change = {"revision": user["revision"], "friends": {"add": [options.friend]}}
            call(box, "PUT", f"/users/{options.id}", json=change)
            print(f"{options.friend} will be told when something happens to {user['name']}")
        else:
            print(json.dumps(call(box, "DELETE", f"/users/{options.id}"), indent=2))
    return 0


def _form(options: argparse.Namespace) -> dict[str, str]:
    contacts = [{"channel": channel, "address": address} for channel in CHANNELS
                for address in getattr(options, channel)]
    return {"name": options.name, "role": options.role, "contacts": json.dumps(contacts),
            "consent": json.dumps({"given_by": options.consent_by, "basis": "consent"})}


def _photos(paths: list[Path]) -> list[tuple[str, tuple[str, bytes, str]]]:
    try:
        return [("photos", (path.name, path.read_bytes(), mimetypes.guess_type(path.name)[0] or "image/jpeg"))
                for path in paths]
    except OSError as error:
        raise Rejected(f"{error.filename}: {error.strerror}") from error
