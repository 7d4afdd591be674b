"""`sentrybox ledger audit`: boxes' chains, the cloud's records and the ledger compared."""

import argparse
import json
import sys
import time
from contextlib import ExitStack, closing

from cloud.config import CloudConfig
from cloud.database.opening import open_existing
from cloud.ledger.audit.books import Books
from cloud.ledger.audit.opening import open_books
from cloud.ledger.audit.walk import Audit
from contract.config import read_config
from contract.errors import Unavailable

BAR = 30
EVERY_S = 0.2


def run(options: argparse.Namespace) -> int:
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
