"""The rules' settings: the site's, replaced by a camera's own key by key; a rule that is off is not made."""

from pathlib import Path
from typing import get_args

import pytest

from appliance.config import BoxConfig
from appliance.pipeline.rules.intrusion import Intrusion
from appliance.pipeline.rules.rule import Rule, RuleSettings
from appliance.pipeline.rules.table import Rules
from contract.config import read_config
from contract.incident import Kind

CAMERA = '[[cameras]]\nid = "{0}"\nuri = "{0}.mp4"\nlocation = "{0}"\n'


def read(tmp_path: Path, site: str = "", gate: str = "") -> Rules:
    """The rules of the camera gate of a file with these sections."""
    path = tmp_path / "box.toml"
    path.write_text(f'box = "b"\nhome = "h"\n{site}\n{CAMERA.format("gate")}{gate}\n{CAMERA.format("hall")}')
    config = read_config(path, BoxConfig)
    assert config.rules_of(config.cameras[1]) == config.rules, "another camera's settings are the site's"
    return config.rules_of(config.cameras[0])


@pytest.mark.parametrize(("site", "gate", "on", "sensitivity"), [
    ("", "", True, "normal"),
    ("[rules.intrusion]\nsensitivity = 'low'", "", True, "low"),
    ("[rules.intrusion]\nsensitivity = 'low'", "[cameras.rules.intrusion]\nsensitivity = 'high'", True, "high"),
    ("[rules.intrusion]\nsensitivity = 'low'", "[cameras.rules.intrusion]\non = false", False, "low"),
    ("[rules.intrusion]\non = false", "[cameras.rules.intrusion]\non = true", True, "normal"),
    ("[rules.intrusion]\non = false", "[cameras.rules.intrusion]\nsensitivity = 'high'", False, "high"),
    ("[rules.intrusion]\nsensitivity = 'high'", "[cameras.rules.intrusion]\nsensitivity = 'normal'", True, "normal"),
])
def test_a_cameras_own_keys_go_before_the_sites(tmp_path, site, gate, on, sensitivity):
    intrusion = read(tmp_path, site, gate).intrusion
    assert (intrusion.on, intrusion.sensitivity) == (on, sensitivity)


def test_only_rules_that_are_on_are_made():
    def intrusions(rules: Rules) -> list[Rule]:
        return [rule for rule in rules.running() if isinstance(rule, Intrusion)]

    (rule,) = intrusions(Rules())
    assert intrusions(Rules())[0] is not rule, "each camera has a rule of its own"
    off = Rules.model_validate({"intrusion": {"on": False}})
    assert intrusions(off) == [] and len(off.running()) == len(Rules().running()) - 1
    assert Rules.model_validate({kind: {"on": False} for kind in Rules.model_fields}).running() == []


def test_people_are_shown_every_rule_also_those_that_are_off():
    states = Rules.model_validate({"intrusion": {"on": False, "sensitivity": "low"}}).states()
    assert [state.kind for state in states] == list(Rules.model_fields)
    (intrusion,) = (state for state in states if state.kind == "intrusion")
    assert (intrusion.on, intrusion.settings) == (False, {"sensitivity": "low"}) and "3 s" in intrusion.effect


def test_only_on_belongs_to_every_rule():
    assert set(RuleSettings.model_fields) == {"on"}


def test_every_rule_has_the_name_of_the_incidents_that_it_finds():
    assert set(Rules.model_fields) <= set(get_args(Kind))
