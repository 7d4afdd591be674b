"""The outbox, of what the cloud has to be told: rows written with the facts, forgotten only after the cloud's receipt.
"""

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import TypeAdapter

from appliance.store.build import rejection
from appliance.store.chain import Chain
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write, get_meta, set_meta
from appliance.store.limits import UPKEEP
from contract.canonical import canonical_bytes
from contract.errors import NotFound, Rejected
from contract.events import Event
from contract.ids import new_id
from contract.messages import Body, Parcel, Receipt, Up, encode, make_up
from contract.moments import from_epoch

URGENT, SOON, NORMAL, BULK = range(4)
"""Priorities. URGENT rows go newest first, all others oldest first: after days offline the guards' present counts."""
PEOPLE_LANE = "people"
WANTED = "wanted"
"""Value of meta.resync: fetch everybody anew."""
PATIENCE = 8
"""After so many tries a row no longer holds back the rows of its lane."""
SHORT_PATIENCE = 2
"""After so many tries an edit of a person no longer holds back what happened to them: an alert is worth more."""
BACK_OFF_S = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 600.0)
RECORDS = {"incident", "action", "log"}
PROFILE_KINDS = ("profile_created", "profile_changed", "profile_erased")
BODY: TypeAdapter[Body] = TypeAdapter(Body)

Expand = Callable[[dict[str, object]], dict[str, object]]
"""Fills a stored body whose bulk lies in a file. Raises NotFound when the file is gone."""


class Parked(NamedTuple):
    """A row that will not be sent again by itself, and why."""

    id: str
    kind: str
    subject: str
    made_at: str
    reason: str


class Outbox:
    """`expand` reads back the part of a body that is kept in a file."""

    def __init__(self, connection: Connection, box: str, chain: Chain, clock: Clock, expand: Expand) -> None:
        self._connection, self._box, self._chain, self._clock = connection, box, chain, clock
        self._expand = expand

    def put(self, write: Write, body: Body, subject: str, priority: int, *, lane: str | None = None) -> None:
        """Queue in the caller's transaction. Raises Rejected when the message would be too large for the wire."""
        made_at = instant(self._clock)
        up = make_up(self._box, new_id(int(self._clock() * 1000)), made_at, body)
        encode(up)
        stored = canonical_bytes(body.model_dump(mode="json")).decode()
        self._insert(write, up.id, body.type, subject, priority, lane, up.hash, stored, made_at)

    def put_once(self, write: Write, row_id: str, kind: str, subject: str, stored: dict[str, object]) -> None:
        """Queue bulk under a derived id, unless it is queued already; `stored` is what `expand` will fill."""
        self._insert(write, row_id, kind, subject, BULK, None, None, json.dumps(stored), instant(self._clock))

    def _insert(self, write: Write, row_id: str, kind: str, subject: str, priority: int, lane: str | None,
                digest: str | None, stored: str, made_at: str) -> None:
        row = write.execute("INSERT OR IGNORE INTO outbox (id, kind, subject, lane, rank, hash, body, made_at) "
                            "VALUES (?,?,?,?,0,?,?,?)", (row_id, kind, subject, lane, digest, stored, made_at))
        if row.rowcount:
            number = int(row.lastrowid or 0)
            rank = (priority << 48) + ((1 << 47) - number if priority == URGENT else number)
            write.execute("UPDATE outbox SET rank = ? WHERE seq = ?", (rank, number))
            write.emit(Event("sync", "outbox"))

    def people_first(self, write: Write, record_id: str) -> None:
        """Send edits ahead of a record, for the cloud can only tell the friends of somebody it knows: edits of the
        people a record concerns (and those made before them) go up ahead of everything else.
        """
        last = write.execute("SELECT max(seq) FROM concerns JOIN outbox ON subject = person WHERE record = ? "
                             "AND open = 1 AND lane = ?", (record_id, PEOPLE_LANE)).fetchone()[0]
        if last is not None:
            write.execute("UPDATE outbox SET rank = seq WHERE open = 1 AND lane = ? AND seq <= ?", (PEOPLE_LANE, last))

    def due(self, limit: int) -> list[Parcel]:
        """Return the rows to send now, most urgent first. What cannot be sent at all is parked on the way."""
        now = self._clock()
        with self._connection.read() as db:
            # A row put off beyond the longest pause was put off by a clock that has since been set back.
            rows = db.execute(
                "SELECT id, kind, hash, body, made_at, attempts FROM outbox AS mine WHERE open = 1 "
                "AND (not_before <= ?1 OR not_before > ?1 + ?2) AND NOT EXISTS (SELECT 1 FROM outbox AS before "
                "WHERE before.open = 1 AND before.lane = mine.lane AND before.seq < mine.seq "
                "AND before.attempts < ?3) AND NOT EXISTS (SELECT 1 FROM concerns JOIN outbox AS edit "
                "ON edit.subject = person WHERE record = mine.subject AND mine.kind IN ('incident', 'notice') "
                "AND edit.open = 1 AND edit.seq < mine.seq AND edit.attempts < ?4 AND edit.lane = ?5) "
                "ORDER BY rank LIMIT ?6",
                (now, BACK_OFF_S[-1], PATIENCE, SHORT_PATIENCE, PEOPLE_LANE, limit)).fetchall()
        parcels = []
        for row_id, kind, digest, stored, made_at, attempts in rows:
            try:
                parcels.append(self._parcel(row_id, kind, digest, stored, made_at, attempts))
            except (Rejected, NotFound) as error:
                self.park(row_id, f"cannot be sent: {error}")
            except ValueError as error:
                self.park(row_id, f"cannot be sent: {rejection(error)}")
        return parcels

    def _parcel(self, row_id: str, kind: str, digest: str | None, stored: str, made_at: str,
                attempts: int) -> Parcel:
        content = json.loads(stored)
        body = BODY.validate_python(self._expand(content) if kind == "evidence" else content)
        up: Up = make_up(self._box, row_id, made_at, body)
        return Parcel(row_id, up.hash, encode(up), attempts)

    def sent(self, parcels: Iterable[Parcel]) -> None:
        """Note rows that were handed to the broker: try again after a pause unless a receipt comes first."""
        now = self._clock()
        with self._connection.write(UPKEEP) as write:
            write.executemany(
                "UPDATE outbox SET state = 'sent', hash = ?, attempts = attempts + 1, not_before = ? "
                "WHERE id = ? AND open = 1",
                [(p.hash, now + BACK_OFF_S[min(p.attempts, len(BACK_OFF_S) - 1)], p.id) for p in parcels])

    def hurry(self) -> None:
        """Let everything still open go at once: the connection is new."""
        with self._connection.write(UPKEEP) as write:
            write.execute("UPDATE outbox SET not_before = 0 WHERE open = 1 AND not_before > 0")

    def park(self, row_id: str, reason: str) -> None:
        """Take a row out of the way, visibly."""
        with self._connection.write(UPKEEP) as write:
            row = write.execute("SELECT kind, subject FROM outbox WHERE id = ?", (row_id,)).fetchone()
            if row is not None:
                self._park(write, row_id, str(row[0]), str(row[1]), reason)

    def _park(self, write: Write, row_id: str, kind: str, subject: str, reason: str) -> None:
        write.execute("UPDATE outbox SET state = 'parked', reason = ? WHERE id = ?", (reason, row_id))
        if kind in RECORDS:
            self._chain.refused(write, _record_of(write, row_id), reason)
            write.emit(Event("anchor", subject))
        if kind in PROFILE_KINDS:
            # The cloud refused an edit that is in force here: fetch its word on everybody anew.
            set_meta(write, "resync", WANTED)
        write.emit(Event("sync", "parked"))

    def receipts(self, receipts: Iterable[Receipt]) -> int:
        """Take the cloud's word for rows, all in one transaction; return how many were new. A receipt for another
        content or from a cloud of another epoch counts for nothing."""
        now, news = instant(self._clock), 0
        with self._connection.write(UPKEEP) as write:
            for receipt in receipts:
                epoch = get_meta(write, "epoch")
                row = write.execute("SELECT kind, subject, hash, state FROM outbox WHERE id = ?",
                                    (receipt.id,)).fetchone()
                if row is None or (epoch and epoch != receipt.epoch):
                    continue
                kind, subject, digest, state = row
                if state == "received" or digest != receipt.hash:
                    continue
                news += 1
                if receipt.result == "quarantined":
                    self._park(write, receipt.id, kind, subject, f"the cloud refused it: {receipt.reason}")
                    continue
                write.execute("UPDATE outbox SET state = 'received', received_at = ?, reason = '' WHERE id = ?",
                              (now, receipt.id))
                self._received(write, receipt.id, kind, subject, now)
        return news

    def _received(self, write: Write, row_id: str, kind: str, subject: str, now: str) -> None:
        if kind in RECORDS:
            self._chain.committed(write, _record_of(write, row_id), now)
            write.emit(Event("anchor", subject))
        if kind == "erasure_done":
            write.execute("UPDATE erasures SET cloud_confirmed_at = coalesce(cloud_confirmed_at, ?) "
                          "WHERE profile_id = ?", (now, subject))
            write.emit(Event("profile", subject))

    def offer_again(self, write: Write) -> None:
        """Send everything again: a cloud restored from a backup may have lost what it had received."""
        write.execute("UPDATE outbox SET state = 'waiting', attempts = 0, not_before = 0 WHERE state = 'received'")

    def parked(self, limit: int = 100) -> list[Parked]:
        """Return rows that need somebody's eyes, newest first."""
        with self._connection.read() as db:
            rows = db.execute("SELECT id, kind, subject, made_at, reason FROM outbox WHERE state = 'parked' "
                              "ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
        return [Parked(*row) for row in rows]

    def release(self, row_id: str) -> None:
        """Send a parked row after all. Raises NotFound."""
        with self._connection.write(UPKEEP) as write:
            done = write.execute("UPDATE outbox SET state = 'waiting', attempts = 0, not_before = 0, reason = '' "
                                 "WHERE id = ? AND state = 'parked'", (row_id,))
            if not done.rowcount:
                raise NotFound(f"no parked row {row_id}")
            write.emit(Event("sync", "outbox"))

    def waiting(self) -> int:
        """Return how many rows the cloud has not confirmed yet."""
        with self._connection.read() as db:
            return int(db.execute("SELECT count(*) FROM outbox WHERE open = 1").fetchone()[0])

    def reclaim(self, write: Write) -> int:
        """Forget the oldest confirmed rows to make room; return how many."""
        return int(write.execute("DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE state = 'received' "
                                 "ORDER BY received_at LIMIT 500)").rowcount)

    def forget(self, write: Write, days: float) -> None:
        """Forget rows confirmed more than `days` ago."""
        write.execute("DELETE FROM outbox WHERE state = 'received' AND received_at < ?",
                      (from_epoch(self._clock() - days * 86400),))


def _record_of(write: Write, row_id: str) -> str:
    """Return the id of the record a row carries (an action's subject is its incident)."""
    kind, subject, body = write.execute("SELECT kind, subject, body FROM outbox WHERE id = ?", (row_id,)).fetchone()
    return str(json.loads(body)["action"]["id"]) if kind == "action" else str(subject)


def pending_changes(db: Write, profile_id: str) -> list[dict[str, object]]:
    """Return the bodies of the edits of this person that the cloud has not confirmed, oldest first."""
    rows = db.execute("SELECT body FROM outbox WHERE subject = ? AND open = 1 AND kind IN "
                      "('profile_created', 'profile_changed', 'profile_erased') ORDER BY seq", (profile_id,)).fetchall()
    return [json.loads(row[0]) for row in rows]
