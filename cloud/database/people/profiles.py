"""Enrolled people. The cloud's revision is the one that counts; every change goes down to every box."""

import json
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.changes import publish_change
from cloud.database.engine import Database, insert_if_absent
from cloud.database.people import erasures
from cloud.database.people.stamps import newer_parts, stamps_of
from cloud.database.tables.people import ErasureRow, ProfileRow, WaitingChangeRow
from contract.canonical import canonical_bytes
from contract.errors import Conflict, NotFound, Rejected
from contract.messages import MAX_MESSAGE, ProfileChanged, ProfileCreated
from contract.moments import now
from contract.profile import Profile, ProfileChange, apply_change
from contract.views import ErasureView

MAX_BYTES = MAX_MESSAGE - 8192
"""Canonical bytes of a profile: it has to fit into one message to the boxes."""
_LOCK = 0x50726F66  # one number for pg_advisory_xact_lock, ours alone


class ProfileTable:
    """contract.ports.ProfileRepository, on the cloud's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, profile_id: str) -> Profile:
        """Return the profile. Raises NotFound."""
        with self._database.read() as session:
            return get(session, profile_id)

    def find(self, profile_id: str) -> Profile | None:
        """Return the profile, None when there is no such person (any more)."""
        with self._database.read() as session:
            return find(session, profile_id)

    def create(self, profile: Profile, by: str) -> Profile:
        with self._database.write() as session:
            lock(session)
            _check_free(session, profile.id)
            _check_friends(session, profile.friends)
            created = profile.model_copy(update={"revision": 1})
            _insert(session, created, now())
            _published(session, profile.id, by, "profile.created")
            return created

    def change(self, profile_id: str, change: ProfileChange, by: str, revision: int | None = None) -> Profile:
        with self._database.write() as session:
            lock(session)
            profile = get(session, profile_id)
            if revision is not None and revision != profile.revision:
                raise Conflict(
                    f"profile {profile_id} is at revision {profile.revision}, not {revision}",
                    hint="read it again and repeat the change",
                )
            _check_friends(session, change.add_friends)
            changed = _apply(session, profile_id, change, now())
            _published(session, profile_id, by, "profile.changed")
            return changed

    def erase(self, profile_id: str, by: str) -> None:
        with self._database.write() as session:
            erase(session, profile_id, by)

    def page(self, after: str, limit: int) -> list[Profile]:
        with self._database.read() as session:
            rows = session.exec(
                select(ProfileRow).where(ProfileRow.id > after).order_by(col(ProfileRow.id)).limit(limit)
            )
            return [Profile.model_validate_json(row.content) for row in rows]

    def count(self) -> int:
        """Return how many people are enrolled."""
        with self._database.read() as session:
            return session.exec(select(func.count()).select_from(ProfileRow)).one()

    def erasure(self, profile_id: str) -> ErasureView:
        """Return which boxes have confirmed. Raises NotFound when no erasure was asked for."""
        with self._database.read() as session:
            return erasures.view(session, profile_id)


def lock(session: Session) -> None:
    """Let one writer of profiles in at a time, before it reads what it decides on. (SQLite has one writer anyway.)"""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def get(session: Session, profile_id: str) -> Profile:
    """Return the profile. Raises NotFound, also for an erased person."""
    profile = find(session, profile_id)
    if profile is None:
        gone = session.get(ErasureRow, profile_id) is not None
        raise NotFound(f"person {profile_id} was erased" if gone else f"there is no person {profile_id}")
    return profile


def find(session: Session, profile_id: str) -> Profile | None:
    """Return the profile, None when there is no such person (any more)."""
    row = session.get(ProfileRow, profile_id)
    return None if row is None else Profile.model_validate_json(row.content)


def everyone(session: Session) -> list[Profile]:
    """Return all profiles: for the digest that boxes are compared by."""
    return [Profile.model_validate_json(content) for content in session.exec(select(ProfileRow.content))]


def apply_created(session: Session, body: ProfileCreated, box: str, made_at: str) -> None:
    """Store a profile made at a box. The same again is harmless; changes that came before it take effect now.

    Raises Conflict when the id is another profile's or was erased, Rejected when it is too large.
    """
    lock(session)
    known = find(session, body.profile.id)
    if known is not None and known.model_copy(update={"revision": 1}) == body.profile.model_copy(
        update={"revision": 1}
    ):
        return
    _check_free(session, body.profile.id)
    # A friend may be on the way from another box, so an unknown one is kept; an erased one is not.
    friends = tuple(f for f in body.profile.friends if session.get(ErasureRow, f) is None)
    _insert(session, body.profile.model_copy(update={"friends": friends, "revision": 1}), made_at)
    waiting = session.exec(
        select(WaitingChangeRow)
        .where(WaitingChangeRow.profile_id == body.profile.id)
        .order_by(col(WaitingChangeRow.made_at), col(WaitingChangeRow.id))
    ).all()
    for row in waiting:
        _apply(session, row.profile_id, ProfileChange.model_validate_json(row.content), row.made_at)
        session.delete(row)
    session.flush()
    _published(session, body.profile.id, f"{body.by}@{box}", "profile.created")


def apply_changed(
    session: Session, body: ProfileChanged, box: str, message_id: str, made_at: str
) -> Literal["applied", "waiting"]:
    """Apply a change made at a box; it waits when its profile has not come yet.

    Raises Conflict when the person was erased, Rejected when the result is not allowed.
    """
    lock(session)
    if session.get(ErasureRow, body.profile_id) is not None:
        raise Conflict(f"person {body.profile_id} was erased")
    if session.get(ProfileRow, body.profile_id) is None:
        insert_if_absent(
            session,
            WaitingChangeRow(
                id=message_id,
                profile_id=body.profile_id,
                box=box,
                made_at=made_at,
                by=body.by,
                content=body.change.model_dump_json(),
            ),
        )
        return "waiting"
    erased = {f for f in body.change.add_friends if session.get(ErasureRow, f) is not None}
    change = body.change.model_copy(
        update={"add_friends": tuple(f for f in body.change.add_friends if f not in erased)}
    )
    _apply(session, body.profile_id, change, made_at)
    _published(session, body.profile_id, f"{body.by}@{box}", "profile.changed")
    return "applied"


def erase(session: Session, profile_id: str, by: str, *, must_exist: bool = True) -> None:
    """Leave nothing of the person but a tombstone, and ask every box that is not revoked to do the same.

    With `must_exist` NotFound is raised when there never was such a person; without it the tombstone is made
    all the same (a box erased somebody whose profile never came)."""
    lock(session)
    if session.get(ErasureRow, profile_id) is not None:
        return
    row = session.get(ProfileRow, profile_id)
    if row is None and must_exist:
        raise NotFound(f"there is no person {profile_id}")
    if row is not None:
        session.delete(row)
    session.execute(delete(WaitingChangeRow).where(col(WaitingChangeRow.profile_id) == profile_id))
    told = erasures.begin(session, profile_id, by)
    former_friends = []
    for other in session.exec(select(ProfileRow).where(col(ProfileRow.content).contains(profile_id))).all():
        if profile_id in Profile.model_validate_json(other.content).friends:
            _apply(session, other.id, ProfileChange(remove_friends=(profile_id,)), now())
            former_friends.append(other.id)
    session.flush()
    for changed in (profile_id, *former_friends):
        publish_change(session, scope=None, kind="profile", key=changed)
    for delivery in told:
        publish_change(session, scope=delivery.box, kind="delivery", key=delivery.id)
    trail.record(session, by, "profile.erased", profile_id)


def republish(session: Session, profile_id: str) -> None:
    """Send what counts to every box again, after a box's own word was refused."""
    publish_change(session, scope=None, kind="profile", key=profile_id)


def _insert(session: Session, profile: Profile, at: str) -> None:
    _check_size(profile)
    session.add(
        ProfileRow(
            id=profile.id,
            name=profile.name,
            revision=profile.revision,
            content=profile.model_dump_json(),
            stamps=json.dumps(stamps_of(profile, at)),
        )
    )
    session.flush()


def _apply(session: Session, profile_id: str, change: ProfileChange, at: str) -> Profile:
    row = session.get_one(ProfileRow, profile_id)
    profile = Profile.model_validate_json(row.content)
    parts, stamps = newer_parts(change, json.loads(row.stamps), at)
    try:
        changed = apply_change(profile, parts)
    except ValidationError as error:
        reasons = "; ".join(
            problem["msg"] for problem in error.errors(include_input=False, include_url=False)
        )
        raise Rejected(f"the change to person {profile_id} is not allowed: {reasons}") from error
    _check_size(changed)
    row.name, row.revision, row.content = changed.name, changed.revision, changed.model_dump_json()
    row.stamps = json.dumps(stamps)
    session.add(row)
    session.flush()
    return changed


def _published(session: Session, profile_id: str, by: str, action: str) -> None:
    publish_change(session, scope=None, kind="profile", key=profile_id)
    trail.record(session, by, action, profile_id)


def _check_free(session: Session, profile_id: str) -> None:
    if session.get(ErasureRow, profile_id) is not None:
        raise Conflict(f"person {profile_id} was erased", hint="enrol them anew under a new id")
    if session.get(ProfileRow, profile_id) is not None:
        raise Conflict(f"person {profile_id} exists already")


def _check_friends(session: Session, friends: tuple[str, ...]) -> None:
    unknown = [friend for friend in friends if session.get(ProfileRow, friend) is None]
    if unknown:
        raise Rejected(
            f"no such person: {', '.join(unknown)}", hint="friends are given by the id of an enrolled person"
        )


def _check_size(profile: Profile) -> None:
    size = len(canonical_bytes(profile.model_dump(mode="json")))
    if size > MAX_BYTES:
        raise Rejected(
            f"the profile would have {size} bytes, at most {MAX_BYTES} fit into a message to the boxes",
            hint="remove templates",
        )
