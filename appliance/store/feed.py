"""The changes from the cloud, applied from a cursor and gap-free: people, tombstones, contacts, anchors, tellings."""

import json
import logging

from appliance.store.chain import Chain
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write, get_meta, set_meta
from appliance.store.incidents import Incidents
from appliance.store.limits import UPKEEP
from appliance.store.outbox import SOON, WANTED, Outbox, pending_changes
from appliance.store.profiles import Profiles, generation_of, is_erased
from contract.delivery import Delivery
from contract.events import Event
from contract.messages import (
    ActionPut,
    AnchorPut,
    Changes,
    DeliveryPut,
    ErasureDone,
    PolicyPut,
    ProfilePut,
    ProfileTombstone,
    SitePut,
)
from contract.profile import Profile, ProfileChange, apply_change

log = logging.getLogger(__name__)

STALE, APPLIED, RESTART = "stale", "applied", "restart"
RUNNING = "running"


class Feed:
    """Applies changes in the transaction that moves the cursor."""

    def __init__(self, connection: Connection, profiles: Profiles, incidents: Incidents, chain: Chain, outbox: Outbox,
                 clock: Clock) -> None:
        self._connection, self._profiles, self._incidents = connection, profiles, incidents
        self._chain, self._outbox, self._clock = chain, outbox, clock

    def cursor(self) -> int:
        """Return the revision up to which everything was applied."""
        with self._connection.read() as db:
            return int(get_meta(db, "cursor", "0"))

    def epoch(self) -> str:
        """Return the life of the cloud's database we follow; empty before the first contact."""
        with self._connection.read() as db:
            return get_meta(db, "epoch")

    def synced_at(self) -> str | None:
        """Return when the cloud's changes were last known to be complete here; None before the first time."""
        with self._connection.read() as db:
            return get_meta(db, "synced_at") or None

    def wants_resync(self) -> bool:
        """Return whether a refused edit made it necessary to fetch everybody anew."""
        with self._connection.read() as db:
            return get_meta(db, "resync") == WANTED

    def resync(self) -> None:
        """Ask for everything from the beginning."""
        with self._connection.write(UPKEEP) as write:
            self._restart(write)

    def apply(self, changes: Changes) -> str:
        """Return APPLIED; STALE when they do not follow the cursor (a duplicate, an old answer); RESTART when the cloud
        began a new epoch and everything is asked for, and offered, anew. Repeating a call is harmless.
        """
        with self._connection.write(UPKEEP) as write:
            epoch = get_meta(write, "epoch")
            if epoch != changes.epoch:
                set_meta(write, "epoch", changes.epoch)
                if epoch:
                    log.warning("the cloud's database was restored: offering everything again")
                    self._outbox.offer_again(write)
                    self._restart(write)
                    return RESTART
            if changes.after != int(get_meta(write, "cursor", "0")) or changes.through < changes.after:
                return STALE
            for change in changes.changes:
                self._apply(write, change.body)
            set_meta(write, "cursor", str(changes.through))
            if changes.through >= changes.latest:
                self._complete(write)
        if any(isinstance(change.body, ProfileTombstone) for change in changes.changes):
            self._profiles.leave_no_trace()
        return APPLIED

    def _restart(self, write: Write) -> None:
        set_meta(write, "cursor", "0")
        set_meta(write, "resync", RUNNING)
        set_meta(write, "generation", str(generation_of(write) + 1))

    def _complete(self, write: Write) -> None:
        """All the cloud has is here: whoever it did not name since the restart, and who is not on the way up, goes."""
        set_meta(write, "synced_at", instant(self._clock))
        self._settle(write)
        if get_meta(write, "resync") != RUNNING:
            return
        set_meta(write, "resync", "")
        gone = write.execute(
            "SELECT id FROM profiles WHERE generation < ? AND NOT EXISTS (SELECT 1 FROM outbox WHERE subject = "
            "profiles.id AND kind = 'profile_created' AND state <> 'received')", (generation_of(write),)).fetchall()
        for (profile_id,) in gone:
            log.warning("person %s is not known to the cloud any more: removed here", profile_id)
            self._profiles.remove(write, profile_id)

    def _apply(self, write: Write, body: object) -> None:
        match body:
            case ProfilePut(profile=profile):
                self._profile(write, profile)
            case ProfileTombstone(profile_id=profile_id):
                if not is_erased(write, profile_id):
                    self._profiles.entomb(write, profile_id, "cloud")
                self._confirm_erasure(write, profile_id)
            case PolicyPut(policy=policy):
                set_meta(write, "policy", policy.model_dump_json())
                write.emit(Event("site", ""))
            case SitePut(site=site):
                set_meta(write, "site", site.model_dump_json())
                write.emit(Event("site", ""))
            case AnchorPut():
                self._chain.anchored(write, body)
            case DeliveryPut(delivery=delivery):
                self._delivery(write, delivery)
            case ActionPut(action=action):
                self._incidents.take(write, action)
            case _:
                raise TypeError(f"no way to apply {type(body).__name__}")

    def _profile(self, write: Write, profile: Profile) -> None:
        if is_erased(write, profile.id):
            # A cloud restored from a backup may know somebody it has erased: tell it again.
            self._confirm_erasure(write, profile.id)
            return
        friends = tuple(friend for friend in profile.friends if not is_erased(write, friend))
        profile = profile.model_copy(update={"friends": friends})
        edits = pending_changes(write, profile.id)
        self._profiles.save(write, self._with_edits(profile, edits))
        # Whether this state has our edits in it already cannot be seen; so it is kept until they are confirmed.
        write.execute("UPDATE profiles SET of_cloud = ? WHERE id = ?",
                      (profile.model_dump_json() if edits else None, profile.id))

    def _settle(self, write: Write) -> None:
        """Take the cloud's word for people whose edits it has confirmed since: it may have weighed them otherwise."""
        edited = write.execute("SELECT id, of_cloud FROM profiles WHERE of_cloud IS NOT NULL").fetchall()
        for profile_id, content in edited:
            if not pending_changes(write, profile_id):
                self._profile(write, Profile.model_validate_json(content))

    @staticmethod
    def _with_edits(profile: Profile, edits: list[dict[str, object]]) -> Profile:
        """Return the cloud's state with the edits made here that it has not confirmed on top. Edits are sets, so those
        it has applied already change nothing; the revision stays the cloud's.
        """
        revision = profile.revision
        for body in edits:
            if body["type"] == "profile_changed":
                try:
                    profile = apply_change(profile, ProfileChange.model_validate(body["change"]))
                except ValueError as error:
                    log.warning("an edit of %s no longer fits the cloud's state: %s", profile.id, error)
        return profile.model_copy(update={"revision": revision})

    def _confirm_erasure(self, write: Write, profile_id: str) -> None:
        row = write.execute("SELECT 1 FROM outbox WHERE subject = ? AND kind = 'erasure_done' AND open = 1",
                            (profile_id,)).fetchone()
        if row is None:
            self._outbox.put(write, ErasureDone(profile_id=profile_id), profile_id, SOON, lane=profile_id)

    def _delivery(self, write: Write, delivery: Delivery) -> None:
        if is_erased(write, delivery.recipient):
            return
        content = json.dumps(delivery.model_dump(mode="json"))
        write.execute("INSERT INTO deliveries VALUES (?,?,?,?) ON CONFLICT (id) DO UPDATE SET "
                      "content = excluded.content", (delivery.id, delivery.subject, delivery.recipient, content))
        write.emit(Event("delivery", delivery.subject))
