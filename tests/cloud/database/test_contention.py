"""Everything at once: no deadlock, no lost effect, on both databases."""

import random
import threading

from cloud.database import changes, meta, trail
from cloud.database.people.profiles import ProfileTable
from cloud.database.telling import deliveries
from cloud.ingest.bodies import Setting
from cloud.ingest.intake import take
from cloud.ledger.embedded import EmbeddedLedger
from contract.messages import encode
from contract.moments import now
from contract.profile import ProfileChange
from tests.support.cloud_box import SimulatedBox, person
from tests.support.ledgers import anchor_all
from tests.support.policies import CRITICAL


def test_ingest_workers_and_admins_do_not_stand_in_each_others_way(database, tmp_path):
    setting = Setting(tmp_path / "files", CRITICAL)
    people = ProfileTable(database)
    ids = [people.create(person(f"P{n}", n), "admin").id for n in range(6)]
    for one in ids[1:]:
        people.change(one, ProfileChange(add_friends=(ids[0],)), "admin")
    box = SimulatedBox().register(database)
    messages = [encode(box.incident("critical", (ids[1 + n % 5],))) for n in range(24)]
    messages += [encode(box.changed(ids[n % 6], name=f"N{n}")) for n in range(12)]
    ledger = EmbeddedLedger(tmp_path / "ledger")
    problems: list[BaseException] = []
    finished = threading.Event()

    def guarded(work):
        def run():
            try:
                work()
            except BaseException as error:
                problems.append(error)
        return threading.Thread(target=run)

    def ingest():
        mine = messages[:]
        random.shuffle(mine)
        for message in mine:
            receipt = take(database, setting, "gate-1", message).receipt
            # The one thing that may be refused is a change of the person who is being erased meanwhile.
            assert receipt.result == "committed" or receipt.reason == f"person {ids[0]} was erased"

    def alerts():
        while not finished.is_set():
            with database.write() as session:
                claims = deliveries.claim_due(session, now(), 5, 60)
            for claim in claims:
                with database.write() as session:
                    deliveries.settle(session, claim.delivery.id, "accepted", provider_id="SM")

    def anchors():
        while not finished.is_set():
            anchor_all(database, ledger, batch_size=5)

    def erase():
        people.erase(ids[0], "admin")

    senders = [guarded(ingest) for _ in range(3)]
    others = [guarded(alerts), guarded(alerts), guarded(anchors), guarded(anchors)]
    for thread in (*senders, *others, eraser := guarded(erase)):
        thread.start()
    for thread in (*senders, eraser):
        thread.join()
    finished.set()
    for thread in others:
        thread.join()
    assert problems == []
    anchor_all(database, ledger)
    assert len(ledger.page("police", -1, 99).records) == 24
    ledger.close()
    with database.read() as session:
        assert trail.check(session) > 0
        assert meta.epoch(session)
        assert changes.revision(session) >= 24
    assert people.find(ids[0]) is None
    assert all(ids[0] not in people.get(one).friends for one in ids[1:])


def test_changes_of_one_person_at_the_same_time_all_take_effect(database):
    people = ProfileTable(database)
    friends = [people.create(person(f"F{n}"), "admin").id for n in range(8)]
    ada = people.create(person("Ada"), "admin").id
    start = threading.Barrier(8)

    def add(friend):
        start.wait()
        people.change(ada, ProfileChange(add_friends=(friend,)), "admin")

    threads = [threading.Thread(target=add, args=(friend,)) for friend in friends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = people.get(ada)
    assert (set(found.friends), found.revision) == (set(friends), 9)
