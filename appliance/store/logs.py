"""Free statements of people for the ledger."""

from appliance.store.build import build
from appliance.store.chain import Chain
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection
from appliance.store.idempotency import remember, seen
from appliance.store.limits import RECORDS
from appliance.store.outbox import NORMAL, Outbox
from contract.errors import NotFound
from contract.ids import new_id
from contract.incident import Kind, LogRecord, Severity
from contract.messages import LogRecorded
from contract.views import LogView


class Logs:
    """Each is a link of the box's chain."""

    def __init__(self, connection: Connection, chain: Chain, outbox: Outbox, box: str, clock: Clock) -> None:
        self._connection, self._chain, self._outbox = connection, chain, outbox
        self._box, self._clock = box, clock

    def record(self, *, at: str, location: str, kind: Kind, severity: Severity, description: str, by: str,
               key: str | None = None) -> tuple[LogView, bool]:
        """Return the record, and False when the key had led to it before. Raises Conflict, Rejected."""
        record = build(LogRecord, id=new_id(int(self._clock() * 1000)), device=self._box, at=at, location=location,
                       kind=kind, severity=severity, description=description, by=by)
        content = record.model_dump(mode="json", exclude={"id"})
        with self._connection.write(RECORDS) as write:
            known = seen(write, "log", key, content)
            if known is None:
                write.execute("INSERT INTO logs VALUES (?,?)", (record.id, record.model_dump_json()))
                sealed = self._chain.append(write, "log", record, instant(self._clock))
                body = LogRecorded(log=record, salt=sealed.salt, entry=sealed.entry)
                self._outbox.put(write, body, record.id, NORMAL)
                remember(write, "log", key, content, record.id, self._clock)
        return self.get(known or record.id), known is None

    def get(self, log_id: str) -> LogView:
        """Return a log record. Raises NotFound."""
        with self._connection.read() as db:
            row = db.execute("SELECT content FROM logs WHERE id = ?", (log_id,)).fetchone()
            if row is None:
                raise NotFound(f"there is no log record {log_id}")
            return LogView(log=LogRecord.model_validate_json(row[0]), ledger=self._chain.state(db, log_id))
