import json

import pytest

from cloud.ledger.fabric import profiles
from cloud.ledger.gateway.failures import SetupError
from cloud.ledger.gateway.profile import ConnectionProfile


@pytest.fixture
def path(organisations):
    """The campus's profile as the tooling writes it."""
    profiles.write(organisations.parent, {"campus": "127.0.0.1:7051", "police": "127.0.0.1:8051"})
    return organisations.parent / "profiles" / "campus.json"


def changed(path, tmp_path, change):
    """A copy below another folder at the same depth, so that relative paths lead nowhere unless absolute."""
    content = json.loads(path.read_text())
    change(content)
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(content))
    return copy


def test_profile_of_the_tooling_is_read(path):
    profile = ConnectionProfile.read(path)
    assert [peer.mspid for peer in profile.peers] == ["CampusMSP", "PoliceMSP"]
    assert profile.chaincode == "sentrybox"
    assert profile.identity("general").mspid == "CampusMSP"
    assert profile.identity("police").mspid == "CampusSecMSP"
    profile.gateway().close()


def test_unknown_channel_is_named(path):
    with pytest.raises(SetupError, match=r"'nowhere'.*general, police"):
        ConnectionProfile.read(path).identity("nowhere")


def test_missing_profile_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"none\.json cannot be read"):
        ConnectionProfile.read(tmp_path / "none.json")


@pytest.mark.parametrize(("change", "words"), [
    (lambda c: c.update(version=2), "version"),
    (lambda c: c.update(peers=[]), "peers"),
    (lambda c: c.update(channels={}), "channels"),
    (lambda c: c.update(colour="red"), "colour"),
    (lambda c: c.pop("chaincode"), "chaincode"),
    (lambda c: c["peers"][0].update(address="http://127.0.0.1:7051"), "peers.0.address"),
    (lambda c: c["peers"][0].update(address="127.0.0.1"), "peers.0.address"),
    (lambda c: c["channels"]["general"].pop("key"), "channels.general.key"),
])
def test_wrong_field_is_named(path, tmp_path, change, words):
    with pytest.raises(SetupError, match=words) as caught:
        ConnectionProfile.read(changed(path, tmp_path, change))
    assert "copy.json" in str(caught.value)


def test_file_that_is_no_json_is_named(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(SetupError, match=r"broken\.json"):
        ConnectionProfile.read(broken)


def test_files_of_a_profile_that_was_moved_are_named(path, tmp_path):
    profile = ConnectionProfile.read(changed(path, tmp_path, lambda content: None))
    with pytest.raises(SetupError, match="cannot be read"):
        profile.gateway()
    with pytest.raises(SetupError, match="cannot be read"):
        profile.identity("general")
