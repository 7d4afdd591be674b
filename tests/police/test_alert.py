"""What the police's contact reads: what is on the ledger, and nobody's name."""

from datetime import timedelta

from cloud.database import site
from cloud.database.telling import alerts, deliveries
from cloud.notify.dispatch import Desk, dispatch_once
from contract.delivery import SiteContacts
from contract.moments import from_text
from contract.ports import Accepted
from contract.profile import Contact
from police.letter import letter
from tests.police.conftest import put_entry


class Phone:
    def __init__(self):
        self.arrived = []

    def send(self, alert):
        self.arrived.append(alert)
        return Accepted(f"SM{len(self.arrived)}")

    def find(self, alert):
        return None


def test_severity_time_site_and_the_link(database):
    entry = put_entry(database)
    with database.read() as session:
        [delivery] = deliveries.for_subject(session, entry)
        at = from_text(delivery.updated_at)
        alert = letter(session, delivery, "https://p/a/1", at)
        late = letter(session, delivery, "https://p/a/1", at + timedelta(hours=3))
    assert alert.text.splitlines() == [
        "New entry from Campus North (critical)", "Entry: 1", f"Received: {at:%Y-%m-%d %H:%M:%S} UTC",
        "Answer: https://p/a/1"]
    assert alert.title == "New entry from Campus North (critical)" and "LATE: this comes 3 h" in late.text


def test_each_is_told_once(database, clock):
    entries = [put_entry(database) for _ in range(12)]
    phone = Phone()
    desk = Desk(database, {"sms": phone}, clock, lambda delivery: f"https://p/a/{delivery}", letter)
    while dispatch_once(desk):
        pass
    assert len(phone.arrived) == 12
    with database.read() as session:
        assert {deliveries.for_subject(session, entry)[0].state for entry in entries} == {"accepted"}


def test_an_alert_that_failed_is_named_by_its_entry(database):
    entry = put_entry(database)
    with database.write() as session:
        site.keep(session, SiteContacts(security=(Contact(channel="email", address="chief@police.example"),)), "test")
        [delivery] = deliveries.for_subject(session, entry)
        failed = deliveries.settle(session, delivery.id, "failed", reason="code 21211")
        [report] = alerts.tell_of_failure(session, failed)
        said = letter(session, report, "https://p/a/2", from_text(report.updated_at)).text
    assert "entry 1 from Campus North (critical)" in said and "police (police) by sms: code 21211" in said
