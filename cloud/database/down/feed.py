"""The changes that a box should apply next, read from every wing of the database by the revisions of the change log."""

from collections.abc import Callable

from sqlmodel import Session, col, select

from cloud.database import meta
from cloud.database.changes import EVERY_BOX, revision
from cloud.database.ledger import standing
from cloud.database.tables.ledger import AnchorRow
from cloud.database.tables.people import ErasureRow, ProfileRow
from cloud.database.tables.records import ActionRow
from cloud.database.tables.site import ChangeRow, MetaRow
from cloud.database.tables.telling import DeliveryRow
from contract.delivery import Delivery, SiteContacts
from contract.incident import Action
from contract.ledger import INCLUSION, Anchor
from contract.messages import (
    MAX_MESSAGE,
    ActionPut,
    AnchorPut,
    Change,
    ChangeBody,
    Changes,
    DeliveryPut,
    PolicyPut,
    ProfilePut,
    ProfileTombstone,
    SitePut,
)
from contract.policy import Policy
from contract.profile import Profile

ENVELOPE = 4096
"""Bytes of a Changes message that are not its changes, generously."""


def changes_for(session: Session, box: str, after: int, limit: int) -> Changes:
    """Return what the box should apply next: at most `limit` changes and at most MAX_MESSAGE bytes, oldest first."""
    # The number first: every change up to it is committed, and what is committed later has a higher one.
    newest = revision(session)
    epoch = meta.epoch(session)
    if after >= newest:
        return Changes(epoch=epoch, after=after, through=after, latest=newest, changes=())
    rows = session.exec(
        select(ChangeRow)
        .where(
            col(ChangeRow.scope).in_((EVERY_BOX, box)),
            ChangeRow.revision > after,
            ChangeRow.revision <= newest,
        )
        .order_by(col(ChangeRow.revision))
        .limit(limit)
    ).all()
    through = newest if len(rows) < limit else rows[-1].revision
    changes: list[Change] = []
    size = ENVELOPE
    for row in rows:
        body = BODIES[row.kind](session, row.key)
        if body is None:
            continue
        change = Change(revision=row.revision, body=body)
        size += len(change.model_dump_json().encode()) + 1
        if size > MAX_MESSAGE and changes:
            through = row.revision - 1
            break
        changes.append(change)
    return Changes(epoch=epoch, after=after, through=through, latest=newest, changes=tuple(changes))


def _profile(session: Session, key: str) -> ChangeBody | None:
    row = session.get(ProfileRow, key)
    if row is not None:
        return ProfilePut(profile=Profile.model_validate_json(row.content))
    return None if session.get(ErasureRow, key) is None else ProfileTombstone(profile_id=key)


def _site(session: Session, key: str) -> ChangeBody | None:
    row = session.get(MetaRow, key)
    return None if row is None else SitePut(site=SiteContacts.model_validate_json(row.value))


def _policy(session: Session, key: str) -> ChangeBody | None:
    row = session.get(MetaRow, key)
    return None if row is None else PolicyPut(policy=Policy.model_validate_json(row.value))


def _anchor(session: Session, key: str) -> ChangeBody | None:
    rows = session.exec(
        select(AnchorRow).where(AnchorRow.record_id == key).order_by(col(AnchorRow.channel))
    ).all()
    status, reason = standing.standing(session, key)
    return AnchorPut(
        record_id=key,
        status=status,
        reason=reason[:1000],
        anchors=tuple(Anchor.model_validate_json(row.anchor) for row in rows),
        inclusions=tuple(INCLUSION.validate_json(row.inclusion) for row in rows),
    )


def _delivery(session: Session, key: str) -> ChangeBody | None:
    row = session.get(DeliveryRow, key)
    return (
        None
        if row is None
        else DeliveryPut(delivery=Delivery(**row.model_dump(include=set(Delivery.model_fields))))
    )


def _action(session: Session, key: str) -> ChangeBody | None:
    row = session.get(ActionRow, key)
    return None if row is None else ActionPut(action=Action.model_validate_json(row.content))


BODIES: dict[str, Callable[[Session, str], ChangeBody | None]] = {
    "profile": _profile,
    "site": _site,
    "policy": _policy,
    "anchor": _anchor,
    "delivery": _delivery,
    "action": _action,
}
