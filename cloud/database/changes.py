"""The change log of the way down: revisions without gaps, in the order of their commits."""

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from cloud.database.engine import upsert
from cloud.database.tables.site import ChangeRow, CounterRow

EVERY_BOX = ""


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
    """Return the number of the newest change of all."""
    return session.exec(select(CounterRow.revision)).one()


def latest_for(session: Session, box: str, kind: str | None = None) -> int:
    """Return the newest revision that concerns this box (and this kind of thing), 0 for none."""
    query = select(func.max(ChangeRow.revision)).where(col(ChangeRow.scope).in_((EVERY_BOX, box)))
    if kind is not None:
        query = query.where(ChangeRow.kind == kind)
    return session.exec(query).one() or 0
