"""Run the box: cameras, recognition, rules, the store, the connection to the cloud, REST and the guards' pages.

  sentrybox box --config box.toml
  sentrybox box --config box.toml --claim CODE     join a cloud with the one-time code that its admin gave you

The file's keys are explained in docs/configuration.md; a wrong one is named with what is allowed.
"""

import argparse
from pathlib import Path

from appliance import app


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    parser.add_argument("--claim", metavar="CODE", help="one-time code: join the cloud named in the file, then run")


def run(options: argparse.Namespace) -> int:
    return app.run(options.config, claim_code=options.claim)
