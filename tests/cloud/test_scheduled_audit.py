"""The cloud audits its ledger by itself, and ends at once although an audit is under way."""

import contextlib
import time

import pytest

from cloud.app import PARTS, start
from cloud.config import CloudConfig
from cloud.database.ledger import audits
from cloud.database.opening import connect, open_existing
from contract.config import read_config
from tests.support.campus import Campus
from tests.support.cloud_site import Site


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def audited(config: CloudConfig):
    """What the first audit of a running cloud found, None when there was none within the time a start takes."""
    with contextlib.ExitStack() as stack:
        start(config, PARTS, stack)
        database = stack.enter_context(contextlib.closing(open_existing(config.database_url())))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with database.read() as session:
                if (result := audits.last(session)) is not None:
                    return result
            time.sleep(0.05)
    return None


def test_a_running_cloud_audits_itself_and_names_what_was_tampered_with(site):
    config = read_config(site.config(), CloudConfig)
    config.home.mkdir()
    with contextlib.closing(Campus(config.home)) as campus:
        ids = campus.fill()
        campus.tamper("DELETE FROM incidents WHERE id = ?", ids[4])
    result = audited(config)
    assert result.unavailable == () and [one.kind for one in result.findings] == ["record-missing"]
    assert result.checked["proofs"] == 10 and result.checked["ledger entries"] == 10


def test_it_may_be_turned_off(site):
    config = read_config(site.config(ledger={"audit_hours": 0}), CloudConfig)
    with contextlib.ExitStack() as stack:
        start(config, PARTS, stack)
        # The worker has looked by then: it looks at once when it starts.
        time.sleep(0.5)
    with contextlib.closing(connect(config.database_url())) as database, database.read() as session:
        assert audits.last(session) is None
