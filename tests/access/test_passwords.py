import pytest
from argon2 import extract_parameters

from access import passwords
from access.passwords import HASHER, NO_PASSWORD, fits, hashed, weakness
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


@pytest.mark.parametrize("password", ["a wrong password", "ein \N{LATIN SMALL LIGATURE FI}eses Wort"])
def test_nothing_fits_no_password_and_as_much_is_computed_as_for_a_wrong_one(monkeypatch, password):
    computed, verified = [], passwords._verified

    def counting(kept: str, spelling: str) -> bool:
        computed.append((extract_parameters(kept), spelling))
        return verified(kept, spelling)

    monkeypatch.setattr(passwords, "_verified", counting)
    assert not fits(hashed(GOOD, "ada"), password)
    known = computed.copy()
    computed.clear()
    assert not fits(NO_PASSWORD, password)
    assert computed == known != []


@pytest.mark.parametrize("password", [
    "Größe ist 5 µm im Garten", "u\N{COMBINING DIAERESIS}ber den Fluss", "x7! " * 105])
def test_a_password_kept_as_it_was_typed_still_fits(password):
    kept = HASHER.hash(password)
    assert fits(kept, password) and not fits(kept, password + "!") and not fits(NO_PASSWORD, password)
