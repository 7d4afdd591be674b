"""Facts about the whole cloud: its epoch, what was configured last."""

from sqlmodel import Session

from cloud.database.engine import insert_if_absent, upsert
from cloud.database.tables.site import MetaRow
from contract.ids import new_id


def get(session: Session, key: str) -> str | None:
    """Return the value, None when there is none."""
    row = session.get(MetaRow, key)
    return None if row is None else row.value


def put(session: Session, key: str, value: str) -> None:
    """Set the value."""
    upsert(session, MetaRow(key=key, value=value), ("key",))


def ensure_epoch(session: Session) -> str:
    """Return the epoch, made at the first start. Whoever restores this database from a backup calls `new_epoch`."""
    insert_if_absent(session, MetaRow(key="epoch", value=new_id()))
    return epoch(session)


def new_epoch(session: Session) -> str:
    """Tell all boxes to offer everything again, by a new epoch."""
    put(session, "epoch", new_id())
    return epoch(session)


def epoch(session: Session) -> str:
    """Return the id that receipts and changes carry."""
    value = get(session, "epoch")
    if value is None:
        raise RuntimeError("this database has no epoch: ensure_epoch runs at the first start")
    return value
