"""What people see of the ledger's audit."""

import pytest

from cloud.database.ledger import audits
from cloud.database.ledger.audits import AuditFinding, AuditResult, Told
from cloud.database.telling import alerts, deliveries

AT = "2026-11-23T20:00:00.000Z"
FINDING = AuditFinding(kind="gap", where="box roof-box, entry 3", text="missing here", advice="Look at the box",
                       key="x")


def keep(site, *findings, count=None, unavailable=()):
    with site.database.write() as session:
        audits.keep(session, AuditResult(
            started_at=AT, finished_at=AT, checked={"entries": 12}, waiting=1,
            count=len(findings) if count is None else count, findings=findings, unavailable=unavailable,
            fingerprint="ab" * 32))


def test_there_was_none_yet(campus):
    assert campus.clients["admin"].get("/ledger/audit").json() == {"last": None}
    assert "There was none yet" in campus.clients["admin"].get("/ui/audit").text


def test_where_all_agrees_it_says_so(campus):
    keep(campus)
    assert campus.clients["admin"].get("/ledger/audit").json()["last"]["checked"] == {"entries": 12}
    assert "the ledger agree" in campus.clients["admin"].get("/ui/audit").text
    assert "audit found" not in campus.clients["guard"].get("/ui/incidents").text


def test_findings_are_shown_to_admins_and_counted_for_guards(campus):
    keep(campus, FINDING, count=3, unavailable=("the ledger: no peer",))
    page = campus.clients["admin"].get("/ui/audit").text
    for text in ("3 gaps or differences", FINDING.where, FINDING.advice, "The first 1 are shown", "no peer"):
        assert text in page
    for role in ("guard", "supervisor", "admin"):
        assert "audit found 3 gaps or differences" in campus.clients[role].get("/ui/incidents").text
    assert "audit found" not in campus.clients["police"].get("/ui/incidents").text
    assert campus.clients["guard"].get("/ledger/audit").status_code == 403


def test_prometheus_learns_of_it(campus):
    assert "ledger_audit" not in campus.clients["nobody"].get("/metrics").text
    keep(campus, FINDING, count=3, unavailable=("the ledger: no peer",))
    metrics = campus.clients["nobody"].get("/metrics").text
    assert "sentrybox_ledger_audit_findings 3.0" in metrics and "sentrybox_ledger_audit_unavailable 1.0" in metrics
    assert "sentrybox_ledger_audit_finished 1.795" in metrics


@pytest.mark.parametrize("count", [1, 2])
def test_the_link_of_its_alert_shows_the_first_lines(campus, count):
    with campus.database.write() as session:
        subject = "018f0000-0000-7000-8000-00000000000a"
        audits.keep_told(session, Told(subject=subject, fingerprint="ab" * 32, count=count,
                                              lines=(FINDING.line(),)))
        alerts.tell_of_audit(session, subject, count)
        delivery = deliveries.for_subject(session, subject)[0]
    page = campus.clients["nobody"].get(f"/a/{campus.token_for(delivery.id)}").text
    assert "box roof-box, entry 3" in page and ("gap or difference" if count == 1 else "gaps or differences") in page
