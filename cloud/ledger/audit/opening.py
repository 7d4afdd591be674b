"""Opens the books of every ledger that a cloud has written on, for one audit; changes nothing."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from cloud.ledger.audit.books import Books, Shelf, TreeBooks
from cloud.ledger.audit.fabric_books import FabricBooks
from cloud.ledger.embedded import FILE, EmbeddedLedger
from cloud.ledger.gateway.failures import SetupError
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.errors import Rejected


@contextmanager
def open_books(home: Path, profile: Path | None) -> Iterator[Shelf]:
    """Open the books: `home` is where the embedded log lies, `profile` the connection profile of a Fabric network, if
    that is the ledger. Raises Rejected for a wrong profile, Unavailable when the embedded log cannot be opened.
    """
    with ExitStack() as stack:
        shelf: dict[str, Books] = {}
        if profile is not None:
            try:
                shelf["fabric"] = stack.enter_context(closing(FabricBooks(ConnectionProfile.read(profile))))
            except SetupError as error:
                raise Rejected(str(error)) from error
        if profile is None or (home / FILE).exists():
            shelf["tree"] = TreeBooks(stack.enter_context(closing(EmbeddedLedger(home, read_only=True))))
        yield Shelf(shelf)
