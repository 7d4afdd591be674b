"""`sentrybox ledger export` and `audit` as people use them: words, JSON lines and exit statuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.store.store import open_store
from appliance.sync.keys import box_key
from sentrybox.cli import main
from tests.support.campus import DATABASE, LEDGER, Campus
from tests.support.cloud_site import Site

ROOT = Path(__file__).parents[2]
AT = "2026-11-23T20:00:00.000Z"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def config(site):
    return str(site.config())


@pytest.fixture
def campus(site, config):
    home = site.home / "cloud"
    home.mkdir()
    campus = Campus(home)
    campus.ids = campus.fill()
    yield campus
    campus.close()


@pytest.fixture
def box(tmp_path):
    """A box's configuration; its memory has two log records."""
    home = tmp_path / "box"
    store = open_store(home, box="gate-1", key=box_key(home))
    for _ in range(2):
        store.logs.record(at=AT, location="Gym", kind="manual", severity="low", description="", by="Guard")
    store.close()
    path = tmp_path / "box.toml"
    path.write_text(f'box = "gate-1"\nhome = "{home}"\n')
    return str(path)


def test_a_boxs_chain_is_written_to_a_file_or_to_standard_output(box, tmp_path, capsys):
    out = tmp_path / "gate.chain"
    assert main(["ledger", "export", "--config", box, "--out", str(out)]) == 0
    assert "2 entries of box gate-1" in capsys.readouterr().out
    run = subprocess.run([sys.executable, "-m", "sentrybox", "ledger", "export", "--config", box], cwd=ROOT, check=True,
                         capture_output=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [line["entry"]["sequence"] for line in lines[1:-1]] == [1, 2]
    assert out.read_bytes().splitlines()[1:-1] == run.stdout.splitlines()[1:-1]
    assert list(tmp_path.glob("*.part")) == []


def test_no_box_and_no_place_to_write_are_unavailable(box, tmp_path, capsys):
    absent = tmp_path / "absent.toml"
    absent.write_text(f'box = "gate-1"\nhome = "{tmp_path / "absent"}"\n')
    assert main(["ledger", "export", "--config", str(absent)]) == 3
    assert main(["ledger", "export", "--config", box, "--out", str(tmp_path / "no" / "gate.chain")]) == 3
    error = capsys.readouterr().err
    assert "there is no memory of a box" in error and "cannot be written" in error
    assert not (tmp_path / "absent").exists()


def test_all_agree(campus, config, capsys):
    export = campus.export("gate-1")
    assert main(["ledger", "audit", "--config", config, "--chain", str(export)]) == 0
    out = capsys.readouterr().out
    assert "2 boxes, 8 entries" in out and "6 exported entries" in out and "all agree" in out


def test_the_audit_changes_nothing_and_runs_beside_the_cloud(campus, config):
    files = {name: (campus.home / name).read_bytes() for name in (DATABASE, LEDGER)}
    assert main(["ledger", "audit", "--config", config]) == 0
    assert files == {name: (campus.home / name).read_bytes() for name in (DATABASE, LEDGER)}
    campus.close()
    assert main(["ledger", "audit", "--config", config]) == 0


def test_findings_are_told_in_words_with_what_to_do(campus, config, capsys):
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    campus.tamper("UPDATE leaves SET content = replace(content, 'medium', 'low') WHERE id = ?", campus.ids[3],
                  file=LEDGER)
    assert main(["ledger", "audit", "--config", config]) == 1
    out = capsys.readouterr().out
    assert f"record-missing: incident {campus.ids[4]} (box gate-1, entry 5)" in out
    assert "ledger-damaged: channel general: its leaves do not have the root" in out
    assert "Restore the record from a backup" in out and "3 gaps or differences" in out


def test_as_json(campus, config, capsys):
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    assert main(["ledger", "audit", "--config", config, "--json"]) == 1
    finding, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(finding) == {"kind", "where", "text", "advice"} and finding["kind"] == "record-missing"
    assert summary["findings"] == 1 and summary["checked"]["entries"] == 8 and summary["unavailable"] == []


def test_what_could_not_be_asked_ends_with_status_3_unless_there_are_findings(campus, config, capsys):
    (campus.home / LEDGER).rename(campus.home / "elsewhere.db")
    assert main(["ledger", "audit", "--config", config]) == 3
    assert "not asked: the ledger" in capsys.readouterr().out
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    assert main(["ledger", "audit", "--config", config]) == 1


def test_no_database_is_unavailable_and_none_is_made(config, site, capsys):
    assert main(["ledger", "audit", "--config", config]) == 3
    assert "there is no database" in capsys.readouterr().err
    assert not (site.home / "cloud").exists()


def test_a_real_boxs_export_of_another_key(campus, config, box, tmp_path, capsys):
    out = tmp_path / "gate.chain"
    assert main(["ledger", "export", "--config", box, "--out", str(out)]) == 0
    assert main(["ledger", "audit", "--config", config, "--chain", str(out)]) == 1
    assert "export-foreign" in capsys.readouterr().out


def test_starting_over_wants_a_yes_and_says_what_it_did(campus, config, capsys):
    campus.close()
    assert main(["ledger", "start-over", "--config", config]) == 1
    assert "the same with --yes" in capsys.readouterr().err
    assert main(["ledger", "start-over", "--config", config, "--yes"]) == 0
    assert "places of records are queued; start the cloud" in capsys.readouterr().out
