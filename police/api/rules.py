"""The roles that may use which route of the police's own application."""

from contract.identity import Role
from web.guard import PUBLIC, Rules, access_rules

# Cookies are not kept apart by port, so the cloud's page on the same host has another name for its own.
COOKIE = "sentrybox_police_session"

ROLES: tuple[Role, ...] = ("police", "admin")
"""admin: of the police organisation; makes the accounts. The campus has no account here."""
OFFICERS: frozenset[Role] = frozenset(ROLES)

RULES: Rules = {
    **access_rules(OFFICERS),
    ("GET", "/entries"): OFFICERS,
    ("GET", "/entries/{entry_id}"): OFFICERS,
    ("GET", "/entries/{entry_id}/proof"): OFFICERS,
    ("POST", "/entries/{entry_id}/acknowledge"): OFFICERS,
    ("POST", "/entries/{entry_id}/ask"): OFFICERS,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    # The signed token in the address is the permission.
    ("GET", "/a/{token}"): PUBLIC,
    ("POST", "/a/{token}"): PUBLIC,
    # Pages
    ("GET", "/"): OFFICERS,
    ("GET", "/ui/entries"): OFFICERS,
    ("GET", "/ui/entries/{entry_id}"): OFFICERS,
    ("POST", "/ui/entries/{entry_id}"): OFFICERS,
}
