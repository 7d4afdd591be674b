import pytest

from access.credentials import (
    LINK_S,
    LONGEST_AGENT,
    SESSION_S,
    SKEW_S,
    fingerprint,
    is_good,
    new_first,
    new_reset,
    new_session,
    new_token,
)
from access.storage import Account

ADA = Account("ada", "Ada", "guard", "", 0.0)
NOW = 1_795_000_000.0


@pytest.mark.parametrize(("made", "kind", "life"), [
    (new_session(ADA, NOW), "session", SESSION_S), (new_reset(ADA, NOW), "link", LINK_S)])
def test_it_is_good_for_its_time_and_its_kind(made, kind, life):
    _secret, kept = made
    assert is_good(kept, kind, NOW) and is_good(kept, kind, NOW + life - 1)
    assert not is_good(kept, kind, NOW + life)
    assert is_good(kept, kind, NOW - SKEW_S), "the clocks of two processes differ a little"
    assert not is_good(kept, kind, NOW - SKEW_S - 1), "the clock was set back"
    assert not any(is_good(kept, other, NOW) for other in ("session", "token", "link") if other != kind)


@pytest.mark.parametrize(("made", "kind"), [(new_token("x", "guard", NOW), "token"), (new_first(NOW), "link")])
def test_some_do_not_end_by_themselves(made, kind):
    assert is_good(made[1], kind, NOW + 10**9)


def test_only_the_hash_of_a_secret_is_kept():
    secret, kept = new_token("cctv", "guard", NOW)
    assert secret.startswith("sbx_") and len(secret) > 40
    assert kept.hash == fingerprint(secret) and secret not in str(kept) and kept.id not in secret
    assert new_session(ADA, NOW)[0] != new_session(ADA, NOW)[0]


def test_what_a_browser_says_of_itself_is_cut():
    assert len(new_session(ADA, NOW, "x" * 5000)[1].agent) == LONGEST_AGENT
