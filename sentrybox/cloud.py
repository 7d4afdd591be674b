"""Run the cloud. Without --part: ingest, worker and admin in one process (on SQLite, the default of the file).

  sentrybox cloud --config cloud.toml
  sentrybox cloud --config cloud.toml --part ingest     one part alone, on PostgreSQL; several may run at a time
"""

import argparse
from pathlib import Path

from cloud import app

PARTS = ("ingest", "worker", "admin")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the cloud's TOML file")
    parser.add_argument("--part", choices=PARTS, action="append", help="run only this part (may be repeated)")


def run(options: argparse.Namespace) -> int:
    return app.run(options.config, tuple(options.part or PARTS))
