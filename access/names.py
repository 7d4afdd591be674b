"""Names of accounts: kept as typed, compared without case."""

import unicodedata

from contract.errors import Rejected

LONGEST_NAME = 100


def canonical(name: str) -> str:
    """Return the key that two spellings of one name share: `Ada`, `ada` and ` ADA ` are the same. At most 100
    characters, whatever is sent."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())
    return folded[:LONGEST_NAME]


def checked_name(name: str) -> str:
    """Return the name as it is kept. Raises Rejected for one that is empty, too long or not printable."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip() \
            or name != unicodedata.normalize("NFKC", name):
        raise Rejected(f"a name has 1 to {LONGEST_NAME} printable characters and no space at its ends")
    return name


def free_key(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, or with the first free number behind it: `ada-2`. For names kept before case stopped to count.
    """
    number, key = 1, wanted
    while key in taken:
        number += 1
        key = f"{wanted}-{number}"
    return key
