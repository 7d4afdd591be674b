"""Audit the ledger against boxes and cloud, or go on with another ledger.

  sentrybox ledger export --config box.toml --out gate.chain     on a box: its whole chain, as JSON lines
  sentrybox ledger audit --config cloud.toml                     in the cloud: every chain, row and ledger entry
  sentrybox ledger audit --config cloud.toml --chain gate.chain --chain roof.chain
  sentrybox ledger start-over --config cloud.toml --yes          a Fabric network was replaced: write all anew

The audit walks each box's chain as the cloud received it (and as the box itself exported it, with --chain), the cloud's
records and the ledger, and names every gap and every difference, each with what to do. It changes nothing and may run
beside the cloud. docs/audit.md explains each finding. `start-over` wants the cloud stopped; docs/fabric.md says when.

Exit status: 0 all agree; 1 there are findings; 3 something could not be asked, and what could be asked agrees.
"""

import argparse
import importlib
from pathlib import Path

# Each is imported when it is asked for: a box has not what the cloud's need, nor the cloud what the box's needs.
ACTIONS = {"export": "ledger_export", "audit": "ledger_audit", "start-over": "ledger_start_over"}


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write a box's whole chain out; no names, no salts, no records")
    export.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to write; absent: standard output")
    audit = actions.add_parser("audit", help="compare boxes' chains, the cloud's records and the ledger")
    audit.add_argument("--config", type=Path, required=True, help="the cloud's TOML file")
    audit.add_argument("--chain", type=Path, metavar="FILE", action="append", default=[],
                       help="a box's own export, to compare too (may be repeated)")
    audit.add_argument("--json", action="store_true", help="one JSON object a line: findings, then the summary")
    again = actions.add_parser("start-over", help="forget which Fabric network it was; every record is written anew")
    again.add_argument("--config", type=Path, required=True, help="the cloud's TOML file; the cloud itself is stopped")
    again.add_argument("--yes", action="store_true", help="yes, the network was replaced on purpose")


def run(options: argparse.Namespace) -> int:
    module = importlib.import_module(f"sentrybox.{ACTIONS[options.action]}")
    return int(module.run(options))
