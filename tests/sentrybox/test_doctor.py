"""`sentrybox doctor` says what is looked for on which camera, and which alerts could be sent."""

from appliance.config import BoxConfig
from appliance.pipeline.rules.table import Rules
from sentrybox.doctor import check_models, check_rules
from sentrybox.doctor_cloud import check_alerts


def test_every_camera_has_a_line_about_its_rules():
    config = BoxConfig.model_validate({
        "box": "b", "home": "h", "rules": {"intrusion": {"sensitivity": "low"}},
        "cameras": [{"id": "gate", "uri": "a.mp4", "location": "Gate"},
                    {"id": "hall", "uri": "b.mp4", "location": "Hall", "rules": {"intrusion": {"on": False}}}]})
    lines = list(check_rules(config))
    assert [(line.what, line.fix) for line in lines] == [("rules of gate", ""), ("rules of hall", "")]
    said = [line.seen.split("; ") for line in lines]
    assert [len(rules) for rules in said] == [len(Rules.model_fields)] * 2
    assert [[rule for rule in rules if rule.startswith("intrusion ")] for rules in said] == [
        ["intrusion reports who stands in a closed zone for 3 s (sensitivity low)"], ["intrusion is off"]]


def test_an_alert_url_that_cannot_send_is_said_so(tmp_path):
    path = tmp_path / "cloud.toml"
    path.write_text('''
home = "var"
url = "https://cloud.example.org"
[broker]
ca = "ca.pem"
certificate = "cloud.pem"
key = "cloud.key"
[alerts]
twilio_url = "nonsense"
fcm_url_file = "/nowhere/fcm"
''')
    sms, push, email, *_contacts = check_alerts(path)
    assert (sms.what, sms.seen, sms.fix) == (
        "alerts by sms", "the URL for sms alerts: Apprise does not understand this URL",
        "see https://appriseit.com/services/")
    assert "/nowhere/fcm cannot be read" in push.seen and push.fix
    assert (email.seen, email.fix) == ("not configured", f"name a provider for email in [alerts] of {path}")
    path.write_text(path.read_text().replace("nonsense", f"twilio://AC{'a' * 32}:{'b' * 32}@+15005550006"))
    sms, *_others = check_alerts(path)
    assert (sms.seen, sms.fix) == ("configured", "")


def test_only_the_built_in_pack_is_to_be_built(tmp_path):
    for name, built in (("open-1", True), ("ours", False)):
        [line] = check_models(BoxConfig.model_validate(
            {"box": "b", "home": "h", "vision": {"models": str(tmp_path / name)}}))
        assert ("models build" in line.seen, "models build" in line.fix) == (built, built)
        assert line.fix
