"""A campus whose ledger is a Fabric network, on which the cloud's own worker writes."""

from pathlib import Path

from cloud.database.tables.ledger import AnchorRow, LedgerJobRow
from cloud.ledger.audit.fabric_books import FabricBooks
from cloud.ledger.audit.walk import Audit
from cloud.ledger.fabric_inclusion import Roots, inclusions_of
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.ledger import Anchor, FabricInclusion, LedgerRecord
from contract.moments import now
from tests.support.campus import Campus
from tests.support.ground import Client, Ground
from tests.support.ledgers import fabric_ledger, put


class FabricCampus(Campus):
    """`recorder` writes on the general channel beside the worker."""

    def __init__(self, home: Path, ground: Ground) -> None:
        super().__init__(home)
        self.ledger.close()
        self.ledger, self.ground = fabric_ledger(ground), ground
        self.recorder = Client(ground, "campus", "recorder", "general")
        # Other tests write on the same network: what the audit says of them is nothing of ours.
        self._others = set(self._kinds())

    def batch(self, records: list[LedgerRecord], kept: int) -> str:
        """Past the worker: a batch on the general channel, of whose records the first `kept` are noted as there;
        returns its transaction."""
        anchor = put(self.ledger, "general", *records)
        for inclusion in self.ledger.prove(anchor, records)[:kept]:
            self.keep(inclusion, anchor.transaction)
        return anchor.transaction

    def proven(self, transaction: str, record: LedgerRecord) -> FabricInclusion:
        """What a transaction of the general channel says, whatever the peers say of it."""
        block = blocks.block_with(self.recorder.gateway, self.recorder.identity, "general", transaction)
        position = block.transactions.index(transaction)
        return inclusions_of(block, position, "general", [record], Roots(self.ground.home / "roots"))[0]

    def keep(self, inclusion: FabricInclusion, transaction: str) -> None:
        """The database says that the record is anchored, with this proof."""
        anchor = Anchor(channel=inclusion.channel, transaction=transaction, block=inclusion.block.number, at=now())
        with self.database.write() as session:
            session.merge(AnchorRow(record_id=inclusion.record.id, channel=inclusion.channel,
                                    anchor=anchor.model_dump_json(), inclusion=inclusion.model_dump_json()))
            session.get_one(LedgerJobRow, (inclusion.record.id, inclusion.channel)).state = "anchored"

    def books(self) -> FabricBooks:
        return FabricBooks(ConnectionProfile.read(self.ground.profile("campus")))

    def audit(self, *exports: Path, **how) -> Audit:
        return Audit(self.database, how.pop("books"), exports, **{"patience_s": -60, **how})

    def kinds(self, *exports: Path, **how) -> list[tuple[str, str]]:
        return [found for found in self._kinds(*exports, **how) if found not in self._others]

    def close(self) -> None:
        self.recorder.gateway.close()
        super().close()

    def _kinds(self, *exports: Path, **how) -> list[tuple[str, str]]:
        books = self.books()
        try:
            return super().kinds(*exports, books=books, **how)
        finally:
            books.close()
