"""Talking to a running box over its public REST interface, for the commands of people."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import httpx

from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from sentrybox.cli import home

_ERRORS: dict[int, type[SentryboxError]] = {404: NotFound, 409: Conflict, 503: Unavailable, 507: Unavailable}


def access_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where the box is and who asks. Without them: the running demo's access.json."""
    parser.add_argument("--url", default=os.environ.get("SENTRYBOX_URL"), help="address of the box (or SENTRYBOX_URL)")
    parser.add_argument("--ca", type=Path, help="certificate authority of the box's HTTPS, when it is a private one")
    parser.epilog = ("The access token is read from SENTRYBOX_TOKEN. Without address and token those of the running "
                     "demo are used (its access.json).")


def client(options: argparse.Namespace) -> httpx.Client:
    """Return a client with address and token. Raises Rejected when either is nowhere to be found."""
    url, token = options.url, os.environ.get("SENTRYBOX_TOKEN")
    if url is None or token is None:
        path = home() / "access.json"
        try:
            access = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Rejected("no address or no token of a box",
                           hint="give --url and SENTRYBOX_TOKEN, or start the demo with `make run`") from error
        url, token = url or access["box"], token or access["tokens"]["box"]["admin"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60,
                        verify=str(options.ca) if options.ca else True, trust_env=False)


def call(box: httpx.Client, method: str, path: str, **how: Any) -> Any:
    """Return the JSON of an answer. Raises the contract's errors with what the box said."""
    try:
        response = box.request(method, path, **how)
    except httpx.TransportError as error:
        raise Unavailable(f"{box.base_url} does not answer: {error}", hint="is the box running?") from error
    if response.is_success:
        return response.json() if response.content else None
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    text = f"{response.status_code} {problem.get('title', response.reason_phrase)}: {problem.get('detail', '')}"
    text += "".join(f"\n  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in problem.items()
                    if key not in ("type", "title", "status", "detail", "instance"))
    raise _ERRORS.get(response.status_code, Rejected)(text)
