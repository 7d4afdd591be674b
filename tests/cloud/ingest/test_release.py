"""`[police] release`: whether a record is released to the police without a person's word."""

import pytest

from cloud.database import trail
from cloud.database.telling import releases
from cloud.ingest.intake import take
from contract.messages import encode


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("severity", ["low", "medium", "high", "critical"])
def test_only_the_severe_ones_and_only_where_the_site_says_so(database, box, setting, automatic, severity):
    setting = setting._replace(releases=automatic)
    messages = [box.incident(severity), box.log(severity)]
    for message in messages * 2:
        take(database, setting, box.name, encode(message))
    ids = (messages[0].body.incident.id, messages[1].body.log.id)
    with database.read() as session:
        found = releases.released(session, ids)
        by = [line.by for line in trail.page(session, None, 20) if line.action == "police.released"]
    severe = automatic and severity in ("high", "critical")
    assert found == (set(ids) if severe else set())
    assert by == ([releases.BY_RULE] * 2 if severe else [])


def test_what_was_taken_back_is_not_released_again_by_a_repeat(database, box, setting):
    setting = setting._replace(releases=True)
    message = box.incident("critical")
    incident = message.body.incident.id
    take(database, setting, box.name, encode(message))
    with database.write() as session:
        releases.withdraw(session, incident, "grace")
    take(database, setting, box.name, encode(message))
    with database.read() as session:
        assert releases.released(session, (incident,)) == set()
