"""`sentrybox doctor` says what is looked for on which camera."""

from appliance.config import BoxConfig
from sentrybox.doctor import check_rules


def test_every_camera_has_a_line_about_its_rules():
    config = BoxConfig.model_validate({
        "box": "b", "home": "h", "rules": {"intrusion": {"sensitivity": "low"}},
        "cameras": [{"id": "gate", "uri": "a.mp4", "location": "Gate"},
                    {"id": "hall", "uri": "b.mp4", "location": "Hall", "rules": {"intrusion": {"on": False}}}]})
    assert [(line.what, line.seen, line.fix) for line in check_rules(config)] == [
        ("rules of gate", "intrusion reports who stands in a closed zone for 3 s (sensitivity low)", ""),
        ("rules of hall", "intrusion is off", "")]
