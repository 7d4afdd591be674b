"""The roles that may use which route of the cloud."""

from web.guard import ADMINS, EVERYBODY, GUARDS, POLICE, PUBLIC, SUPERVISORS, Rules, access_rules

# Cookies are not kept apart by port, so the box's page on the same host has another name for its own.
COOKIE = "sentrybox_cloud_session"

RULES: Rules = {
    **access_rules(EVERYBODY),
    ("POST", "/users/register"): SUPERVISORS,
    ("GET", "/users"): GUARDS,
    ("GET", "/users/{user_id}"): GUARDS,
    ("PUT", "/users/{user_id}"): SUPERVISORS,
    ("DELETE", "/users/{user_id}"): ADMINS,
    ("GET", "/users/{user_id}/erasure"): ADMINS,
    ("POST", "/users/{user_id}/photos"): SUPERVISORS,
    ("GET", "/incidents"): EVERYBODY,
    ("GET", "/incidents/{incident_id}"): EVERYBODY,
    ("PATCH", "/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/incidents/{incident_id}/evidence/{sha256}"): EVERYBODY,
    ("POST", "/incidents/{incident_id}/release"): SUPERVISORS,
    ("DELETE", "/incidents/{incident_id}/release"): SUPERVISORS,
    ("POST", "/blockchain/log/{record_id}/release"): SUPERVISORS,
    ("DELETE", "/blockchain/log/{record_id}/release"): SUPERVISORS,
    ("GET", "/released/{record_id}"): POLICE,
    ("POST", "/notify"): GUARDS,
    ("GET", "/notify/{subject_id}"): GUARDS,
    ("GET", "/alarms"): GUARDS,
    ("GET", "/blockchain/log/{record_id}"): EVERYBODY,
    ("GET", "/blockchain/log/{record_id}/proof"): EVERYBODY,
    # The police log refuses everybody but the police, in ledger.py.
    ("GET", "/ledger/{channel}/head"): EVERYBODY,
    ("GET", "/ledger/{channel}/entries"): EVERYBODY,
    ("GET", "/boxes"): GUARDS,
    ("POST", "/boxes/claim-codes"): ADMINS,
    ("POST", "/boxes/{box_id}/revoke"): ADMINS,
    ("POST", "/claim"): PUBLIC,
    ("GET", "/trail"): ADMINS,
    ("GET", "/ledger/audit"): ADMINS,
    ("GET", "/quarantine"): ADMINS,
    ("GET", "/site/contacts"): SUPERVISORS,
    ("PUT", "/site/contacts"): ADMINS,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    # The signed token in the address is the permission.
    ("GET", "/a/{token}"): PUBLIC,
    ("POST", "/a/{token}"): PUBLIC,
    # Pages
    ("GET", "/"): EVERYBODY,
    ("GET", "/ui/incidents"): EVERYBODY,
    ("GET", "/ui/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/ui/people"): GUARDS,
    ("GET", "/ui/people/new"): SUPERVISORS,
    ("GET", "/ui/people/{user_id}"): GUARDS,
    ("GET", "/ui/people/{user_id}/erasure"): ADMINS,
    ("GET", "/ui/boxes"): GUARDS,
    ("GET", "/ui/contacts"): SUPERVISORS,
    ("GET", "/ui/audit"): ADMINS,
    ("GET", "/ui/trail"): ADMINS,
}
