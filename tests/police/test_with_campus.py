"""The police's questions to a real campus cloud: released, seen, verified, taken back, gone."""

from collections.abc import Iterator

import pytest

from cloud.database.records import records
from contract.ledger import LedgerRecord
from police.campus import Campus
from police.database import details
from police.details import LATEST_S, pull_once
from tests.appliance.api.serve import serving
from tests.cloud.admin.conftest import Site
from tests.police.conftest import put_entry


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site")
    yield site
    site.ledger.close()
    site.database.close()


def test_from_the_campuss_button_to_the_polices_page(database, station, clock, site, tmp_path):
    incident = site.put_incident("critical", description="Past the railing")
    site.anchor()
    with site.database.read() as session:
        commitment = records.ledger_state(session, incident.id).entry_hash
    entry = put_entry(database, LedgerRecord(id=incident.id, commitment=commitment, severity="critical"))

    def look() -> str:
        clock.later(LATEST_S)
        pull_once(database, asking, clock)
        return station.clients["police"].get(f"/ui/entries/{entry}").text

    token = tmp_path / "token"
    with serving(site.app) as address:
        for role, words in (("guard", "role guard may not do this"), ("police", "has not released this entry yet")):
            token.write_text(site.accounts.new_token(f"police-{role}", role))
            asking = Campus(address, token, None)
            assert words in look()
            if role == "guard":
                asking.close()
        site.clients["supervisor"].post(f"/incidents/{incident.id}/release")
        page = look()
        assert "details verified" in page and "Anna Example (victim" in page and "Past the railing" in page
        site.profiles.erase(site.anna.id, "test")
        page = look()
        assert "details verified" in page and "Anna" not in page
        site.clients["supervisor"].delete(f"/incidents/{incident.id}/release")
        page = look()
        assert "took its release back" in page and "railing" not in page
        asking.close()
    with database.read() as session:
        assert details.get(session, entry).content == ""
