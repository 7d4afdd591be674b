"""A cloud database with people in it, and a desk to send from."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud.database import meta, site
from cloud.database.boxes import register
from cloud.database.opening import connect
from cloud.database.people.profiles import ProfileTable
from cloud.database.tables.site import BoxRow
from cloud.database.telling import deliveries
from cloud.notify.dispatch import Desk
from cloud.notify.letter import letter
from contract.delivery import SiteContacts
from contract.ids import new_id
from contract.moments import now
from contract.profile import Contact, Profile

SECURITY = Contact(channel="sms", address="+4915100000001")
SECURITY_MAIL = Contact(channel="email", address="security@example.org")
POLICE = Contact(channel="sms", address="+4915100000110")


@pytest.fixture
def database(tmp_path):
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    with database.write() as session:
        meta.ensure_epoch(session)
        site.put(session, SiteContacts(security=(SECURITY, SECURITY_MAIL), police=(POLICE,)), "test")
        register(session, BoxRow(id="roof-box", name="Roof", public_key="0" * 64, state="active", claimed_at=now()),
                 "test")
    yield database
    database.close()


@pytest.fixture
def victim(database):
    """A person whose one friend has a telephone, an app and a mailbox."""
    table = ProfileTable(database)
    friend = table.create(Profile(id=new_id(), name="Ben Example", contacts=(
        Contact(channel="sms", address="+4915112345678"), Contact(channel="push", address="device-token-1"),
        Contact(channel="email", address="ben@example.org"))), "test")
    return table.create(Profile(id=new_id(), name="Anna Example", friends=(friend.id,)), "test")


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC) + timedelta(seconds=60)

    def __call__(self) -> datetime:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(database, clock):
    """Makes a Desk over channels by name."""
    return lambda **channels: Desk(
        database, channels, clock, lambda d: f"https://cloud.example/a/{d.replace('-', '')}", letter)


@pytest.fixture
def all_of(database):
    """The deliveries of a subject, newest state."""
    def read(subject):
        with database.read() as session:
            return deliveries.for_subject(session, subject)
    return read
