"""What stays in the blocks for ever: commitments and random ids, and nothing of what an incident says of anybody."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from contract.ids import new_id
from contract.moments import now
from contract.observation import vector_to_text
from contract.profile import Consent, Contact, Template
from tests.support.anchoring import wait_until
from tests.support.campus import DATABASE, Campus
from tests.support.cloud_box import person
from tests.support.fakes import person_vector
from tests.support.ground import Ground
from tests.support.ledgers import anchor_all, fabric_ledger

NAME, GUARD = "Zoë Ångström-Nwosu", "Guard Okonkwo"
PLACE, TEXT = "Sports hall, changing room 3", "She fell beside the lockers; her brother was called."
ADDRESS, DEVICE = "zoe.angstrom@example.org", "gate-1"


@pytest.fixture
def campus(tmp_path: Path) -> Iterator[Campus]:
    with closing(Campus(tmp_path)) as campus:
        yield campus


def base64_of(secret: bytes) -> list[bytes]:
    """The characters that any base64 with these bytes in it has, wherever in it they begin."""
    found = []
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + secret)
        whole = text[-(-offset * 4 // 3): (offset + len(secret)) * 4 // 3]
        found += [whole, whole.translate(bytes.maketrans(b"+/", b"-_"))]
    return found


def spellings(secret: bytes) -> set[bytes]:
    """As it is, as a JSON string, and in hex and base64."""
    hexadecimal = secret.hex()
    found = {secret, hexadecimal.encode(), hexadecimal.upper().encode(), *base64_of(secret)}
    with suppress(UnicodeDecodeError):  # an embedding is no text
        found.add(json.dumps(secret.decode())[1:-1].encode())
    return found


def seen(secret: bytes, content: bytes) -> bool:
    return any(spelling in content for spelling in spellings(secret))


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize("spell", [bytes, base64.b64encode, base64.urlsafe_b64encode, base64.b16encode])
def test_the_search_finds_every_spelling(before: bytes, spell) -> None:
    secret = NAME.encode()
    assert seen(secret, spell(before + secret + b" and more"))
    assert not seen(secret, spell(before + secret[:-1] + b" and more"))
    assert seen(secret, json.dumps({"name": NAME}).encode())
    assert seen(secret, json.dumps({"name": NAME}, ensure_ascii=False).encode())


def test_nothing_of_a_person_or_an_incident_is_in_any_block_file(ground: Ground, campus: Campus) -> None:
    vector = person_vector(NAME)
    consent = Consent(given_by=GUARD, basis="guardian-consent", guardian=GUARD, text_sha256="ab" * 32, at=now())
    template = Template(id=new_id(), pack="face-1", vector=vector_to_text(vector), quality=0.9, made_at=now())
    profile = person(NAME, contacts=(Contact(channel="email", address=ADDRESS),), consent=consent,
                     templates=(template,))
    box = campus.boxes[DEVICE]
    campus.receive(box.created(profile))
    messages = [box.incident(severity, (profile.id,), location=PLACE, description=TEXT)
                for severity in ("critical", "high", "low", "medium")]
    messages.append(box.action(messages[0].body.incident.id, "resolve"))
    ids = [campus.send(message) for message in messages]
    with closing(fabric_ledger(ground)) as ledger:
        anchor_all(campus.database, ledger)
    # Two channels' files at the orderer and at each peer; a peer may be a block behind.
    wait_until(lambda: sum(ids[0].encode() in file.read_bytes() for file in ground.files()) == 6, campus.database)
    in_blocks = b"".join(file.read_bytes() for file in ground.files())
    assert messages[0].body.entry.entry.hash().encode() in in_blocks
    assert not any(one.encode() in in_blocks for one in ids[1:]), "of a batch there is the root alone"
    secrets = {
        "name": NAME, "person": profile.id, "template": template.id, "guardian": GUARD, "address": ADDRESS,
        "place": PLACE, "text": TEXT, "some words": "beside the lockers", "box": DEVICE,
        "embedding": vector.tobytes(), "some of its numbers": vector.tobytes()[64:96],
        # Whoever has the salt can try guesses against the commitment.
        **{f"salt {number}": bytes.fromhex(message.body.salt) for number, message in enumerate(messages)},
    }
    secrets = {name: secret.encode() if isinstance(secret, str) else secret for name, secret in secrets.items()}
    in_database = b"".join(file.read_bytes() for file in campus.home.glob(f"{DATABASE}*"))
    assert [name for name, secret in secrets.items() if not seen(secret, in_database)] == []
    number = uuid.UUID(profile.id).bytes
    assert [name for name, secret in {**secrets, "person's number": number}.items() if seen(secret, in_blocks)] == []
