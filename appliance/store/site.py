"""The contacts of the campus itself and its policy, as the cloud last said."""

from typing import Any

from appliance.store.connection import get_meta
from contract.delivery import SiteContacts
from contract.policy import Policy


def site_contacts(db: Any) -> SiteContacts:
    """Return security's and the police's contacts; empty until the cloud has said."""
    stored = get_meta(db, "site")
    return SiteContacts.model_validate_json(stored) if stored else SiteContacts()


def site_policy(db: Any) -> Policy:
    """Return who is told of what; the defaults until the cloud has said."""
    stored = get_meta(db, "policy")
    return Policy.model_validate_json(stored) if stored else Policy()
