"""The box's chain of signed entries, and where each record stands on its way to the ledger."""

import json
import logging
import sqlite3
from typing import Any, NamedTuple, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.connection import Connection, Write
from contract.chain import (
    GENESIS,
    Entry,
    RecordType,
    SignedEntry,
    check_chain,
    commitment,
    new_salt,
    public_key_text,
    sign_entry,
)
from contract.errors import NotFound, Unavailable
from contract.events import Event
from contract.incident import Action, Incident, LogRecord
from contract.ledger import INCLUSION, Anchor, LedgerStatus
from contract.messages import AnchorPut
from contract.policy import Organisation, channels_shown_to
from contract.proof.document import RECORDS, Proof
from contract.views import LedgerState

log = logging.getLogger(__name__)

SELECT_RECORD = {"incident": "SELECT content FROM incidents WHERE id = ?",
                 "action": "SELECT content FROM actions WHERE id = ?",
                 "log": "SELECT content FROM logs WHERE id = ?"}


class Sealed(NamedTuple):
    """A record's entry and the salt of its commitment."""

    entry: SignedEntry
    salt: str


class Chain:
    """Appends in the transaction of the record, reads and proves."""

    def __init__(self, connection: Connection, device: str, key: Ed25519PrivateKey) -> None:
        self._connection, self._device, self._key = connection, device, key

    def next_sequence(self, write: Write) -> int:
        """Return the sequence the next entry will have."""
        return int(write.execute("SELECT coalesce(max(sequence), 0) + 1 FROM entries").fetchone()[0])

    def append(self, write: Write, kind: RecordType, record: Incident | Action | LogRecord, at: str) -> Sealed:
        """Sign the record into the chain."""
        last = write.execute("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        sequence, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
        salt = new_salt()
        signed = sign_entry(Entry(device=self._device, sequence=sequence, previous=previous, record_type=kind,
                                  record_id=record.id, commitment=commitment(record, salt), at=at), self._key)
        write.execute("INSERT INTO entries (sequence, record_type, record_id, hash, salt, signed) VALUES (?,?,?,?,?,?)",
                      (sequence, kind, record.id, signed.entry.hash(), salt, signed.model_dump_json()))
        return Sealed(signed, salt)

    def state(self, db: Any, record_id: str) -> LedgerState:
        """Return where the record stands. Raises NotFound."""
        row = db.execute("SELECT signed, hash, committed_at, reason, anchors, ledger_status, ledger_reason "
                         "FROM entries WHERE record_id = ?", (record_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no record {record_id} in this box's chain")
        signed, digest, committed_at, refused, anchors, status, reason = row
        # The cloud's word counts, until it has one: whether the record got there at all.
        status, reason = (status, reason) if status else ("parked" if refused else "recorded", refused)
        return LedgerState(status=cast(LedgerStatus, status), entry=SignedEntry.model_validate_json(signed),
                           entry_hash=digest, committed_at=committed_at,
                           anchors=tuple(Anchor(**anchor) for anchor in json.loads(anchors)),
                           reason=reason)

    def committed(self, write: Write, record_id: str, at: str) -> None:
        """Note that the cloud has it."""
        write.execute("UPDATE entries SET committed_at = coalesce(committed_at, ?), reason = '' WHERE record_id = ?",
                      (at, record_id))

    def refused(self, write: Write, record_id: str, reason: str) -> None:
        """Note that the cloud, or the way there, will not take it."""
        write.execute("UPDATE entries SET reason = ? WHERE record_id = ? AND committed_at IS NULL", (reason, record_id))

    def anchored(self, write: Write, put: AnchorPut) -> None:
        """Store what the cloud and the ledgers say, the newest per channel. A record that is not ours is ignored."""
        row = write.execute("SELECT anchors, inclusions FROM entries WHERE record_id = ?", (put.record_id,)).fetchone()
        if row is None:
            log.warning("the cloud tells of an anchor of %s, which is not a record of this box", put.record_id)
            return
        anchors = {anchor["channel"]: anchor for anchor in json.loads(row[0])}
        anchors.update({anchor.channel: anchor.model_dump(mode="json") for anchor in put.anchors})
        stored = (INCLUSION.validate_python(inclusion) for inclusion in json.loads(row[1]))
        inclusions = {i.channel: i.model_dump(mode="json") for i in (*stored, *put.inclusions)}
        write.execute("UPDATE entries SET anchors = ?, inclusions = ?, ledger_status = ?, ledger_reason = ? "
                      "WHERE record_id = ?", (json.dumps(list(anchors.values())), json.dumps(list(inclusions.values())),
                                              put.status, put.reason, put.record_id))
        write.emit(Event("anchor", put.record_id))

    def page(self, after: int, limit: int) -> list[SignedEntry]:
        """Return entries with sequence > after, in order."""
        with self._connection.read() as db:
            rows = db.execute("SELECT signed FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?",
                              (after, limit)).fetchall()
        return [SignedEntry.model_validate_json(row[0]) for row in rows]

    def check(self) -> int:
        """Walk the whole chain; return how many entries fit. Raises Rejected at the first that does not."""
        count, previous = 0, GENESIS
        while batch := self.page(count, 500):
            count += check_chain(batch, public_key_text(self._key), previous=previous, sequence=count)
            previous = batch[-1].entry.hash()
        return count

    def proof(self, record_id: str, organisation: Organisation | None) -> Proof:
        """Return the proof to export, for a reader of this police organisation, None: of the site.

        Raises NotFound; Unavailable while no ledger the reader may see has the record."""
        with self._connection.read() as db:
            row = db.execute("SELECT record_type, salt, signed, inclusions FROM entries WHERE record_id = ?",
                             (record_id,)).fetchone()
            if row is None:
                raise NotFound(f"there is no record {record_id} in this box's chain")
            kind, salt, signed, stored = row
            record = _record(db, kind, record_id)
        inclusions = (INCLUSION.validate_python(inclusion) for inclusion in json.loads(stored))
        visible = tuple(i for i in inclusions if i.channel in channels_shown_to(organisation))
        if not visible:
            raise Unavailable(f"record {record_id} is not anchored on a ledger yet", hint="ask again later")
        return Proof(record=record, salt=salt, entry=SignedEntry.model_validate_json(signed),
                     box_key=public_key_text(self._key), inclusions=visible)


def _record(db: sqlite3.Connection, kind: str, record_id: str) -> Incident | Action | LogRecord:
    row = db.execute(SELECT_RECORD[kind], (record_id,)).fetchone()
    if row is None:
        raise NotFound(f"the record {record_id} is no longer on this box")
    return RECORDS[kind].model_validate_json(row[0])
