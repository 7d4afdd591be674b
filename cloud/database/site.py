"""How the campus itself is reached: security and police contacts."""

from collections.abc import Callable

from sqlmodel import Session

from cloud.database import meta, trail
from cloud.database.changes import publish_change
from contract.canonical import content_hash
from contract.delivery import SiteContacts

KEY = "site"


def get(session: Session) -> SiteContacts:
    """The contacts; empty until somebody sets them."""
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


def configure(session: Session, site: SiteContacts, put: Callable[[Session, SiteContacts, str], object] = put) -> None:
    """Apply what the configuration file says when it says something new: edits made since then stay
    otherwise. `put`: `keep` where there are no boxes."""
    stamp = content_hash(site.model_dump(mode="json"))
    if meta.get(session, "site-configured") == stamp:
        return
    put(session, site, "configuration")
    meta.put(session, "site-configured", stamp)
