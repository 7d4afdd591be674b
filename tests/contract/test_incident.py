"""The table of the kinds of incidents."""

from typing import get_args

from contract.incident import KINDS, Kind


def test_every_kind_has_a_name_of_its_own_and_a_severity():
    assert set(KINDS) == set(get_args(Kind))
    assert len({facts.label for facts in KINDS.values()}) == len(KINDS)
