"""The way down: a change log with revisions without gaps, which boxes read from their cursor."""

from collections.abc import Callable

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from cloud.database import ledger_standing, meta
from cloud.database.engine import upsert
from cloud.database.tables import (
    ActionRow,
    AnchorRow,
    ChangeRow,
    CounterRow,
    DeliveryRow,
    ErasureRow,
    MetaRow,
    ProfileRow,
)
from contract.delivery import Delivery, SiteContacts
from contract.incident import Action
from contract.ledger import INCLUSION, Anchor
from contract.messages import (
    MAX_MESSAGE,
    ActionPut,
    AnchorPut,
    Change,
    Changes,
    DeliveryPut,
    ProfilePut,
    ProfileTombstone,
    SitePut,
)
from contract.model import Model
from contract.profile import Profile

EVERY_BOX = ""
ENVELOPE = 4096
"""Bytes of a Changes message that are not its changes, generously."""


def publish_change(session: Session, *, scope: str | None, kind: str, key: str) -> int:
    """Tell the box `scope` (None: every box) that a thing changed; return the revision. Replaces the thing's
    older one.

    Numbers are given under the lock of one row until the commit, for a bare sequence would let a reader skip
    a late commit. So publish last: whoever holds that lock must not wait for another row."""
    revision = session.execute(
        text("UPDATE counters SET revision = revision + 1 RETURNING revision")
    ).scalar_one()
    upsert(
        session,
        ChangeRow(revision=revision, scope=scope or EVERY_BOX, kind=kind, key=key),
        ("scope", "kind", "key"),
    )
    return int(revision)


def revision(session: Session) -> int:
    """The number of the newest change of all."""
    return session.exec(select(CounterRow.revision)).one()


def latest_for(session: Session, box: str, kind: str | None = None) -> int:
    """The newest revision that concerns this box (and this kind of thing), 0 for none."""
    query = select(func.max(ChangeRow.revision)).where(col(ChangeRow.scope).in_((EVERY_BOX, box)))
    if kind is not None:
        query = query.where(ChangeRow.kind == kind)
    return session.exec(query).one() or 0


def changes_for(session: Session, box: str, after: int, limit: int) -> Changes:
    """What the box should apply next: at most `limit` changes and at most MAX_MESSAGE bytes, oldest first."""
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
        change = Change(revision=row.revision, body=body)  # type: ignore[arg-type]
        size += len(change.model_dump_json().encode()) + 1
        if size > MAX_MESSAGE and changes:
            through = row.revision - 1
            break
        changes.append(change)
    return Changes(epoch=epoch, after=after, through=through, latest=newest, changes=tuple(changes))


def _profile(session: Session, key: str) -> Model | None:
    row = session.get(ProfileRow, key)
    if row is not None:
        return ProfilePut(profile=Profile.model_validate_json(row.content))
    return None if session.get(ErasureRow, key) is None else ProfileTombstone(profile_id=key)


def _site(session: Session, key: str) -> Model | None:
    row = session.get(MetaRow, key)
    return None if row is None else SitePut(site=SiteContacts.model_validate_json(row.value))


def _anchor(session: Session, key: str) -> Model | None:
    rows = session.exec(
        select(AnchorRow).where(AnchorRow.record_id == key).order_by(col(AnchorRow.channel))
    ).all()
    status, reason = ledger_standing.standing(session, key)
    return AnchorPut(
        record_id=key,
        status=status,
        reason=reason[:1000],
        anchors=tuple(Anchor.model_validate_json(row.anchor) for row in rows),
        inclusions=tuple(INCLUSION.validate_json(row.inclusion) for row in rows),
    )


def _delivery(session: Session, key: str) -> Model | None:
    row = session.get(DeliveryRow, key)
    return (
        None
        if row is None
        else DeliveryPut(delivery=Delivery(**row.model_dump(include=set(Delivery.model_fields))))
    )


def _action(session: Session, key: str) -> Model | None:
    row = session.get(ActionRow, key)
    return None if row is None else ActionPut(action=Action.model_validate_json(row.content))


BODIES: dict[str, Callable[[Session, str], Model | None]] = {
    "profile": _profile,
    "site": _site,
    "anchor": _anchor,
    "delivery": _delivery,
    "action": _action,
}
