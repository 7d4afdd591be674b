"""The box's chain, written out for an audit. Works while the box runs: nothing is changed."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from appliance.store.bus import Bus
from appliance.store.chain import Chain
from appliance.store.connection import Connection, get_meta
from appliance.store.limits import Limits
from contract.chain import SignedEntry, public_key_text
from contract.errors import Conflict, Rejected
from contract.proof.chain_file import write_chain

PAGE = 500


def export_chain(home: Path, box: str, key: Ed25519PrivateKey, at: str, write: Callable[[bytes], object]) -> int:
    """Hand the whole chain of the box in `home` to `write`, as contract.proof.chain_file; return its length.

    Raises Unavailable where there is no memory of a box, Conflict when it is another box's, Rejected when an entry in
    it cannot be read.
    """
    connection = Connection(home, Limits(), Bus(), read_only=True)
    try:
        with connection.read() as db:
            owner = get_meta(db, "box"), get_meta(db, "public_key")
        if owner != (box, public_key_text(key)):
            raise Conflict(f"the memory in {home} belongs to box {owner[0]!r} with key {owner[1][:16]}..., not to "
                           f"{box!r} with {public_key_text(key)[:16]}...", hint="name that box's own configuration")
        return write_chain(box, key, _entries(Chain(connection, box, key)), at, write)
    finally:
        connection.close()


def _entries(chain: Chain) -> Iterator[SignedEntry]:
    after = 0
    try:
        while page := chain.page(after, PAGE):
            yield from page
            after = page[-1].entry.sequence
    except ValidationError as error:
        raise Rejected(f"the box's memory is damaged between entries {after + 1} and {after + PAGE}",
                       hint="restore it from a backup") from error
