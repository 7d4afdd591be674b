"""A box as the cloud sees it: a key, a chain and the messages it sends."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.database import boxes
from cloud.database.engine import Database
from cloud.database.tables.site import BoxRow
from contract.chain import GENESIS, Entry, commitment, new_salt, public_key_text, sign_entry
from contract.delivery import Notice
from contract.ids import new_id
from contract.incident import Action, Incident, Involved, LogRecord
from contract.messages import (
    ActionRecorded,
    IncidentRecorded,
    LogRecorded,
    NoticeMade,
    ProfileChanged,
    ProfileCreated,
    ProfileErased,
    Up,
    make_up,
)
from contract.model import Model
from contract.moments import now
from contract.profile import Contact, Profile, ProfileChange


class SimulatedBox:
    def __init__(self, name: str = "gate-1") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.sequence, self.previous = 0, GENESIS

    def register(self, database: Database, state: str = "active") -> "SimulatedBox":
        with database.write() as session:
            boxes.register(
                session,
                BoxRow(
                    id=self.name,
                    name=self.name,
                    public_key=public_key_text(self.key),
                    state=state,
                    claimed_at=now(),
                ),
                "test",
            )
        return self

    def up(self, body: Model) -> Up:
        return make_up(self.name, new_id(), now(), body)

    def incident(self, severity: str = "high", people: tuple[str, ...] = (), **fields) -> Up:
        values = {
            "id": new_id(),
            "device": self.name,
            "sequence": self.sequence + 1,
            "kind": "fall",
            "severity": severity,
            "at": now(),
            "location": "North gate",
            "people": tuple(Involved(person=p, part="victim", confidence=0.9) for p in people),
        }
        incident = Incident(**{**values, **fields})
        return self.up(IncidentRecorded(incident=incident, **self.chained("incident", incident)))

    def action(self, incident_id: str, verb: str = "acknowledge") -> Up:
        action = Action(id=new_id(), incident=incident_id, verb=verb, by="Guard", at=now())
        return self.up(ActionRecorded(action=action, **self.chained("action", action)))

    def log(self, severity: str = "medium") -> Up:
        record = LogRecord(
            id=new_id(),
            device=self.name,
            at=now(),
            location="Lab",
            kind="manual",
            severity=severity,
            by="Guard",
        )
        return self.up(LogRecorded(log=record, **self.chained("log", record)))

    def notice(self, *users: str) -> Up:
        return self.up(
            NoticeMade(
                notice=Notice(
                    id=new_id(),
                    device=self.name,
                    users=users,
                    description="Come",
                    location="Office",
                    at=now(),
                    by="Guard",
                )
            )
        )

    def created(self, profile: Profile) -> Up:
        return self.up(ProfileCreated(profile=profile, by="Guard"))

    def changed(self, profile_id: str, **change) -> Up:
        return self.up(ProfileChanged(profile_id=profile_id, change=ProfileChange(**change), by="Guard"))

    def erased(self, profile_id: str) -> Up:
        return self.up(ProfileErased(profile_id=profile_id, by="Guard"))

    def chained(self, record_type: str, record: Model) -> dict:
        """Salt and signed entry, one further in the chain."""
        salt = new_salt()
        self.sequence += 1
        entry = Entry(
            device=self.name,
            sequence=self.sequence,
            previous=self.previous,
            record_type=record_type,
            record_id=record.id,
            commitment=commitment(record, salt),
            at=now(),
        )
        self.previous = entry.hash()
        return {"salt": salt, "entry": sign_entry(entry, self.key)}


def person(name: str = "Ada", number: int | None = None, **fields) -> Profile:
    """A profile; with `number` one that has a telephone."""
    contacts = () if number is None else (Contact(channel="sms", address=f"+49151{number:08d}"),)
    return Profile(**{"id": new_id(), "name": name, "contacts": contacts, **fields})
