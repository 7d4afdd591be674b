"""A full memory or disk refuses visibly and by class, and recovers by itself."""

import shutil
from collections import namedtuple

import pytest

from appliance.store.limits import CLIPS, EDITS, RECORDS, UPKEEP, Ballast, Limits, refusal
from contract.errors import Unavailable
from contract.incident import IncidentDraft
from contract.messages import Receipt

FALL = IncidentDraft("fall", "high", "2026-11-23T20:00:00.000Z", "Hall", description="x" * 900)
EPOCH = "00000000-0000-7000-8000-000000000001"
LITTLE = Limits(database_bytes=1 << 20, files_bytes=100_000, reserve_bytes=0, ballast_bytes=0)


def fill(store):
    written = 0
    with pytest.raises(Unavailable, match="full") as refused:
        while written < 2000:
            store.incidents.record(FALL, by="r")
            written += 1
    return written, refused.value


def confirm_all(store):
    while parcels := store.outbox.due(50):
        store.outbox.receipts([Receipt(id=p.id, hash=p.hash, epoch=EPOCH) for p in parcels])


def test_a_full_database_refuses_incidents_last_and_recovers_with_the_receipts(reopen, person):
    store = reopen(limits=LITTLE)
    ann = store.profiles.create(person("Ann"), by="a")
    written, refused = fill(store)
    assert "incidents" in str(refused) and refused.hint
    with pytest.raises(Unavailable):
        store.zones.put("gate", (), None)
    with pytest.raises(Unavailable):
        store.files.put(b"x", "image/jpeg")
    store.profiles.erase(ann.id, by="a")  # an erasure is never refused
    assert store.counts()["incidents"] == written == store.chain.check()
    confirm_all(store)
    assert store.outbox.waiting() == 0
    for _ in range(20):
        store.incidents.record(FALL, by="r")
    assert store.chain.check() == written + 20


def test_clips_go_first(reopen):
    store = reopen(limits=LITTLE)
    while store._connection.used_share() < 0.82:
        store.incidents.record(FALL, by="r")
    with pytest.raises(Unavailable, match="pictures and clips"):
        store.files.put(b"x", "image/jpeg")
    store.zones.put("gate", (), None)


def test_a_database_at_its_very_end_says_so_and_keeps_its_state(reopen):
    store = reopen(limits=LITTLE)
    with pytest.raises(Unavailable, match="the disk is full"), store._connection.write(UPKEEP) as write:
        write.execute("CREATE TABLE big (x BLOB)")
        for _ in range(20):
            write.execute("INSERT INTO big VALUES (zeroblob(100000))")
    assert store.incidents.record(FALL, by="r")[1] and store.chain.check() == 1


def test_too_many_clips_are_refused_but_not_the_incident(reopen):
    store = reopen(limits=LITTLE)
    store.files.put(b"a" * 90_000, "image/jpeg")
    with pytest.raises(Unavailable, match="pictures and clips fill"):
        store.files.put(b"b" * 20_000, "image/jpeg")
    assert store.incidents.record(FALL, by="r")[1]


def test_a_disk_running_full_refuses_by_class(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    limits = Limits(reserve_bytes=1000)

    def refused(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0, 0, free))
        return [use for use in (CLIPS, EDITS, RECORDS, UPKEEP) if refusal(use, limits, 0, tmp_path)]

    assert refused(1000) == []
    assert refused(999) == [CLIPS]
    assert refused(400) == [CLIPS, EDITS]
    assert refused(0) == [CLIPS, EDITS, RECORDS]


def test_the_ballast_is_laid_dropped_and_laid_again(tmp_path):
    ballast = Ballast(tmp_path / "ballast", 8192)
    for _ in range(2):
        ballast.lay(0)
        assert (tmp_path / "ballast").stat().st_size == 8192
        ballast.drop()
        assert not (tmp_path / "ballast").exists()
    ballast.lay(1 << 60)
    assert not (tmp_path / "ballast").exists()
