"""A digest of all profiles, so that box and cloud can compare what they hold without sending it."""

from collections.abc import Iterable

from contract.canonical import canonical_bytes, digest
from contract.profile import Profile

BUCKETS = 256


def profile_digests(profiles: Iterable[Profile]) -> list[str]:
    """Return a hex digest per bucket of (id, revision, content). A profile's bucket is the last byte of its id."""
    buckets: list[list[bytes]] = [[] for _ in range(BUCKETS)]
    for profile in profiles:
        # Order of templates carries no meaning, so it must not change the digest.
        content = profile.model_dump(mode="json")
        content["templates"].sort(key=lambda template: template["id"])
        buckets[int(profile.id[-2:], 16)].append(digest("sentrybox/profile/v1", canonical_bytes(content)))
    return [digest("sentrybox/bucket/v1", *sorted(bucket)).hex() for bucket in buckets]


def digest_of_all(profiles: Iterable[Profile]) -> str:
    """Return one hex digest over all buckets."""
    return digest("sentrybox/profiles/v1", *(bytes.fromhex(b) for b in profile_digests(profiles))).hex()
