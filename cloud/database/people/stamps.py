"""The times at which parts of a profile were set, so that changes made apart and arriving in any order end the
same."""

from contract.profile import Profile, ProfileChange

Stamps = dict[str, str]
FIELDS = ("name", "role", "contacts", "consent")


def stamps_of(profile: Profile, at: str) -> Stamps:
    """Return every part of a new profile, set at `at` (an Instant)."""
    return {
        **dict.fromkeys(FIELDS, at),
        **{f"friend:{friend}": at for friend in profile.friends},
        **{f"template:{template.id}": at for template in profile.templates},
    }


def newer_parts(change: ProfileChange, stamps: Stamps, at: str) -> tuple[ProfileChange, Stamps]:
    """Return what of a change made at `at` is not older than what is known, and the stamps after it.

    Each scalar field, each friend and each template counts for itself: the latest word on it wins.
    """
    kept: dict[str, object] = {}
    after = dict(stamps)

    def news(key: str) -> bool:
        if stamps.get(key, "") > at:
            return False
        after[key] = at
        return True

    for field in FIELDS:
        value = getattr(change, field)
        if value is not None and news(field):
            kept[field] = value
    for field in ("add_friends", "remove_friends"):
        kept[field] = tuple(friend for friend in getattr(change, field) if news(f"friend:{friend}"))
    kept["add_templates"] = tuple(t for t in change.add_templates if news(f"template:{t.id}"))
    kept["remove_templates"] = tuple(t for t in change.remove_templates if news(f"template:{t}"))
    return ProfileChange().model_copy(update=kept), after
