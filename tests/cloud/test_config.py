import pytest

from cloud.config import CloudConfig
from contract.config import read_config
from contract.errors import Rejected

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
    assert config.ledger.police_from == "high"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RIGHT + "[http]\nport = 70000", "http.port: found 70000"),
        (
            RIGHT + '[ledger]\npolice_form = "high"',
            "ledger.police_form: unknown key; allowed here: audit_hours, batch_seconds, batch_size, kind, police_from, "
            "profile, roots",
        ),
        (RIGHT + '[ledger]\npolice_from = "worst"', "'low', 'medium', 'high' or 'critical'"),
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
