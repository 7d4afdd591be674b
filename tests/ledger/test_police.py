"""The police's own process on a network: told of every record, once, with its word on the ledger, through kills."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.standin import settings
from tests.ledger.conftest import GROUNDS
from tests.support import standin as providers
from tests.support.ground import Client, Ground, killed, new_record
from tests.support.police_process import PoliceProcess, until

# Processes are started and killed several times, beside a whole network.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[settings.Settings]:
    home = tmp_path_factory.mktemp("providers")
    process = providers.start(home)
    yield settings.read(home)
    providers.stop(process)


@pytest.fixture
def inbox(standin: settings.Settings) -> Iterator[providers.Inbox]:
    inbox = providers.Inbox(standin)
    yield inbox
    inbox.close()


@pytest.fixture
def station(ground: Ground, tmp_path: Path, standin: settings.Settings) -> Iterator[PoliceProcess]:
    """Not started yet. It reads the whole channel, so what earlier tests wrote is told too."""
    process = PoliceProcess(tmp_path / "police", ground.profile("police"), standin)
    yield process
    process.kill()


def write(guarded: Client, count: int) -> list[str]:
    """Records on the police channel, as many to a block as there is room for; their ids."""
    made = [(args := new_record("critical"), guarded.endorse("Record", *args)) for _ in range(count)]
    for _, endorsed in made:
        guarded.submit(endorsed)
    for _, endorsed in made:
        guarded.settle(endorsed)
    return [args[0] for args, _ in made]


def words(police: Client, record: str) -> list[dict]:
    """The acknowledgements of a record on the ledger."""
    return [step["entry"] for step in json.loads(police.evaluate("History", record))
            if step["kind"] == "acknowledgement"]


def told(inbox: providers.Inbox, entries: dict[str, dict]) -> Counter:
    """Record id -> how many messages arrived at the contact's telephone."""
    by_number = {f"Entry: {entry['number']}": record for record, entry in entries.items()}
    return Counter(by_number[line] for message in inbox.new() for line in message["text"].splitlines()
                   if line in by_number)


def test_what_came_while_nobody_listened_is_told_once_and_acknowledged(
        station: PoliceProcess, guarded: Client, police: Client, inbox: providers.Inbox) -> None:
    station.start()
    first = write(guarded, 1)
    until(lambda: station.acknowledged(first))
    station.stop()
    away = write(guarded, 20)
    station.start()
    until(lambda: station.acknowledged(away), station.entries)
    entries = station.entries()
    arrived = told(inbox, entries)
    assert {arrived[record] for record in first + away} == {1}
    for record in first + away:
        [word] = words(police, record)
        assert word["msp"] == "PoliceMSP" and word["transaction"] == entries[record]["on_ledger"]["transaction"]
        assert entries[record]["campus"] == "Campus North" and entries[record]["severity"] == "critical"
    assert [record for record in entries if record in away] == \
        sorted(away, key=lambda record: entries[record]["number"], reverse=True), "newest first"


def test_a_kill_between_store_and_acknowledge_loses_and_doubles_nothing(
        ground: Ground, station: PoliceProcess, guarded: Client, police: Client, inbox: providers.Inbox) -> None:
    station.start()
    with killed(ground, "orderer") as restart:
        restart()
        records = write(guarded, 5)
        ground.kill("orderer")
        try:
            until(lambda: all(station.entries().get(r, {}).get("told") == "told" for r in records), station.entries)
            until(lambda: all(station.entries()[r]["on_ledger"]["reason"] for r in records), station.entries)
            station.kill()
        finally:
            ground.start("orderer")
    assert [words(police, record) for record in records] == [[]] * 5
    station.start()
    until(lambda: station.acknowledged(records), station.entries)
    arrived = told(inbox, station.entries())
    assert {arrived[record] for record in records} == {1}
    assert {len(words(police, record)) for record in records} == {1}


def test_kills_at_any_moment_tell_everybody_at_least_once_and_write_one_word(
        station: PoliceProcess, guarded: Client, police: Client, inbox: providers.Inbox) -> None:
    records: list[str] = []
    for _ in range(3):
        station.start()
        records += write(guarded, 5)
        station.kill()
    station.start()
    until(lambda: station.acknowledged(records), station.entries)
    arrived = told(inbox, station.entries())
    # The stand-in can be asked what it has, so a request whose answer died with the process is not made again.
    assert {arrived[record] for record in records} == {1}
    assert {len(words(police, record)) for record in records} == {1}


@pytest.mark.parametrize("part", ["peer-police", "orderer", "chaincode-police"])
def test_it_goes_on_by_itself_when_a_part_of_the_network_comes_back(
        ground: Ground, station: PoliceProcess, guarded: Client, police: Client, inbox: providers.Inbox, part: str
) -> None:
    station.start()
    before = write(guarded, 1)
    until(lambda: station.acknowledged(before), station.entries)
    with killed(ground, part):
        during = write(guarded, 1) if part == "chaincode-police" else []
    after = write(guarded, 2)
    until(lambda: station.acknowledged(during + after), station.entries)
    arrived = told(inbox, station.entries())
    assert {arrived[record] for record in before + during + after} == {1}
    until(lambda: station.get("/readyz").status_code == 200, lambda: station.get("/readyz").text)


def test_it_says_since_when_it_is_cut_off(ground: Ground, station: PoliceProcess, guarded: Client) -> None:
    station.start()
    until(lambda: station.get("/readyz").status_code == 200, lambda: station.get("/readyz").text)
    with killed(ground, "peer-police"), killed(ground, "peer-campus"):
        answers = []

        def unready() -> bool:
            answers.append(station.get("/readyz"))
            return answers[-1].status_code == 503

        until(unready)
        [problem] = answers[-1].json()["problems"]
        assert "the police channel cannot be reached since 20" in problem
        assert "Cut off from the police channel" in station.get("/ui/entries").text
        assert station.get("/healthz").status_code == 200
    record = write(guarded, 1)
    until(lambda: station.acknowledged(record), station.entries)
    assert station.get("/readyz").status_code == 200


def test_a_channel_that_was_set_up_anew_is_refused_in_words(
        ground: Ground, station: PoliceProcess, guarded: Client, tmp_path: Path,
        member: Callable[..., Client]) -> None:
    station.start()
    record = write(guarded, 1)
    until(lambda: station.acknowledged(record))
    known = set(station.entries())
    station.stop()
    with GROUNDS[ground.name](tmp_path / "anew") as other:
        station.use(other.profile("police"))
        station.start()
        until(lambda: "genesis" in station.get("/readyz").text, lambda: station.get("/readyz").text)
        assert station.get("/readyz").status_code == 503
        assert "is not read since" in station.get("/readyz").text
        page = station.get("/ui/entries").text
        assert "The police channel is not read" in page and "set up anew" in page
        recreated = Client(other, "campussec", "recorder", "police")
        write(recreated, 1)
        recreated.gateway.close()
        assert set(station.entries()) == known, "nothing of the other channel is taken for ours"
        station.stop()
    station.use(ground.profile("police"))
    station.start()
    record = write(guarded, 1)
    until(lambda: station.acknowledged(record), station.entries)
    assert station.get("/readyz").status_code == 200
