from typing import get_args

import pytest

from cloud.config import URL_KEYS, AlertSettings, CloudConfig
from contract.config import read_config
from contract.errors import Rejected
from contract.policy import Policy
from contract.profile import CHANNELS, Channel

RIGHT = """
home = "var"
url = "https://cloud.example.org"
[broker]
ca = "ca.pem"
certificate = "cloud.pem"
key = "cloud.key"
"""


def read(tmp_path, text: str) -> CloudConfig:
    path = tmp_path / "cloud.toml"
    path.write_text(text)
    return read_config(path, CloudConfig)


def test_what_is_left_out_has_a_default(tmp_path):
    config = read(tmp_path, RIGHT)
    assert config.database_url().startswith("sqlite:////")
    assert config.alert_urls() == {}
    assert config.broker_address() == ("127.0.0.1", 8883)
    assert config.policy.policy() == Policy()


def test_a_second_police_organisation_has_rule_and_contacts_of_its_own(tmp_path):
    config = read(tmp_path, RIGHT + """
[[policy.police]]
word_for = "nothing"
[[policy.police]]
organisation = "rail-police"
from_severity = "critical"
word_for = "everything"
accounts = ["rail-process"]
[contacts]
others = { rail-police = [{ channel = "email", address = "desk@rail.example" }] }
""")
    police, rail = config.policy.policy().police
    assert (police.organisation, police.from_severity, police.word_for) == ("police", "high", "nothing")
    assert (rail.organisation, rail.from_severity, rail.word_for) == ("rail-police", "critical", "everything")
    assert config.contacts.site().of("rail-police")[0].address == "desk@rail.example"


@pytest.mark.parametrize(("section", "key"), [
    ('[ledger]\npolice_from = "high"', "from_severity"), ('[police]\nrelease = "automatic"', "word_for")])
def test_a_key_that_has_moved_says_where_to(tmp_path, section, key):
    with pytest.raises(Rejected, match=f"moved: .*{key}.*policy.police"):
        read(tmp_path, f"{RIGHT}{section}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RIGHT + "[http]\nport = 70000", "http.port: found 70000"),
        (
            RIGHT + '[ledger]\npolice_form = "high"',
            "ledger.police_form: unknown key; allowed here: audit_hours, batch_seconds, batch_size, kind, profile, "
            "roots",
        ),
        (RIGHT + '[[policy.police]]\nfrom_severity = "worst"', "policy.police.0.from_severity: found 'worst'"),
        (RIGHT + '[[policy.police]]\nfrom_severity = "low"', "'high' or 'critical'"),
        (RIGHT + '[[policy.police]]\nword_for = "names"', "'nothing', 'details' or 'everything'"),
        (RIGHT + '[[policy.police]]\nform = "high"', "allowed here: accounts, from_severity, organisation, word_for"),
        (RIGHT + '[[policy.police]]\n[[policy.police]]', "organisation police is named twice"),
        (RIGHT + '[[policy.police]]\norganisation = "general"', "no police organisation can be called general"),
        (RIGHT + '[contacts]\nsecurity = [{channel = "sms", address = "12"}]', "E.164"),
        (RIGHT + '[alerts]\ntwilio_url = "a://b"\ntwilio_url_file = "c"', "not both"),
        (RIGHT + '[http]\ncertificate = "x"', "together or not at all"),
        (RIGHT.replace('ca = "ca.pem"', ""), "broker.ca: is required"),
        (RIGHT.replace("cloud.example.org", "0.0.0.0:80"), "a link cannot lead there"),
        ("url = 1 2", "not TOML"),
    ],
)
def test_a_wrong_file_names_itself_the_key_and_what_is_allowed(tmp_path, text, said):
    with pytest.raises(Rejected) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "cloud.toml") in str(caught.value)


def test_secrets_may_lie_in_files_and_are_not_shown(tmp_path):
    secret = tmp_path / "twilio"
    secret.write_text("twilio://sid:token@from\n")
    config = read(
        tmp_path, RIGHT + f'[alerts]\ntwilio_url_file = "{secret}"\nemail_url = "mailtos://me:geheim@host"'
    )
    assert config.alert_urls() == {"sms": "twilio://sid:token@from", "email": "mailtos://me:geheim@host"}
    assert "geheim" not in repr(config)
    secret.unlink()
    with pytest.raises(Rejected, match="cannot be read"):
        config.alert_urls()


def test_no_channel_lacks_kind_and_url_keys():
    channels = set(get_args(Channel))
    assert (set(CHANNELS), set(URL_KEYS), len(set(URL_KEYS.values()))) == (channels, channels, len(channels))
    assert {f"{key}{end}" for key in URL_KEYS.values() for end in ("", "_file")} == \
        {key for key in AlertSettings.model_fields if "_url" in key}


@pytest.mark.parametrize("channel", get_args(Channel))
def test_the_url_of_every_channel_is_read_from_either_key(tmp_path, channel):
    key, secret = URL_KEYS[channel], tmp_path / "secret"
    secret.write_text("a://in-a-file\n")
    alerts = f"{RIGHT}[alerts]\n"
    assert read(tmp_path, f'{alerts}{key} = "a://b"').alert_urls() == {channel: "a://b"}
    assert read(tmp_path, f'{alerts}{key}_file = "{secret}"').alert_urls() == {channel: "a://in-a-file"}
    with pytest.raises(Rejected, match=f"give {key} or {key}_file, not both"):
        read(tmp_path, f'{alerts}{key} = "a://b"\n{key}_file = "{secret}"')
