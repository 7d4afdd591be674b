"""What comes on the channel is kept once, told once and never lost, wherever the process dies."""

import time
from collections.abc import Callable

import grpc
import pytest
from sqlmodel import select

from cloud.database import site
from cloud.database.tables.telling import DeliveryRow
from cloud.database.telling import deliveries
from cloud.ledger.gateway.failures import GatewayError
from contract.delivery import SiteContacts
from police import listener as module
from police.database import acknowledgements, details, entries
from police.link import ChannelLink
from police.listener import EventSource, Listener
from tests.police.conftest import WAIT_S


def until(what: Callable[[], object]) -> None:
    """Wait until it is so; a listener that does not get there in WAIT_S never will."""
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture
def listening(database, channel, monkeypatch):
    """listening() starts a listener; all are stopped at the end."""
    monkeypatch.setattr(module, "PAUSE_S", 0.05)
    made: list[Listener] = []

    def start(link: ChannelLink | None = None) -> Listener:
        made.append(Listener(database, EventSource("Campus North", channel.open), link or ChannelLink(), lambda: None))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()
        assert not one.alive()


def ids(database) -> list[str]:
    with database.read() as session:
        return [row.id for row in entries.page(session, None, 100)][::-1]


def test_each_record_is_one_entry_with_all_that_follows_from_it(database, channel, listening):
    records = [channel.write(severity="high"), channel.write(), channel.write(same_block=True)]
    listening()
    until(lambda: len(ids(database)) == 3)
    assert ids(database) == records
    with database.read() as session:
        first = entries.get(session, records[0])
        told = [[(d.recipient, d.address, d.state) for d in deliveries.for_subject(session, one)] for one in records]
        states = [(acknowledgements.get(session, one).state, details.get(session, one).state)
                  for one in records]
    assert (first.number, first.campus, first.severity, first.block, first.transaction_id) == (
        1, "Campus North", "high", 1, channel.events[0].transaction)
    assert told == [[("police", "+4915100000110", "pending")]] * 3 and states == [("queued", "waiting")] * 3


def test_other_events_make_no_entry(database, channel, listening):
    channel.write("acknowledged")
    channel.write("batch")
    record = channel.write()
    listening()
    until(lambda: ids(database) == [record])


def test_a_restart_goes_on_behind_what_was_kept(database, channel, listening):
    records = [channel.write() for _ in range(2)]
    first = listening()
    until(lambda: len(ids(database)) == 2)
    first.stop()
    records += [channel.write() for _ in range(3)]
    listening()
    until(lambda: ids(database) == records)
    assert channel.opened == [None, channel.events[1].checkpoint]


def test_an_event_that_comes_again_plans_nothing_again(database, channel, listening):
    record = channel.write()
    listening()
    until(lambda: ids(database) == [record])
    with database.write() as session:
        [delivery] = deliveries.for_subject(session, record)
        deliveries.settle(session, delivery.id, "accepted")
        site.keep(session, SiteContacts(police=({"channel": "sms", "address": "+4915100000111"},)), "test")
    channel.write(record_id=record)
    last = channel.write()
    until(lambda: ids(database) == [record, last])
    with database.read() as session:
        assert [(d.address, d.state) for d in deliveries.for_subject(session, record)] == [
            ("+4915100000110", "accepted")]


def test_entry_deliveries_and_checkpoint_are_one_transaction(database, channel, listening, monkeypatch):
    put, failing = entries.put_checkpoint, [True]

    def fail(session, text):
        if failing.pop() if failing else False:
            raise OSError("the disk is full")
        put(session, text)

    monkeypatch.setattr(entries, "put_checkpoint", fail)
    link = ChannelLink()
    record = channel.write()
    listening(link)
    until(lambda: len(channel.opened) == 2)
    until(lambda: ids(database) == [record])
    assert channel.opened == [None, None], "nothing of the failed transaction was kept"
    with database.read() as session:
        assert len(session.exec(select(DeliveryRow)).all()) == 1


def test_without_a_contact_somebody_sees_it(database, channel, listening):
    with database.write() as session:
        site.keep(session, SiteContacts(), "test")
    record = channel.write()
    listening()
    until(lambda: ids(database) == [record])
    with database.read() as session:
        [alarm] = deliveries.page(session, ("failed",), 50)
    assert alarm.subject == record and "no police contact" in alarm.reason


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"id": "x"}', b'{"severity": 7}', b"\xff"])
def test_an_event_that_cannot_be_read_is_an_alarm_and_holds_up_nothing(database, channel, listening, payload):
    channel.write(payload=payload)
    record = channel.write()
    listening()
    until(lambda: ids(database) == [record])
    with database.read() as session:
        [alarm] = deliveries.page(session, ("failed",), 50)
    assert "cannot read" in alarm.reason and channel.events[0].transaction in alarm.reason


def test_a_refusal_is_said_since_when_and_lifted_by_itself(database, channel, listening):
    link = ChannelLink()
    link.answered(3)
    for _ in range(3):
        channel.faults.put(GatewayError("events", "", grpc.StatusCode.FAILED_PRECONDITION, "not the channel of before"))
    record = channel.write()
    listening(link)
    until(lambda: link.state().refused)
    assert link.state().problem == "not the channel of before"
    link.answered(4)
    until(lambda: ids(database) == [record])
    assert link.state().problem == "" and not link.state().refused


def test_it_stops_while_it_waits_for_events(channel, listening):
    one = listening()
    until(lambda: channel.opened)
    one.stop()
    assert not one.alive()
