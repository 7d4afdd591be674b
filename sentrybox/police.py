"""Run the police organisation's own process: it hears the police channel, tells its people and shows the entries.

  sentrybox police --config police.toml

The file's keys are explained in docs/configuration.md, the process in docs/police.md.
"""

import argparse
from pathlib import Path

from police import app


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the police's TOML file")


def run(options: argparse.Namespace) -> int:
    return app.run(options.config)
