"""What people see of a ledger that cannot be written on, and of certificates that expire."""

from datetime import timedelta

import pytest

from contract.errors import Unavailable
from contract.moments import from_text, now, to_text
from contract.ports import LedgerIdentity


class Troubled:
    """The ledger behind it, with what is wrong with it."""

    def __init__(self, ledger, days: float, problem: str) -> None:
        self._ledger, self._days, self._problem = ledger, days, problem

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    def check(self, channel):
        if channel == "police" and self._problem:
            raise Unavailable(self._problem, hint="bring the old network back")

    def identities(self):
        return (LedgerIdentity("CampusMSP on general", to_text(from_text(now()) + timedelta(days=self._days))),)


@pytest.fixture
def trouble(campus):
    def make(days: float = 200.5, problem: str = "") -> None:
        campus.app.state.services = campus.app.state.services._replace(
            ledger=Troubled(campus.ledger, days, problem))

    return make


def test_a_ledger_that_refuses_is_said_with_what_to_do(campus, as_, trouble):
    trouble(problem="refused: channel police is another ledger")
    said = "ledger, police: refused: channel police is another ledger (bring the old network back)"
    answer = as_.nobody.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, [said])
    assert as_.guard.get("/boxes").json()["ledger"]["problems"] == [said]
    assert said in as_.guard.get("/ui/boxes").text


@pytest.mark.parametrize(("days", "left", "warned"), [(200.5, 200, False), (30.5, 30, False), (29.5, 29, True),
                                                      (0.5, 0, True), (-3.5, -4, True)])
def test_days_left_are_shown_and_warned_of_well_before(campus, as_, trouble, days, left, warned):
    trouble(days=days)
    assert as_.guard.get("/boxes").json()["ledger"]["certificates"][0]["days_left"] == left
    answer = as_.nobody.get("/readyz")
    assert (answer.status_code, len(answer.json()["warnings"])) == (200, int(warned))
    page = as_.guard.get("/ui/boxes").text
    assert f"{left} days left" in page
    assert ("issue a new one" in page) is warned
    figure = f'sentrybox_ledger_certificate_days{{name="CampusMSP on general"}} {left}.0'
    assert figure in as_.nobody.get("/metrics").text


def test_a_box_shows_the_days_of_its_own_certificate(campus, as_):
    from cloud.database import boxes
    with campus.database.write() as session:
        boxes.get(session, "roof-box").certificate_expires = to_text(from_text(now()) + timedelta(days=12.5))
    assert as_.guard.get("/boxes").json()["items"][0]["certificate_days_left"] == 12
    assert "12 days left" in as_.guard.get("/ui/boxes").text


def test_the_embedded_log_needs_no_certificate(as_):
    assert as_.guard.get("/boxes").json()["ledger"] == {"problems": [], "warnings": [], "certificates": []}
    assert as_.nobody.get("/readyz").json() == {"ready": True, "problems": [], "warnings": []}
