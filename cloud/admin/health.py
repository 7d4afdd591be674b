"""Health of the cloud: whether it lives, whether it can do its work, and its figures for Prometheus."""

from fastapi import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from cloud.admin.ledger_health import days_left, look
from cloud.admin.rules import RULES
from cloud.admin.services import Cloud, Services
from cloud.database import boxes
from cloud.database.ledger import audits, standing
from cloud.database.ledger.audits import AuditResult
from cloud.database.records import received
from cloud.database.telling import alerts
from contract.errors import SentryboxError
from contract.moments import from_text
from web.guard import new_router

router = new_router(RULES, "health")


class Ready(BaseModel):
    """`warnings`: what does not keep it from its work yet."""

    ready: bool
    problems: list[str] = []
    warnings: list[str] = []


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Ready}})
def readyz(cloud: Cloud, response: Response) -> Ready:
    """Say whether the cloud can do its work: the database and the ledger answer."""
    problems = []
    try:
        with cloud.database.read() as session:
            boxes.every(session)
    except (SentryboxError, SQLAlchemyError) as error:
        problems.append(f"database: {type(error).__name__}")
    ledger = look(cloud.ledger, cloud.policy.channels)
    problems += ledger.problems
    response.status_code = 503 if problems else 200
    return Ready(ready=not problems, problems=problems, warnings=ledger.warnings)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(cloud: Cloud) -> Response:
    """Return the figures as Prometheus text. No names and no ids of people."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(cloud))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """Reads the database when somebody scrapes, and never before."""

    def __init__(self, cloud: Services) -> None:
        self._cloud = cloud

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> list[GaugeMetricFamily]:
        with self._cloud.database.read() as session:
            jobs, told = standing.counts(session), alerts.counts(session)
            fleet = boxes.every(session)
            refused = received.count_quarantined(session)
            audited = audits.last(session)
        found = [GaugeMetricFamily("sentrybox_profiles", "People enrolled", value=self._cloud.profiles.count()),
                 GaugeMetricFamily("sentrybox_quarantined", "Messages of boxes that were refused", value=refused)]
        certificates = GaugeMetricFamily("sentrybox_ledger_certificate_days", "Days until a certificate expires with "
                                         "which records go on the ledger", labels=["name"])
        for name, expires in self._cloud.ledger.identities():
            certificates.add_metric([name], days_left(expires))
        found.append(certificates)
        for name, text, values in (
                ("ledger_jobs", "Records for the ledger, by state", jobs),
                ("deliveries", "Alerts to one recipient, by state", told),
                ("boxes", "Boxes, by state", {state: sum(b.state == state for b in fleet)
                                              for state in ("active", "pending", "revoked")})):
            family = GaugeMetricFamily(f"sentrybox_{name}", text, labels=["state"])
            for state, value in sorted(values.items()):
                family.add_metric([state], value)
            found.append(family)
        return found + ([] if audited is None else _audit_figures(audited))


def _audit_figures(audit: AuditResult) -> list[GaugeMetricFamily]:
    return [GaugeMetricFamily("sentrybox_ledger_audit_findings", "Findings of the last audit of the ledger",
                              value=audit.count),
            GaugeMetricFamily("sentrybox_ledger_audit_unavailable", "What the last audit of the ledger could not ask",
                              value=len(audit.unavailable)),
            GaugeMetricFamily("sentrybox_ledger_audit_finished", "When the last audit of the ledger ended",
                              value=from_text(audit.finished_at).timestamp())]
