"""Both verifiers over the same files."""

import random
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.errors import Rejected
from contract.proof.document import check_proof

GO_VERIFIER = Path(__file__).parents[2] / "var" / "go" / "bin" / "sentrybox-verify"
AT_ONCE = 500
# Five hundred proofs take a second; the rest is for a machine that does other things.
PATIENCE_S = 120


def python_verdict(file: bytes) -> bool:
    """Whether `sentrybox verify` accepts it."""
    try:
        with warnings.catch_warnings():
            # What a certificate's damaged name makes the library say is not what is examined here.
            warnings.simplefilter("ignore")
            check_proof(file)
    except Rejected:
        return False
    return True


def go_verdicts(files: dict[str, bytes], folder: Path) -> dict[str, bool]:
    """Whether the Go program accepts each; the files are left in `folder`."""
    names = {}
    for number, (name, content) in enumerate(files.items()):
        path = folder / f"proof-{number}"
        path.write_bytes(content)
        names[str(path)] = name
    verdicts, paths = {}, list(names)
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start:start + AT_ONCE]
        for line in _go(some if len(some) > 1 else [*some, *some]).stdout.splitlines():
            verdict, _, rest = line.partition("  ")
            path = rest.partition(": ")[0]
            assert verdict in ("ACCEPTED", "REJECTED") and path in names, line
            verdicts[names[path]] = verdict == "ACCEPTED"
    assert verdicts.keys() == files.keys()
    return verdicts


def go_status(words: Sequence[str]) -> int:
    """The exit status of the Go program."""
    return _go(words).returncode


def changed_files(file: bytes, count: int, chance: random.Random) -> dict[str, bytes]:
    """The file with one byte changed at random, `count` times, by where and to what."""
    changed = {}
    while len(changed) < count:
        at, byte = chance.randrange(len(file)), chance.randrange(256)
        if file[at] != byte:
            changed[f"byte {at} is {byte}"] = file[:at] + bytes([byte]) + file[at + 1:]
    return changed


def _go(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    if not GO_VERIFIER.exists():
        pytest.fail(f"{GO_VERIFIER} is not there: `make setup` builds it")
    done = subprocess.run([str(GO_VERIFIER), *words], capture_output=True, text=True, errors="replace",
                          timeout=PATIENCE_S, check=False)
    assert done.returncode in (0, 1, 2) and "panic" not in done.stderr, done.stderr
    return done
