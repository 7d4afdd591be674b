"""Check an exported proof: needs no network and no access to the box or the cloud.

A proof is what GET /blockchain/log/ID/proof gives, saved byte for byte. It shows that a record was written down by a
box, that its content is unchanged, and that the ledgers named hold it. Whose keys signed is for you to know: a box's
key is on the cloud's page Boxes, a log's in GET /ledger/general/head. Put those you trust into a file, one hex
key a line, and name it with --trust; without it the keys are printed for you to compare.

Exit status: 0 the proof holds, 1 it does not, 2 the file cannot be read.
"""

import argparse
import sys
from pathlib import Path

from contract.errors import Rejected
from contract.proof import MAX_BYTES, check_proof


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the proof, as downloaded")
    parser.add_argument("--trust", type=Path, metavar="KEYS", help="file of trusted public keys, one hex key a line")


def run(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        trusted = _read_keys(options.trust) if options.trust else ()
    except OSError as error:
        print(f"cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        steps = check_proof(data, trusted_keys=trusted)
    except Rejected as error:
        print(f"REJECTED  {error}")
        return 1
    for step in steps:
        print(f"ok  {step}")
    print("ACCEPTED")
    return 0


def _read_keys(path: Path) -> set[str]:
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text(encoding="utf-8").splitlines())
    keys = {line for line in lines if line}
    if not keys:
        raise Rejected(f"{path} holds no key", hint="one hex key of 64 digits a line, # starts a comment")
    return keys
