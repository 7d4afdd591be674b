"""Which proposals an endorser refuses, and in which words: the same on the stand-in and on a real peer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from fabric_protos.common.common_pb2 import CONFIG_UPDATE
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.peer.proposal_pb2 import SignedProposal

from cloud.ledger.fabric import certificates, identities
from tests.standin import forge
from tests.standin.crypto import Signer
from tests.standin.forge import Caller, Outcome, Proposed, Wrong, propose
from tests.support.ground import Ground, new_record

MALFORMED = "error validating proposal: access denied: channel [general] creator org unknown, creator is malformed"
DENIED = "error validating proposal: access denied: channel [general] creator org [CampusMSP]"
NO_PLAN = "no combination of peers can be derived which satisfy the endorsement policy: No metadata was found for "
MINUTE = timedelta(minutes=1)


class Case(NamedTuple):
    wrong: Callable[[Signer], Wrong]
    message: str


def _foreign(signer: Signer) -> Wrong:
    pem = SerializedIdentity.FromString(signer.creator).id_bytes
    return Wrong(creator=forge.creator("PoliceMSP", pem))


CASES = {
    "a high S": Case(lambda signer: Wrong(sign=forge.high_s(signer)), DENIED),
    "no DER": Case(lambda signer: Wrong(sign=lambda data: b"xx"), DENIED),
    "no signature": Case(lambda signer: Wrong(sign=lambda data: b""), "empty signature bytes"),
    "over other bytes": Case(lambda signer: Wrong(sign=lambda data: signer.sign(data + b"x")), DENIED),
    "another transaction id": Case(lambda signer: Wrong(transaction="ab" * 32), "incorrectly computed txid 'abab"),
    "an epoch": Case(lambda signer: Wrong(epoch=1), "error validating proposal: epoch is non-zero"),
    "another type": Case(lambda signer: Wrong(type=CONFIG_UPDATE), "invalid header type CONFIG_UPDATE"),
    "no nonce": Case(lambda signer: Wrong(nonce=b""), "error validating proposal: nonce is empty"),
    "no creator": Case(lambda signer: Wrong(creator=b""), "error validating proposal: creator is empty"),
    "a creator that is no message": Case(lambda signer: Wrong(creator=b"\x0a\x03abc"), MALFORMED),
    "another organisation's name": Case(_foreign, MALFORMED),
    "no chaincode in the header": Case(lambda signer: Wrong(extension=""), "ChaincodeId.Name is empty"),
}


def _refused(caller: Caller, made: Callable[[], Proposed], message: str) -> None:
    """Evaluate says it aloud, Endorse in a detail."""
    evaluated, endorsed = caller.evaluate(made()), caller.endorse(made())
    assert evaluated.code == "FAILED_PRECONDITION"
    assert evaluated.message == f"evaluate call to endorser returned error: {evaluated.details[0][1]}"
    assert message in evaluated.message
    assert endorsed.code == "ABORTED"
    assert endorsed.message == "failed to endorse transaction, see attached details for more info"
    ((mspid, said),) = endorsed.details
    assert mspid == "CampusMSP"
    assert message in said


@pytest.mark.parametrize("name", CASES)
def test_a_proposal_with_one_thing_wrong_is_refused(ground: Ground, call, who, name: str) -> None:
    signer, case = who(ground, "campus", "recorder"), CASES[name]

    def made() -> Proposed:
        return propose(signer, "general", "Record", *new_record(), wrong=case.wrong(signer))

    _refused(call(ground), made, case.message)


def test_the_same_proposal_with_nothing_wrong_is_taken(ground: Ground, call, who) -> None:
    signer = who(ground, "campus", "recorder")
    assert call(ground).endorse(propose(signer, "general", "Record", *new_record())).code == "OK"


def test_nobody_looks_at_the_time_in_a_proposal(ground: Ground, call, who) -> None:
    """Not even when it is a year off: whoever relies on it must know."""
    signer, year = who(ground, "campus", "recorder"), 365 * 86400
    for age in (year, -year):
        made = propose(signer, "general", "Record", *new_record(), wrong=Wrong(age_s=age))
        assert call(ground).endorse(made).code == "OK"


@pytest.mark.parametrize(
    ("org", "user", "channel", "message"),
    [
        ("campussec", "recorder", "general", MALFORMED),
        ("campus", "recorder", "police", "channel [police] with policy [/Channel/Application/Writers]"),
        ("campus", "reader", "police", "channel [police] with policy [/Channel/Application/Writers]"),
    ],
)
def test_who_may_not_write_gets_nothing(
    ground: Ground, call, who, org: str, user: str, channel: str, message: str
) -> None:
    signer = who(ground, org, user)
    _refused(call(ground), lambda: propose(signer, channel, "Get", new_record()[0]), message)


def test_a_certificate_without_a_role_or_from_elsewhere_is_refused(
    ground: Ground, call, who, tmp_path: Path
) -> None:
    folder = ground.home / "organisations" / "campus"
    identities.issue(folder, "strange", ou="strange")
    strange = who(ground, "campus", "strange")
    _refused(call(ground), lambda: propose(strange, "general", "Get", "x"), DENIED)

    authority = certificates.authority(tmp_path / "ca.pem", tmp_path / "ca.key", "ca.campus", "campus")
    pair = certificates.member(authority, "recorder@campus", "client", {"sentrybox.role": "recorder"})
    for name, content in (("signcerts", pair.certificate), ("keystore", pair.key)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "it.pem").write_bytes(content)
    forged = Signer("CampusMSP", tmp_path)
    _refused(call(ground), lambda: propose(forged, "general", "Get", "x"), MALFORMED)


def test_an_expired_certificate_is_stopped_by_the_orderer_only(ground: Ground, call, who) -> None:
    """Surprising, and so with real peers: it may still ask and be endorsed."""
    now = datetime.now(UTC)
    folder, role = ground.home / "organisations" / "campus", {"sentrybox.role": "recorder"}
    identities.issue(folder, "old", attributes=role, not_before=now - 20 * MINUTE, not_after=now - 10 * MINUTE)
    caller, old = call(ground), who(ground, "campus", "old")
    envelope = caller.prepared(propose(old, "general", "Record", *new_record()))
    envelope.signature = old.sign(envelope.payload)
    assert caller.submit("general", envelope) == Outcome(
        "ABORTED",
        "received unsuccessful response from orderer: status=BAD_REQUEST, info=broadcast client identity expired",
    )


def test_an_unknown_channel_or_chaincode(ground: Ground, call, who) -> None:
    caller, signer = call(ground), who(ground, "campus", "recorder")
    assert caller.evaluate(propose(signer, "nosuch", "Get", "x")) == Outcome(
        "UNAVAILABLE", "failed to get config for channel [nosuch]: could not get last config for channel nosuch"
    )
    assert caller.endorse(propose(signer, "nosuch", "Get", "x")) == Outcome(
        "FAILED_PRECONDITION", f"{NO_PLAN}chaincode sentrybox in channel nosuch"
    )
    other = Wrong(chaincode="other")
    assert caller.evaluate(propose(signer, "general", "Get", "x", wrong=other)) == Outcome(
        "FAILED_PRECONDITION", "no peers available to evaluate chaincode other in channel general"
    )
    assert caller.endorse(propose(signer, "general", "Get", "x", wrong=other)) == Outcome(
        "FAILED_PRECONDITION", f"{NO_PLAN}chaincode other in channel general"
    )
    hidden = propose(signer, "general", "Get", "x", wrong=Wrong(extension="other"))
    assert caller.endorse(hidden).details[0][1] == (
        "make sure the chaincode other has been successfully defined on channel general and try again: "
        "chaincode other not found"
    )
    assert caller.endorse(propose(signer, "general", "Get", "x"), "Nobody", "NoneMSP") == Outcome(
        "UNAVAILABLE", "failed to find any endorsing peers for org(s): Nobody, NoneMSP"
    )


@pytest.mark.parametrize("raw", [b"", b"\xff\xff"])
def test_bytes_that_are_no_proposal(ground: Ground, call, raw: bytes) -> None:
    nothing = Proposed("x", "general", SignedProposal(proposal_bytes=raw, signature=b"x"))
    assert call(ground).evaluate(nothing).code == "INVALID_ARGUMENT"
    assert call(ground).endorse(nothing).code == "INVALID_ARGUMENT"


def test_a_chaincodes_error_comes_with_its_words(ground: Ground, call, who) -> None:
    caller, signer, unknown = call(ground), who(ground, "campus", "recorder"), new_record()[0]
    said = f"chaincode response 500, NOTFOUND: channel general has no record {unknown}"
    assert caller.evaluate(propose(signer, "general", "Get", unknown)) == Outcome(
        "UNKNOWN", f"evaluate call to endorser returned error: {said}", (("CampusMSP", said),)
    )
    assert caller.endorse(propose(signer, "general", "Get", unknown)) == Outcome(
        "ABORTED",
        "failed to endorse transaction, see attached details for more info",
        (("CampusMSP", said),),
    )
