"""People: enrolled, changed, erased. Edits here hold at once and travel to the cloud; its revisions come back."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from appliance.store.build import rejection
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write, get_meta
from appliance.store.gallery import Gallery
from appliance.store.limits import EDITS, UPKEEP
from appliance.store.outbox import PEOPLE_LANE, SOON, Outbox
from contract.digests import digest_of_all
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.events import Event
from contract.messages import ErasureDone, ProfileChanged, ProfileCreated, ProfileErased
from contract.observation import vector_from_text
from contract.profile import Profile, ProfileChange, Template, apply_change
from contract.views import ErasureView

log = logging.getLogger(__name__)


class Profiles:
    """The ProfileRepository of a box."""

    def __init__(self, connection: Connection, outbox: Outbox, gallery: Gallery, clock: Clock) -> None:
        self._connection, self._outbox, self._gallery, self._clock = connection, outbox, gallery, clock
        self._changes = 0
        self._digest: tuple[int, str] = (-1, "")

    def find(self, profile_id: str) -> Profile | None:
        with self._connection.read() as db:
            return load(db, profile_id)

    def get(self, profile_id: str) -> Profile:
        profile = self.find(profile_id)
        if profile is None:
            raise NotFound(f"there is no person {profile_id}")
        return profile

    def page(self, after: str, limit: int) -> list[Profile]:
        with self._connection.read() as db:
            rows = db.execute("SELECT content FROM profiles WHERE id > ? ORDER BY id LIMIT ?",
                              (after, limit)).fetchall()
        return [Profile.model_validate_json(row[0]) for row in rows]

    def create(self, profile: Profile, by: str) -> Profile:
        profile = profile.model_copy(update={"revision": 1})
        with self._connection.write(EDITS) as write:
            if is_erased(write, profile.id):
                raise Conflict(f"the person {profile.id} was erased", hint="enrol them again under a new id")
            if load(write, profile.id) is not None:
                raise Conflict(f"there is a person {profile.id} already")
            _friends_exist(write, profile.friends)
            self._templates_fit(profile.templates)
            self.save(write, profile)
            self._outbox.put(write, ProfileCreated(profile=profile, by=by), profile.id, SOON, lane=PEOPLE_LANE)
        return profile

    def change(self, profile_id: str, change: ProfileChange, by: str, revision: int | None = None) -> Profile:
        with self._connection.write(EDITS) as write:
            profile = load(write, profile_id)
            if profile is None:
                raise NotFound(f"there is no person {profile_id}")
            if revision is not None and revision != profile.revision:
                raise Conflict(f"person {profile_id} is at revision {profile.revision}, not {revision}",
                               hint="read the person again and repeat the change")
            _friends_exist(write, set(change.add_friends) - set(profile.friends))
            self._templates_fit(change.add_templates)
            try:
                changed = apply_change(profile, change)
            except ValueError as error:
                raise rejection(error) from error
            self.save(write, changed)
            body = ProfileChanged(profile_id=profile_id, change=change, by=by)
            self._outbox.put(write, body, profile_id, SOON, lane=PEOPLE_LANE)
        return changed

    def erase(self, profile_id: str, by: str) -> None:
        with self._connection.write(UPKEEP) as write:
            if is_erased(write, profile_id):
                return
            if load(write, profile_id) is None:
                raise NotFound(f"there is no person {profile_id}")
            self.entomb(write, profile_id, by)
            # The cloud confirms the request and our part of it one after the other.
            self._outbox.put(write, ProfileErased(profile_id=profile_id, by=by), profile_id, SOON, lane=profile_id)
            self._outbox.put(write, ErasureDone(profile_id=profile_id), profile_id, SOON, lane=profile_id)
        self.leave_no_trace()

    def erasure(self, profile_id: str) -> ErasureView:
        """Return how far an erasure has come. Raises NotFound when none was asked for."""
        with self._connection.read() as db:
            row = db.execute("SELECT requested_at, requested_by, erased_at, cloud_confirmed_at FROM erasures "
                             "WHERE profile_id = ?", (profile_id,)).fetchone()
        if row is None:
            raise NotFound(f"no erasure of {profile_id} was asked for")
        return ErasureView(profile_id=profile_id, requested_at=row[0], by=row[1], erased_here_at=row[2],
                           cloud_confirmed_at=row[3])

    def save(self, write: Write, profile: Profile) -> None:
        """Store this state of the person and show it to the gallery once committed."""
        write.execute(
            "INSERT INTO profiles (id, name, revision, templates, generation, content) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = excluded.revision, "
            "templates = excluded.templates, generation = excluded.generation, content = excluded.content",
            (profile.id, profile.name, profile.revision, len(profile.templates), generation_of(write),
             profile.model_dump_json()))
        write.execute("DELETE FROM friendships WHERE person = ?", (profile.id,))
        write.executemany("INSERT INTO friendships VALUES (?,?)", [(profile.id, friend) for friend in profile.friends])
        write.then(lambda: self._show(profile.id, profile.templates))
        write.emit(Event("profile", profile.id))

    def entomb(self, write: Write, profile_id: str, by: str) -> None:
        """Remove all there is of the person and note that they must never come back."""
        now = instant(self._clock)
        self.remove(write, profile_id)
        write.execute("INSERT OR IGNORE INTO erasures VALUES (?,?,?,?,NULL)", (profile_id, now, by, now))
        for (holder,) in write.execute("SELECT person FROM friendships WHERE friend = ?", (profile_id,)).fetchall():
            profile = load(write, holder)
            if profile is not None:
                # The revision is the cloud's to count: it takes the friend away there too.
                friends = tuple(friend for friend in profile.friends if friend != profile_id)
                self.save(write, profile.model_copy(update={"friends": friends}))

    def remove(self, write: Write, profile_id: str) -> None:
        """Remove the person, their faces, contacts, unsent edits and the record of telling them."""
        write.execute("DELETE FROM profiles WHERE id = ?", (profile_id,))
        write.execute("DELETE FROM friendships WHERE person = ?", (profile_id,))
        write.execute("DELETE FROM deliveries WHERE recipient = ?", (profile_id,))
        write.execute("DELETE FROM outbox WHERE subject = ? AND kind IN ('profile_created', 'profile_changed')",
                      (profile_id,))
        write.then(lambda: self._show(profile_id, ()))
        write.emit(Event("profile", profile_id))

    def digest(self) -> str:
        """Return one digest over everybody; computed again only after a change."""
        changes = self._changes
        if self._digest[0] != changes:
            self._digest = (changes, digest_of_all(self.everybody()))
        return self._digest[1]

    def everybody(self) -> Iterator[Profile]:
        """Yield all profiles, a page at a time."""
        after = ""
        while batch := self.page(after, 200):
            yield from batch
            after = batch[-1].id

    def fill_gallery(self) -> None:
        """Build the cache of faces anew from what is stored."""
        for profile in self.everybody():
            self._gallery.put(profile.id, profile.templates)

    def _show(self, profile_id: str, templates: Iterable[Template]) -> None:
        self._changes += 1
        self._gallery.put(profile_id, templates)

    def _templates_fit(self, templates: Iterable[Template]) -> None:
        for template in templates:
            size = self._gallery.size_of(template.pack)
            found = len(vector_from_text(template.vector))
            if size is not None and found != size:
                raise Rejected(f"template {template.id} has {found} values; templates of pack {template.pack} "
                               f"have {size}")

    def leave_no_trace(self) -> None:
        """Overwrite deleted content in the database; the log is emptied here or, if busy, at the next tidying."""
        try:
            self._connection.checkpoint()
        except Unavailable as error:
            log.warning("the log could not be emptied after an erasure: %s", error)


def load(db: Any, profile_id: str) -> Profile | None:
    """Return the person as stored; `db` is a reading connection or a Write."""
    row = db.execute("SELECT content FROM profiles WHERE id = ?", (profile_id,)).fetchone()
    return Profile.model_validate_json(row[0]) if row else None


def generation_of(db: Any) -> int:
    """Return how often everybody was fetched anew; a person's generation tells when the cloud last named them."""
    return int(get_meta(db, "generation", "0"))


def is_erased(db: Any, profile_id: str) -> bool:
    return db.execute("SELECT 1 FROM erasures WHERE profile_id = ?", (profile_id,)).fetchone() is not None


def _friends_exist(write: Write, friends: Iterable[str]) -> None:
    missing = [friend for friend in sorted(friends)
               if write.execute("SELECT 1 FROM profiles WHERE id = ?", (friend,)).fetchone() is None]
    if missing:
        raise Rejected(f"friends who are not enrolled: {', '.join(missing)}", hint="enrol them first")
