"""What a box keeps of the ledgers' proofs, of both kinds and from before there were two."""

import json
import sqlite3

import pytest

from contract.incident import IncidentDraft
from contract.ledger import Anchor, LedgerRecord
from contract.messages import AnchorPut, Change, Changes
from contract.policy import POLICE
from contract.proof.document import check_proof
from tests.support.fabric_forgeries import tree_inclusion
from tests.support.fabric_proof import Network, inclusion, record_call

EPOCH = "00000000-0000-7000-8000-000000000001"
AT = "2026-11-23T20:00:00.000Z"


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture
def record(store):
    made = store.incidents.record(IncidentDraft("fall", "high", AT, "Hall"), by="r")[0]
    return LedgerRecord(id=made.incident.id, commitment=made.ledger.entry_hash, severity="high")


def tell(store, record, *inclusions):
    anchors = tuple(Anchor(channel=i.channel, transaction="t", block=0, at=AT) for i in inclusions)
    after = store.feed.cursor()
    put = AnchorPut(record_id=record.id, anchors=anchors, inclusions=inclusions)
    assert store.feed.apply(Changes(epoch=EPOCH, after=after, through=after + 1, latest=after + 1,
                                    changes=(Change(revision=after + 1, body=put),))) == "applied"


def on(network, channel, record):
    return inclusion(network, record, record_call(network, channel, record))


def test_fabric_proofs_are_exported_by_who_may_see_them(store, network, record):
    both = [on(network, channel, record) for channel in ("general", "police")]
    tell(store, record, *both)
    assert store.proof(record.id, POLICE).inclusions == tuple(both)
    seen = store.proof(record.id, None)
    assert [i.channel for i in seen.inclusions] == ["general"]
    assert any("OrdererMSP" in step for step in check_proof(seen.to_bytes()))


def test_a_channels_newer_proof_replaces_the_one_before(store, network, record):
    tell(store, record, tree_inclusion(network, record))
    tell(store, record, on(network, "police", record))
    newer = on(network, "general", record)
    tell(store, record, newer)
    kept = {i.channel: i for i in store.proof(record.id, POLICE).inclusions}
    assert kept["general"] == newer
    assert kept["police"].kind == "fabric"


def test_a_proof_stored_before_there_were_two_kinds_is_a_trees(store, network, record, tmp_path, reopen):
    old = tree_inclusion(network, record)
    row = old.model_dump(mode="json", exclude={"kind"})
    assert "kind" not in row
    store.close()
    with sqlite3.connect(tmp_path / "home" / "box.db") as db:
        db.execute("UPDATE entries SET inclusions = ? WHERE record_id = ?", (json.dumps([row]), record.id))
    db.close()
    store = reopen()
    proof = store.proof(record.id, POLICE)
    assert proof.inclusions == (old,)
    check_proof(proof.to_bytes())
    tell(store, record, on(network, "police", record))
    assert [i.kind for i in store.proof(record.id, POLICE).inclusions] == ["tree", "fabric"]
