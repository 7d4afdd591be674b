"""The contacts of the campus itself, and its policy of who is told: what every box has to know too."""

from collections.abc import Callable

from sqlmodel import Session

from cloud.database import meta, trail
from cloud.database.changes import publish_change
from contract.canonical import content_hash
from contract.delivery import SiteContacts
from contract.policy import Policy

KEY = "site"
POLICY_KEY = "policy"


def get(session: Session) -> SiteContacts:
    """Return the contacts; empty until somebody sets them."""
    text = meta.get(session, KEY)
    return SiteContacts() if text is None else SiteContacts.model_validate_json(text)


def keep(session: Session, site: SiteContacts, by: str) -> bool:
    """Replace the contacts; whether they are others now."""
    if meta.get(session, KEY) is not None and get(session) == site:
        return False
    meta.put(session, KEY, site.model_dump_json())
    trail.record(session, by, "site.changed", KEY, security=len(site.security), police=len(site.police))
    return True


def put(session: Session, site: SiteContacts, by: str) -> None:
    """Replace the contacts and tell every box; nothing happens when they are the same."""
    if keep(session, site, by):
        publish_change(session, scope=None, kind="site", key=KEY)


def policy(session: Session) -> Policy:
    """Return the site's policy, as the boxes know it."""
    text = meta.get(session, POLICY_KEY)
    return Policy() if text is None else Policy.model_validate_json(text)


def configure_policy(session: Session, wanted: Policy) -> None:
    """Keep the configuration's policy and tell every box; nothing happens when it is the same."""
    if policy(session) == wanted:
        return
    meta.put(session, POLICY_KEY, wanted.model_dump_json())
    publish_change(session, scope=None, kind="policy", key=POLICY_KEY)
    trail.record(session, "configuration", "policy.changed", POLICY_KEY)


def configure(session: Session, site: SiteContacts, put: Callable[[Session, SiteContacts, str], object] = put) -> None:
    """Apply what the configuration file says when it says something new: edits made since then stay
    otherwise. `put`: `keep` where there are no boxes."""
    stamp = content_hash(site.model_dump(mode="json"))
    if meta.get(session, "site-configured") == stamp:
        return
    put(session, site, "configuration")
    meta.put(session, "site-configured", stamp)
