"""Links expire, and no changed character passes."""

import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.notify.links import KEY_BYTES, LinkExpired, check, key_from_file, sign
from contract.errors import NotFound, Rejected

KEY = bytes(range(32))
DELIVERY = "6c1f3f0a-5d0e-5b1c-9f57-53656e747279"
EXPIRES = 1_800_000_000
TOKEN = sign(DELIVERY, EXPIRES, KEY)


def test_a_link_names_its_delivery_until_it_expires():
    assert check(TOKEN, EXPIRES - 0.001, KEY) == DELIVERY
    with pytest.raises(LinkExpired, match="expired"):
        check(TOKEN, EXPIRES, KEY)


def test_a_link_is_short_and_safe_in_a_url():
    assert len(TOKEN) < 80 and set(TOKEN) <= set(string.ascii_letters + string.digits + "-_.")


def test_each_changed_character_is_refused():
    for place in range(len(TOKEN)):
        for other in string.ascii_letters + string.digits + "-_.=":
            if other != TOKEN[place]:
                with pytest.raises(NotFound) as caught:
                    check(TOKEN[:place] + other + TOKEN[place + 1:], 0, KEY)
                assert not isinstance(caught.value, LinkExpired)


def test_each_missing_or_added_character_is_refused():
    for place in range(len(TOKEN)):
        for damaged in (TOKEN[:place] + TOKEN[place + 1:], TOKEN[:place] + "a" + TOKEN[place:]):
            with pytest.raises(NotFound):
                check(damaged, 0, KEY)


def test_another_key_is_refused():
    with pytest.raises(NotFound):
        check(TOKEN, 0, bytes(32))


@given(st.text(max_size=200))
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(NotFound, match="not one of ours"):
        check(text, 0, KEY)


def test_the_key_file_is_made_once_and_private(tmp_path):
    path = tmp_path / "links.key"
    key = key_from_file(path)
    assert len(key) == KEY_BYTES and key_from_file(path) == key
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_damaged_key_file_is_named(tmp_path):
    path = tmp_path / "links.key"
    path.write_bytes(b"short")
    with pytest.raises(Rejected, match="5 bytes"):
        key_from_file(path)
