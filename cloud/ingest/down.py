"""The way down: what a box has asked for, and whether what it holds is what it should hold."""

from sqlmodel import Session

from cloud.database import boxes, changes, meta
from cloud.database.down import feed
from cloud.database.engine import Database
from cloud.database.people import profiles
from contract.digests import digest_of_all
from contract.messages import Changes, Latest, Pull, Status, decode


class Downlink:
    """Answers pulls and heartbeats. Keeps the digest of all profiles until one changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._digest: tuple[int, str] | None = None

    def pull(self, box: str, payload: bytes) -> Changes | None:
        """Return the next changes for this box; None when it may not speak. Raises Rejected for what is not a Pull."""
        wanted = decode(Pull, payload)
        with self._database.read() as session:
            if boxes.active(session, box) is None:
                return None
            return feed.changes_for(session, box, wanted.cursor, wanted.limit)

    def status(self, box: str, payload: bytes) -> Latest | None:
        """Note a heartbeat. The newest revision when the box is behind it, to be told again; else None. Raises
        Rejected for what is not a Status."""
        status = decode(Status, payload)
        with self._database.read() as session:
            if boxes.active(session, box) is None:
                return None
            latest = self._latest(session, box)
            agrees = self._agrees(session, box, status)
        with self._database.write() as session:
            boxes.heard(session, box, status, agrees)
        return latest if status.cursor < latest.revision else None

    def latest(self) -> dict[str, Latest]:
        """Return active box -> its newest revision."""
        with self._database.read() as session:
            return {
                box.id: self._latest(session, box.id) for box in boxes.every(session) if box.state == "active"
            }

    def _latest(self, session: Session, box: str) -> Latest:
        return Latest(revision=changes.latest_for(session, box), epoch=meta.epoch(session))

    def _agrees(self, session: Session, box: str, status: Status) -> bool | None:
        newest = changes.latest_for(session, box, "profile")
        # Only where the box has applied all and has nothing of its own on the way can the two be the same.
        if status.waiting or status.cursor < newest:
            return None
        if self._digest is None or self._digest[0] != newest:
            self._digest = (newest, digest_of_all(profiles.everyone(session)))
        return status.profiles_digest == self._digest[1]
