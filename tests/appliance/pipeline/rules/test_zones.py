"""Where a zone is and when it is closed."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.pipeline.rules.zones import inside, is_closed
from contract.zone import Closed


@given(st.floats(0, 1), st.floats(0, 1))
def test_inside_agrees_with_a_rectangle(x, y):
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    if 0.25 < x < 0.75 and 0.25 < y < 0.75:
        assert inside((x, y), square)
    if not (0.25 <= x <= 0.75 and 0.25 <= y <= 0.75):
        assert not inside((x, y), square)


@pytest.mark.parametrize(("closed", "moment", "wanted"), [
    ((Closed(),), "2026-11-23T03:00", True),
    ((), "2026-11-23T03:00", False),
    ((Closed(hours="22:00-06:00"),), "2026-11-23T23:00", True),
    ((Closed(hours="22:00-06:00"),), "2026-11-23T05:59", True),
    ((Closed(hours="22:00-06:00"),), "2026-11-23T06:00", False),
    ((Closed(days="mon-fri", hours="08:00-16:00"),), "2026-11-23T09:00", True),
    ((Closed(days="mon-fri", hours="08:00-16:00"),), "2026-11-22T09:00", False),
    ((Closed(days="sat-sun"),), "2026-11-22T09:00", True),
    ((Closed(days="fri", hours="22:00-06:00"),), "2026-11-21T05:00", True),
    ((Closed(days="fri", hours="22:00-06:00"),), "2026-11-22T05:00", False),
    ((Closed(days="sun-mon"),), "2026-11-23T05:00", True),
])
def test_schedules(closed, moment, wanted):
    assert is_closed(closed, datetime.fromisoformat(moment)) is wanted
