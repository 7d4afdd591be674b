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
import json
import os
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from appliance.config import BoxConfig
from appliance.store.export import export_chain
from appliance.sync.keys import box_key
from cloud.config import CloudConfig
from cloud.database.ledger.pins import start_over
from cloud.database.opening import open_existing
from cloud.ledger.audit.books import Books
from cloud.ledger.audit.opening import open_books
from cloud.ledger.audit.walk import Audit
from contract.config import read_config
from contract.errors import Rejected, Unavailable
from contract.moments import now

BAR = 30
EVERY_S = 0.2


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
    return {"export": _export, "audit": _audit, "start-over": _start_over}[options.action](options)


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


def _audit(options: argparse.Namespace) -> int:
    config = read_config(options.config, CloudConfig)
    bar, count = _Bar(), 0
    with ExitStack() as stack:
        database = stack.enter_context(closing(open_existing(config.database_url())))
        audit = Audit(database, _books(config, stack), options.chain, bar.show, patience_s=config.ledger.patience_s())
        for finding in audit.findings():
            count += 1
            bar.clear()
            print(finding.model_dump_json(exclude={"key"}) if options.json else finding.line(), flush=True)
    bar.clear()
    print(_summary(audit, count, options.json))
    return 1 if count else 3 if audit.unavailable else 0


def _start_over(options: argparse.Namespace) -> int:
    config = read_config(options.config, CloudConfig)
    if not options.yes:
        raise Rejected("every record would be written on the ledger again, and the old network no longer be known",
                       hint="if it was replaced on purpose: the same with --yes")
    with closing(open_existing(config.database_url())) as database:
        count = start_over(database)
    print(f"{count} places of records are queued; start the cloud: the next ledger it meets is the one it keeps")
    return 0


def _summary(audit: Audit, count: int, as_json: bool) -> str:
    if as_json:
        return json.dumps({"findings": count, "checked": audit.checked, "waiting": audit.waiting,
                           "unavailable": audit.unavailable})
    checked = ", ".join(f"{number} {what}" for what, number in audit.checked.items())
    lines = [f"{checked}; {audit.waiting} on their way", *(f"not asked: {why}" for why in audit.unavailable),
             "all agree" if not count and not audit.unavailable else f"{count} gaps or differences"]
    return "\n".join(lines)


def _books(config: CloudConfig, stack: ExitStack) -> Books | Unavailable:
    try:
        return stack.enter_context(open_books(config.home, config.ledger.profile))
    except Unavailable as error:
        return error


class _Bar:
    """A progress bar on the terminal, and nothing where there is none."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._shown = 0.0

    def show(self, what: str, done: int, total: int) -> None:
        """`total` 0: unknown."""
        if not self._on or time.monotonic() - self._shown < EVERY_S:
            return
        self._shown = time.monotonic()
        full = BAR * done // max(total, done)
        bar = f"[{'#' * full}{'.' * (BAR - full)}] {done} of {total}" if total else f"{done}"
        print(f"\r\x1b[K{bar} {what}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for a line."""
        if self._on and self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
