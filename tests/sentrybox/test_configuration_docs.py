"""docs/configuration.md is checked: its examples are read by the programs, and no key is missing from them."""

import re
import tomllib
from pathlib import Path

import pytest

from appliance.config import BoxConfig
from cloud.config import CloudConfig
from police.config import PoliceConfig

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
BOX, CLOUD, POLICE = re.findall(r"```toml\n(.*?)```", TEXT, re.S)


@pytest.mark.parametrize(("kind", "example"), [(BoxConfig, BOX), (CloudConfig, CLOUD), (PoliceConfig, POLICE)])
def test_the_example_is_valid(kind, example):
    kind(**tomllib.loads(example))


def keys_of(kind, seen=()):
    for name, field in kind.model_fields.items():
        yield name
        for inner in re.findall(r"\b([A-Z]\w+)\b", str(field.annotation)):
            module = __import__(kind.__module__, fromlist=[inner])
            section = getattr(module, inner, None)
            if hasattr(section, "model_fields") and section not in (kind, *seen):
                yield from keys_of(section, (*seen, kind))


@pytest.mark.parametrize(("kind", "example"), [(BoxConfig, BOX), (CloudConfig, CLOUD), (PoliceConfig, POLICE)])
def test_every_key_is_explained(kind, example):
    # A secret has two spellings, of which the example shows the safer one.
    example = example + "twilio_url fcm_url email_url"
    assert [key for key in keys_of(kind) if not re.search(rf"\b{key}\b", example)] == []
