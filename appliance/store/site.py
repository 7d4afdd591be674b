"""How the campus itself is reached and what it has decided, as the cloud last said."""

from typing import Any

from appliance.store.connection import get_meta
from contract.delivery import SiteContacts
from contract.policy import Policy


def site_contacts(db: Any) -> SiteContacts:
    """Empty until the cloud has said."""
    stored = get_meta(db, "site")
    return SiteContacts.model_validate_json(stored) if stored else SiteContacts()


def site_policy(db: Any) -> Policy:
    """Who is told of what; the defaults until the cloud has said."""
    stored = get_meta(db, "policy")
    return Policy.model_validate_json(stored) if stored else Policy()
