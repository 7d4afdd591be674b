"""How the campus itself is reached, as the cloud last said."""

from typing import Any

from appliance.store.connection import get_meta
from contract.delivery import SiteContacts


def site_contacts(db: Any) -> SiteContacts:
    """Empty until the cloud has said."""
    stored = get_meta(db, "site")
    return SiteContacts.model_validate_json(stored) if stored else SiteContacts()
