"""What is released to the police without a person's word: by the site's policy, as a record comes in."""

import pytest

from cloud.database import trail
from cloud.database.telling import releases
from cloud.ingest.intake import take
from contract.messages import encode
from contract.policy import POLICE
from tests.support.policies import waiting_for


@pytest.mark.parametrize("word_for", ["nothing", "details", "everything"])
@pytest.mark.parametrize("severity", ["low", "medium", "high", "critical"])
def test_only_the_severe_ones_and_only_where_the_site_says_so(database, box, setting, word_for, severity):
    setting = setting._replace(policy=waiting_for(word_for))
    messages = [box.incident(severity), box.log(severity)]
    for message in messages * 2:
        take(database, setting, box.name, encode(message))
    ids = (messages[0].body.incident.id, messages[1].body.log.id)
    with database.read() as session:
        found = releases.released(session, ids, POLICE)
        by = [line.by for line in trail.page(session, None, 20) if line.action == "police.released"]
    severe = word_for == "nothing" and severity in ("high", "critical")
    assert found == (set(ids) if severe else set())
    assert by == ([releases.BY_RULE] * 2 if severe else [])


def test_what_was_taken_back_is_not_released_again_by_a_repeat(database, box, setting):
    setting = setting._replace(policy=waiting_for("nothing"))
    message = box.incident("critical")
    incident = message.body.incident.id
    take(database, setting, box.name, encode(message))
    with database.write() as session:
        releases.withdraw(session, incident, POLICE, "grace")
    take(database, setting, box.name, encode(message))
    with database.read() as session:
        assert releases.released(session, (incident,), POLICE) == set()
