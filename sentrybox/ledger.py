"""Audit the ledger against boxes and cloud.

  sentrybox ledger export --config box.toml --out gate.chain     on a box: its whole chain, as JSON lines
  sentrybox ledger audit --config cloud.toml                     in the cloud: every chain, row and ledger entry
  sentrybox ledger audit --config cloud.toml --chain gate.chain --chain roof.chain

The audit walks each box's chain as the cloud received it (and as the box itself exported it, with --chain), the cloud's
records and the ledger, and names every gap and every difference, each with what to do. It changes nothing and may run
beside the cloud. docs/audit.md explains each finding.

Exit status: 0 all agree, 1 there are findings, 3 something could not be asked and the rest agrees.
"""

import argparse
import os
import sys
from pathlib import Path

from appliance.config import BoxConfig
from appliance.store.export import export_chain
from appliance.sync.keys import box_key
from contract.config import read_config
from contract.errors import Unavailable
from contract.moments import now


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write a box's whole chain out; no names, no salts, no records")
    export.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to write; absent: standard output")


def run(options: argparse.Namespace) -> int:
    return _export(options)


def _export(options: argparse.Namespace) -> int:
    config = read_config(options.config, BoxConfig)
    if not (config.home / "box.db").exists():
        raise Unavailable(f"there is no memory of a box in {config.home}", hint="start the box there once")
    key = box_key(config.home)
    if options.out is None:
        export_chain(config.home, config.box, key, now(), sys.stdout.buffer.write)
        sys.stdout.flush()
        return 0
    # Under its name only when it is whole.
    partial = options.out.with_name(options.out.name + ".part")
    try:
        with partial.open("wb") as file:
            count = export_chain(config.home, config.box, key, now(), file.write)
        os.replace(partial, options.out)
    except OSError as error:
        raise Unavailable(f"{options.out} cannot be written: {error.strerror}", hint="choose another place") from error
    finally:
        partial.unlink(missing_ok=True)
    print(f"{options.out}: {count} entries of box {config.box}")
    return 0
