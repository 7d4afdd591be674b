"""kill -9 of a writing process: what it acknowledged is there, and no row names a file that is not."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WRITER = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from appliance.store.limits import Limits
from appliance.store.store import open_store
from contract.incident import IncidentDraft
store = open_store(Path(sys.argv[1]), box="box-a", key=Ed25519PrivateKey.from_private_bytes(b"\\x07" * 32),
                   limits=Limits(reserve_bytes=0, ballast_bytes=0))
n = 0
while True:
    n += 1
    evidence = store.files.put(f"{sys.argv[2]} {n}".encode() * 500, "image/jpeg")
    draft = IncidentDraft("fall", "critical", "2026-11-23T20:00:00.000Z", "Hall", evidence=(evidence,))
    view, _ = store.incidents.record(draft, by="rule")
    print(view.incident.id, flush=True)
    store.outbox.sent(store.outbox.due(2))
    store.incidents.act(view.incident.id, "note", by="g", note="x")
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("after", [1, 7, 23])
def test_nothing_acknowledged_is_lost(reopen, tmp_path, after):
    acknowledged = []
    for life in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "home"), str(life)], cwd=ROOT,
                                   env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        # Lines written before the kill and not read yet were acknowledged as well.
        acknowledged += process.stdout.read().split()
        process.wait()
    store = reopen()
    assert len(acknowledged) >= 3 * after
    entries = store.chain.check()
    assert entries >= len(acknowledged)
    for incident_id in acknowledged:
        view = store.incidents.get(incident_id)
        for evidence in view.incident.evidence:
            data, _ = store.files.get(evidence.sha256)
            assert hashlib.sha256(data).hexdigest() == evidence.sha256
    with store._connection.read() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM entries").fetchone() == \
            db.execute("SELECT count(*) FROM outbox WHERE kind IN ('incident', 'action')").fetchone()
        for (sha256,) in db.execute("SELECT sha256 FROM files").fetchall():
            store.files.get(sha256)
