"""docs/configuration.md is checked: its examples are read by the programs, and no key is missing from them."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from appliance.config import BoxConfig
from cloud.config import CloudConfig
from police.config import PoliceConfig

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
BOX, CLOUD, POLICE = re.findall(r"```toml\n(.*?)```", TEXT, re.S)


@pytest.mark.parametrize(("kind", "example"), [(BoxConfig, BOX), (CloudConfig, CLOUD), (PoliceConfig, POLICE)])
def test_the_example_is_valid(kind, example):
    kind(**tomllib.loads(example))


def sections_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections_in(inner)


def keys_of(kind):
    """The keys that the file may hold, without the second spelling of a secret: the example shows the safer one."""
    for name, field in kind.model_fields.items():
        if f"{name}_file" not in kind.model_fields:
            yield name
        for section in sections_in(field.annotation):
            yield from keys_of(section)


def test_keys_of_inherited_sections_are_among_them():
    assert {"twilio_url_file", "email_url_file", "security", "channel", "public_port"} <= set(keys_of(CloudConfig))
    assert {"twilio_url_file", "security", "channel", "certificate", "token_file"} <= set(keys_of(PoliceConfig))


@pytest.mark.parametrize(("kind", "example"), [(BoxConfig, BOX), (CloudConfig, CLOUD), (PoliceConfig, POLICE)])
def test_every_key_is_explained(kind, example):
    assert [key for key in keys_of(kind) if not re.search(rf"\b{key}\b", example)] == []
