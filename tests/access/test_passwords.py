import time
from statistics import median

import pytest

from access.passwords import NO_PASSWORD, fits, hashed, weakness
from contract.errors import Rejected

GOOD = "correct horse battery"


@pytest.mark.parametrize("password", [GOOD, "a long password", "Zwölf Boxkämpfer", "kX9#qLw2!v", "4512-8891-77-kiwi"])
def test_what_will_do(password):
    assert weakness(password, "ada") == ""


@pytest.mark.parametrize(("password", "why"), [
    ("", "at least 10"), ("short", "at least 10"), ("x" * 257, "at most 256"),
    ("aaaaaaaaaa", "repeats"), ("abababababab", "repeats"), ("1212121212", "repeats"), ("abcdabcdabcd", "repeats"),
    ("AbAbAbAbAb", "repeats"), ("hello" * 3, "repeats"),
    ("Katherine Johnson", "name"), ("KATHERINE JOHNSON", "name"), ("katherine johnson1!", "name"),
    ("1234567890", "many people"), ("Password123!", "many people"), ("qwertyuiop", "many people"),
    ("CHANGEME2026", "many people"), ("sentrybox2026", "many people"), ("!!iloveyou!!", "many people"),
])
def test_what_will_not_do(password, why):
    assert why in weakness(password, "Katherine Johnson")
    with pytest.raises(Rejected, match=why):
        hashed(password, "Katherine Johnson")


def test_the_kept_hash_is_argon2id_as_owasp_advises_and_fits_its_password_only():
    kept = hashed(GOOD, "ada")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and GOOD not in kept
    assert fits(kept, GOOD) and not fits(kept, GOOD + "x") and not fits(kept, "")
    assert not fits("not a hash", GOOD)


def test_one_character_typed_in_two_ways_is_the_same():
    assert fits(hashed("caf\u00e9 au lait noir", "ada"), "cafe\u0301 au lait noir")


def test_nothing_fits_no_password_and_that_takes_as_long_as_a_wrong_one():
    kept = hashed(GOOD, "ada")

    def seconds(stored: str) -> float:
        began = time.process_time()
        assert not fits(stored, "a wrong password")
        return time.process_time() - began

    fits(NO_PASSWORD, "")
    known, unknown = (median(seconds(stored) for _ in range(5)) for stored in (kept, NO_PASSWORD))
    assert known / 3 < unknown < known * 3
