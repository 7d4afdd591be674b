"""A configuration with a typo: the error names file, key, what was found and what is allowed."""

import pytest

from appliance.config import BoxConfig
from appliance.pipeline.rules.table import Rules
from contract.config import read_config
from contract.errors import Rejected

RULES = ", ".join(sorted(Rules.model_fields))
GOOD = '''
box = "box-1"
home = "var/box"
[[cameras]]
id = "gate"
uri = "rtsp://127.0.0.1:8554/gate"
location = "North gate"
[[cameras.zones]]
name = "lane"
polygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]
closed = [{days = "mon-fri", hours = "22:00-06:00"}]
'''


def write(tmp_path, text):
    path = tmp_path / "box.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path):
    config = read_config(write(tmp_path, GOOD), BoxConfig)
    assert config.cameras[0].zones[0].closed[0].hours == "22:00-06:00"
    assert config.http.host == "127.0.0.1"


@pytest.mark.parametrize(("before", "after", "wanted"), [
    ('box = "box-1"', 'bxo = "box-1"', ["bxo: unknown key; allowed here: box, cameras, cloud", "box: is required"]),
    ('box = "box-1"', 'box = "Box 1"', ["box: found 'Box 1'"]),
    ('uri = ', 'url = ', ["cameras.0.url: unknown key; allowed here: fps, id, location, loop, name, rules, uri, zones",
                         "(cameras.0 is gate)"]),
    ("[0.9, 0.1]", "[9, 0.1]", ["cameras.0.zones.0.polygon.1.0: found 9", "0 to 1"]),
    ("22:00-06:00", "22-6", ["hours: found '22-6'", "22:00-06:00"]),
    ("[[cameras]]", "[http]\nport = 99999\n[[cameras]]", ["http.port: found 99999", "65535"]),
    ("[[cameras]]", "[http]\ncertificate = 'a.pem'\n[[cameras]]", ["http: found", "given together"]),
    ('[[cameras]]', "[[cameras]\n", ["not TOML"]),
    ('location = "North gate"', 'location = ""', ["cameras.0.location: found ''"]),
    ('[[cameras.zones]]', "[cameras.rules.intrusion]\nsensitivity = 'huge'\n[[cameras.zones]]",
     ["cameras.0.rules.intrusion.sensitivity: found 'huge'", "'low', 'normal' or 'high'", "(cameras.0 is gate)"]),
    ('[[cameras.zones]]', "[cameras.rules.intrusion]\non = 'perhaps'\n[[cameras.zones]]",
     ["cameras.0.rules.intrusion.on: found 'perhaps'", "boolean", "(cameras.0 is gate)"]),
    ('[[cameras.zones]]', "[cameras.rules.intrusion]\nsize = 3\n[[cameras.zones]]",
     ["cameras.0.rules.intrusion.size: unknown key; allowed here: on, sensitivity (cameras.0 is gate)"]),
    ('[[cameras.zones]]', "[cameras.rules.intrusoin]\non = true\n[[cameras.zones]]",
     [f"cameras.0.rules.intrusoin: unknown key; allowed here: {RULES} (cameras.0 is gate)", "intrusion"]),
    ('[[cameras]]', "[rules.intrusion]\nsensitivity = 'off'\n[[cameras]]",
     ["rules.intrusion.sensitivity: found 'off'", "'low', 'normal' or 'high'"]),
    ("22:00-06:00", "22-6", ["(cameras.0 is gate, cameras.0.zones.0 is lane)"]),
    ('[[cameras]]', '[[cameras]]\nid="gate"\nuri="x.mp4"\nlocation="y"\n[[cameras]]', ["given more than once: gate"]),
])
def test_a_typo_is_explained(tmp_path, before, after, wanted):
    path = write(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(Rejected) as caught:
        read_config(path, BoxConfig)
    for text in (str(path), *wanted):
        assert text in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Rejected, match="cannot be read"):
        read_config(tmp_path / "absent.toml", BoxConfig)
