"""Zones per camera."""

import json

from pydantic import TypeAdapter

from appliance.store.connection import Connection
from appliance.store.limits import EDITS
from contract.errors import Conflict
from contract.events import Event
from contract.zone import Zone

ZONES: TypeAdapter[tuple[Zone, ...]] = TypeAdapter(tuple[Zone, ...])


class Zones:
    """Revision 0 means that nobody has drawn any yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, camera: str) -> tuple[tuple[Zone, ...], int]:
        """Return zones and their revision."""
        with self._connection.read() as db:
            row = db.execute("SELECT content, revision FROM zones WHERE camera = ?", (camera,)).fetchone()
        return (ZONES.validate_json(row[0]), int(row[1])) if row else ((), 0)

    def put(self, camera: str, zones: tuple[Zone, ...], revision: int | None) -> int:
        """Return the new revision. Raises Conflict when `revision` is given and stale."""
        content = json.dumps(ZONES.dump_python(zones, mode="json"))
        with self._connection.write(EDITS) as write:
            row = write.execute("SELECT revision FROM zones WHERE camera = ?", (camera,)).fetchone()
            current = row[0] if row else 0
            if revision is not None and revision != current:
                raise Conflict(f"the zones of {camera} are at revision {current}, not {revision}",
                               hint="load them again and repeat the change")
            write.execute("INSERT INTO zones VALUES (?,?,?) ON CONFLICT (camera) DO UPDATE SET "
                          "revision = excluded.revision, content = excluded.content", (camera, current + 1, content))
            write.emit(Event("zones", camera))
        return int(current) + 1
