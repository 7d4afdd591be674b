"""Incidents, over the box's REST interface.

  sentrybox incidents list --state open
  sentrybox incidents show ID
  sentrybox incidents acknowledge ID
  sentrybox incidents resolve ID --note "a false alarm: the caretaker"
  sentrybox incidents report fall "Gym, north door" --victim USER_ID --severity high
"""

import argparse
import json
from typing import get_args

from contract.ids import new_id
from contract.incident import SEVERITIES, Kind, State
from contract.moments import now
from sentrybox.remote import access_arguments, call, client


def arguments(parser: argparse.ArgumentParser) -> None:
    access_arguments(parser)
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--state", choices=get_args(State))
    listing.add_argument("--kind", choices=get_args(Kind))
    listing.add_argument("--limit", type=int, default=20)
    actions.add_parser("show", help="one incident with all that became of it").add_argument("id")
    for verb in ("acknowledge", "resolve"):
        action = actions.add_parser(verb)
        action.add_argument("id")
        action.add_argument("--note", default="")
    report = actions.add_parser("report", help="write down what you saw")
    report.add_argument("kind", choices=get_args(Kind))
    report.add_argument("location")
    report.add_argument("--victim", metavar="USER_ID")
    report.add_argument("--severity", choices=SEVERITIES, default="high")
    report.add_argument("--description", default="")


def run(options: argparse.Namespace) -> int:
    with client(options) as box:
        if options.action == "list":
            wanted = {"state": options.state, "kind": options.kind, "limit": options.limit}
            for item in call(box, "GET", "/incidents", params={k: v for k, v in wanted.items() if v})["items"]:
                incident = item["incident"]
                print(f"{incident['id']}  {incident['at']}  {item['state']:12} {incident['severity']:8} "
                      f"{incident['kind']:9} {incident['location']}  {', '.join(item['names'].values())}")
        elif options.action == "show":
            print(json.dumps(call(box, "GET", f"/incidents/{options.id}"), indent=2, ensure_ascii=False))
        elif options.action == "report":
            fields = {"time": now(), "location": options.location, "kind": options.kind, "severity": options.severity,
                      "description": options.description}
            if options.victim:
                fields["affected_user"] = options.victim
            made = call(box, "POST", "/incidents", json=fields, headers={"Idempotency-Key": new_id()})
            print(f"{made['incident']['id']}  {made['state']}")
        else:
            answer = call(box, "PATCH", f"/incidents/{options.id}",
                          json={"action": options.action, "note": options.note})
            print(f"{options.id}  {answer['state']}")
    return 0
