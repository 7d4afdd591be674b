"""The exported chain: read back as it was written, and every cut or foreign end is noticed."""

import io

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.chain import GENESIS, Entry, SignedEntry, sign_entry
from contract.errors import Rejected
from contract.ids import new_id
from contract.proof.chain_file import MAX_LINE, ChainEnd, ChainFileHead, read_chain, write_chain

KEY = Ed25519PrivateKey.generate()
AT = "2026-11-23T20:00:00.000Z"


def entries(count):
    previous = GENESIS
    for sequence in range(1, count + 1):
        entry = Entry(device="box-1", sequence=sequence, previous=previous, record_type="log", record_id=new_id(),
                      commitment="ab" * 32, at=AT)
        yield sign_entry(entry, KEY)
        previous = entry.hash()


def lines(count=3):
    written = []
    assert write_chain("box-1", KEY, entries(count), AT, written.append) == count
    return written


def read(written):
    return list(read_chain(io.BytesIO(b"".join(written))))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_is_written_is_read(count):
    head, *found, end = read(lines(count))
    assert isinstance(head, ChainFileHead) and head.device == "box-1"
    assert [signed.entry.sequence for signed in found] == list(range(1, count + 1))
    assert isinstance(end, ChainEnd) and end.entries == count
    assert end.last == (found[-1].entry.hash() if found else GENESIS)
    end.check(head)


def test_an_end_is_good_for_its_own_head_count_and_last_entry_only():
    head, *_, end = read(lines())
    for other in (end.model_copy(update={"entries": 2}), end.model_copy(update={"last": "ab" * 32})):
        with pytest.raises(Rejected, match="not signed"):
            other.check(head)
    with pytest.raises(Rejected, match="not signed"):
        end.check(head.model_copy(update={"exported_at": "2026-11-24T20:00:00.000Z"}))


@pytest.mark.parametrize(("damage", "message"), [
    (lambda ls: ls[:-1], "stops after line 4"),
    (lambda ls: [], "stops after line 0"),
    (lambda ls: [*ls, ls[1]], "line 6: the file goes on"),
    (lambda ls: ls[1:], "line 1 is not"),
    (lambda ls: [ls[0], ls[1][:100], *ls[2:]], "line 2 is not"),
    (lambda ls: [ls[0], b"[1]\n", *ls[1:]], "line 2 is not"),
    (lambda ls: [ls[0], b'{"entry": null}\n', *ls[1:]], "line 2 is not"),
    (lambda ls: [ls[0], b"\xff\n", *ls[1:]], "line 2 is not"),
    (lambda ls: [ls[0], b" " * (MAX_LINE + 5) + ls[1], *ls[2:]], "line 2 is not"),
    (lambda ls: [ls[0], b"[" * 10_000 + b"\n"], "line 2 is not"),
])
def test_a_damaged_file_is_refused_at_its_line(damage, message):
    with pytest.raises(Rejected, match=message):
        read(damage(lines()))


def test_entries_before_the_damage_are_handed_out():
    items = read_chain(io.BytesIO(b"".join([*lines()[:3], b"?\n"])))
    assert [type(next(items)) for _ in range(3)] == [ChainFileHead, SignedEntry, SignedEntry]
    with pytest.raises(Rejected):
        next(items)
