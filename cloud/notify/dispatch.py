"""Draining the deliveries: claim, send, settle. Any number of workers may do it at once."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from cloud.database.engine import Database
from cloud.database.telling import alerts, deliveries
from cloud.database.telling.deliveries import DeliveryClaim
from cloud.notify import retry
from contract.delivery import Delivery
from contract.errors import SentryboxError, Unavailable
from contract.incident import Incident
from contract.moments import to_text
from contract.ports import Accepted, Alert, AlertChannel
from contract.profile import Channel

log = logging.getLogger(__name__)

LEASE_S = 180.0
"""Longer than the slowest provider may take for a look-up and a request, so that no claim is lost in between."""
AT_ONCE = 8


Letter = Callable[[Session, Delivery, str, datetime], Alert]
"""Puts a delivery into words, with its acknowledge link, as of a time."""


class Desk(NamedTuple):
    """The tools of a worker: the database, an adapter per configured channel, the time, the acknowledge link of a
    delivery id, and who writes the letters."""

    database: Database
    channels: Mapping[Channel, AlertChannel]
    now: Callable[[], datetime]
    link_for: Callable[[str], str]
    letter: Letter


def dispatch_once(desk: Desk, limit: int = AT_ONCE) -> int:
    """Try up to `limit` due deliveries, all at once; return how many there were.

    The state `sending` is committed before the first byte leaves: the delivery of a worker that dies is looked up at
    the provider before anybody sends it again.
    """
    with desk.database.write() as session:
        claimed = deliveries.claim_due(session, to_text(desk.now()), limit, LEASE_S)
    if claimed:
        with ThreadPoolExecutor(max_workers=len(claimed), thread_name_prefix="alert") as pool:
            list(pool.map(lambda claim: _attempt(desk, claim), claimed))
    return len(claimed)


def note_untold(desk: Desk) -> int:
    """Put on record each incident that should tell people and of which nobody could be told; return how many were
    new."""
    with desk.database.read() as session:
        untold = alerts.untold(session)
    if not untold:
        return 0
    with desk.database.write() as session:
        new = [incident for incident in untold
               if alerts.nobody_could_be_told(session, incident.id, incident.device, _why_nobody(incident))]
    for incident in new:
        log.error("incident %s (%s, %s): nobody could be told", incident.id, incident.kind, incident.severity)
    return len(new)


def _why_nobody(incident: Incident) -> str:
    known = "no victim was recognised" if not any(p.part == "victim" for p in incident.people) else \
        "the victims have no friends with contacts"
    return f"{known}, and the site has no security contacts; add them under Contacts"


def _attempt(desk: Desk, claim: DeliveryClaim) -> None:
    delivery = claim.delivery
    try:
        step = _try(desk, claim)
    except Exception as error:
        # A fault of ours must neither end the worker nor send again and again: the request may have left.
        log.exception("delivery %s", delivery.id)
        fault = Unavailable(f"fault in the dispatcher: {type(error).__name__}", ambiguous=True)
        step = retry.after(fault, attempt=delivery.attempts, unclear=claim.unclear, now=desk.now())
    with desk.database.write() as session:
        settled = deliveries.settle(session, delivery.id, step.state, unclear=step.unclear, reason=step.reason,
                                    provider_id=step.provider_id, not_before=step.not_before)
        if settled.state == "failed":
            alerts.tell_of_failure(session, settled)
    log.info("delivery %s by %s: %s %s", settled.id, settled.channel, settled.state, settled.reason)


def _try(desk: Desk, claim: DeliveryClaim) -> retry.Next:
    delivery, unclear = claim
    channel = desk.channels.get(delivery.channel)
    if channel is None:
        return retry.Next("failed", f"no {delivery.channel} service is configured in [alerts] of the cloud", unclear)
    with desk.database.read() as session:
        alert = desk.letter(session, delivery, desk.link_for(delivery.id), desk.now())
    outcome: Accepted | SentryboxError | None = None
    try:
        if unclear:
            outcome = channel.find(alert)
            if outcome is None and unclear >= retry.MOST_SENDS:
                return retry.after_silence(delivery.reason, unclear)
        if outcome is None:
            outcome = channel.send(alert)
    except SentryboxError as error:
        outcome = error
    return retry.after(outcome, attempt=delivery.attempts, unclear=unclear, now=desk.now())
