"""An entry in the police log tells the police contact by itself, once."""

from cloud.database import site
from cloud.database.records import records
from cloud.database.telling import deliveries, releases
from cloud.notify.letter import letter
from cloud.notify.police import tell_police
from contract.delivery import SiteContacts
from contract.ids import new_id
from contract.incident import Incident, Involved, LogRecord
from contract.ledger import LedgerRecord
from contract.moments import from_text, now
from contract.policy import POLICE, Policy
from contract.ports import LedgerPage


class Log:
    """The one method of contract.ports.Ledger that this asks."""

    def __init__(self):
        self.records = []

    def page(self, channel, after, limit):
        assert channel == "police"
        return LedgerPage(list(enumerate(self.records))[after + 1:after + 1 + limit], None)

    def add(self, record_id):
        self.records.append(LedgerRecord(id=record_id, commitment="0" * 64, severity="critical"))


def test_each_entry_is_told_once(database, all_of):
    log = Log()
    ids = [new_id() for _ in range(3)]
    for record_id in ids:
        log.add(record_id)
    assert (tell_police(database, log, POLICE), tell_police(database, log, POLICE)) == (3, 0)
    assert [[(d.audience, d.address, d.state) for d in all_of(i)] for i in ids] == \
        [[("police", "+4915100000110", "pending")]] * 3
    log.add(new_id())
    assert tell_police(database, log, POLICE) == 1


def test_an_incident_that_has_told_the_police_is_not_told_again(database, all_of):
    incident = Incident(id=new_id(), device="roof-box", sequence=1, kind="fall", severity="critical", at=now(),
                        location="Pool")
    with database.write() as session:
        records.add_incident(session, incident)
        deliveries.plan_for_record(session, incident, Policy())
    before = all_of(incident.id)
    log = Log()
    log.add(incident.id)
    tell_police(database, log, POLICE)
    assert all_of(incident.id) == before and sum(d.audience == "police" for d in before) == 1


def test_without_a_police_contact_somebody_sees_it(database, all_of):
    with database.write() as session:
        site.put(session, SiteContacts(), "test")
    log = Log()
    log.add(new_id())
    tell_police(database, log, POLICE)
    [alarm] = all_of(log.records[0].id)
    assert alarm.state == "failed" and "no police contact" in alarm.reason


def test_the_police_read_no_name_before_a_person_of_the_campus_released_the_incident(database, victim, all_of):
    incident = Incident(id=new_id(), device="roof-box", sequence=1, kind="fall", severity="critical", at=now(),
                        location="Pool", people=(Involved(person=victim.id, part="victim", confidence=0.9),),
                        description="Anna fell from the board")
    with database.write() as session:
        records.add_incident(session, incident)
        deliveries.plan_for_record(session, incident, Policy())

    def texts() -> dict[str, str]:
        with database.read() as session:
            alerts = [(d.audience, letter(session, d, "https://c/a/1", from_text(now()))) for d in all_of(incident.id)]
        return {audience: f"{alert.title}\n{alert.text}" for audience, alert in alerts}

    before = texts()
    assert "Anna" not in before["police"] and "Fall (critical)" in before["police"] and "Pool" in before["police"]
    assert all("Anna Example (victim)" in before[audience] for audience in ("friends", "security"))
    with database.write() as session:
        releases.release(session, incident.id, POLICE, "grace")
    assert "Anna Example (victim)" in texts()["police"] and "fell from the board" in texts()["police"]
    with database.write() as session:
        releases.withdraw(session, incident.id, POLICE, "grace")
    assert "Anna" not in texts()["police"]


def test_the_words_for_a_log_record(database, all_of):
    record = LogRecord(id=new_id(), device="roof-box", at="2026-11-23T20:00:00Z", location="Gate", kind="tamper",
                       severity="critical", description="Lock forced", by="guard")
    with database.write() as session:
        records.add_log(session, record)
        deliveries.plan(session, record.id, (), ("police",), None)
        delivery = deliveries.for_subject(session, record.id)[0]
        withheld = letter(session, delivery, "https://c/a/1", from_text(record.at))
        releases.release(session, record.id, POLICE, "test")
        alert = letter(session, delivery, "https://c/a/1", from_text(record.at))
    assert withheld.text.splitlines() == [
        "Tampering (critical)", "Who and what: once the campus has released it", f"Record: {record.id}", "Where: Gate",
        "When: 2026-11-23 20:00:00 UTC", "Answer: https://c/a/1"]
    assert alert.text.splitlines() == [
        "New entry in the police log: Tampering (critical)", f"Record: {record.id}", "Where: Gate",
        "When: 2026-11-23 20:00:00 UTC", "Lock forced", "Answer: https://c/a/1"]
