"""Run the cloud. Without --part: ingest, worker and admin in one process (on SQLite, the default of the file).

  sentrybox cloud --config cloud.toml
  sentrybox cloud --config cloud.toml --part ingest     one part alone, on PostgreSQL; several may run at a time

`--part police` is the older way to say `sentrybox police`.
"""

import argparse
from pathlib import Path

from contract.errors import Rejected

PARTS = ("ingest", "worker", "admin")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the cloud's TOML file")
    parser.add_argument("--part", choices=(*PARTS, "police"), action="append",
                        help="run only this part (may be repeated, but for police)")


def run(options: argparse.Namespace) -> int:
    # Each has packages of its own, so only the one that is asked for is imported.
    parts = tuple(options.part or PARTS)
    if "police" not in parts:
        from cloud import app
        return app.run(options.config, parts)
    if set(parts) != {"police"}:
        raise Rejected("--part police runs alone: it belongs to another organisation, with a file of its own")
    from police import app as police_app
    return police_app.run(options.config)
