import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.names import LONGEST_NAME, canonical, checked_name, free_key
from contract.errors import Rejected


@pytest.mark.parametrize(("one", "other"), [("Ada", "ada"), (" ada ", "ADA"), ("Größe", "GRÖSSE"), ("ﬁt", "FIT"),
                                            ("Ａｄａ", "ada"), ("I", "i")])
def test_spellings_of_one_name_have_one_key(one, other):
    assert canonical(one) == canonical(other)


@given(st.text())
def test_a_key_is_its_own_key_and_short(name):
    assert canonical(canonical(name)) == canonical(name)
    assert len(canonical(name)) <= LONGEST_NAME


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "a\x00", "x" * (LONGEST_NAME + 1), "ﬁt"])
def test_names_that_will_not_do(name):
    with pytest.raises(Rejected, match="printable"):
        checked_name(name)


def test_a_name_that_will_do_stays_as_typed():
    assert checked_name("Ada Größe") == "Ada Größe"


def test_a_key_that_is_taken_gets_the_first_free_number():
    assert free_key("ada", set()) == "ada"
    assert free_key("ada", {"ada", "ada-2"}) == "ada-3"
