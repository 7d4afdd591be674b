"""Health of the process: whether it lives, whether it hears the police channel, and its figures for Prometheus."""

from fastapi import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from cloud.database.telling import alerts
from contract.errors import SentryboxError
from police.api.rules import RULES
from police.api.services import Police, Services
from police.database import acknowledgements
from police.database import details as police_details
from police.database import entries as police_entries
from web.guard import new_router

router = new_router(RULES, "health")


class Ready(BaseModel):
    ready: bool
    problems: list[str] = []


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Ready}})
def readyz(police: Police, response: Response) -> Ready:
    """Say whether an entry on the police channel would be told: the database answers, and so does a peer of the
    channel.
    """
    problems = list(police.faults())
    try:
        with police.database.read() as session:
            police_entries.checkpoint(session)
    except (SentryboxError, SQLAlchemyError) as error:
        problems.append(f"database: {type(error).__name__}")
    link = police.link()
    if link.problem:
        what = "is not read" if link.refused else "cannot be reached"
        problems.append(f"the police channel {what} since {link.since}: {link.problem}")
    response.status_code = 503 if problems else 200
    return Ready(ready=not problems, problems=problems)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(police: Police) -> Response:
    """Return the figures as Prometheus text. No names and no ids of people."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(police))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """Reads the database when somebody scrapes, and never before."""

    def __init__(self, police: Services) -> None:
        self._police = police

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> list[GaugeMetricFamily]:
        link = self._police.link()
        with self._police.database.read() as session:
            entries, queued = police_entries.count(session), acknowledgements.queued(session)
            told, details = alerts.counts(session), police_details.counts(session)
        found = [
            GaugeMetricFamily("sentrybox_police_entries", "Entries of the police channel", value=entries),
            GaugeMetricFamily("sentrybox_police_unacknowledged", "Entries without our word on the ledger",
                              value=queued),
            GaugeMetricFamily("sentrybox_police_channel_up", "1 while the police channel is read",
                              value=0 if link.problem else 1)]
        for name, text, values in (("deliveries", "Alerts to one recipient, by state", told),
                                   ("police_details", "Details of entries, by state", details)):
            family = GaugeMetricFamily(f"sentrybox_{name}", text, labels=["state"])
            for state, count in values.items():
                family.add_metric([state], count)
            found.append(family)
        return found
