"""The roles that may use each route of the box. One table for every route; a route without a line in it cannot be
built.
"""

from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from appliance.api.services import Services
from web import guard
from web.guard import ADMINS, EVERYBODY, GUARDS, PUBLIC, SUPERVISORS, Rules, access_rules, identity
from web.problems import Problem

# Cookies are not kept apart by port, so the cloud's page on the same host has another name for its own.
COOKIE = "sentrybox_box_session"

RULES: Rules = {
    **access_rules(EVERYBODY),
    ("POST", "/recognize"): GUARDS,
    ("POST", "/users/register"): SUPERVISORS,
    ("GET", "/users"): GUARDS,
    ("GET", "/users/{user_id}"): GUARDS,
    ("PUT", "/users/{user_id}"): SUPERVISORS,
    ("DELETE", "/users/{user_id}"): ADMINS,
    ("GET", "/users/{user_id}/erasure"): ADMINS,
    ("POST", "/users/{user_id}/photos"): SUPERVISORS,
    ("POST", "/incidents"): GUARDS,
    ("GET", "/incidents"): EVERYBODY,
    ("GET", "/incidents/{incident_id}"): EVERYBODY,
    ("PATCH", "/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/incidents/{incident_id}/evidence/{sha256}"): EVERYBODY,
    ("POST", "/notify"): GUARDS,
    ("GET", "/notify/{subject_id}"): GUARDS,
    ("POST", "/blockchain/log"): GUARDS,
    ("GET", "/blockchain/log/{record_id}"): EVERYBODY,
    ("GET", "/blockchain/log/{record_id}/proof"): EVERYBODY,
    ("GET", "/cameras"): GUARDS,
    ("GET", "/cameras/{camera}/snapshot.jpg"): GUARDS,
    ("GET", "/cameras/{camera}/live"): GUARDS,
    ("GET", "/cameras/{camera}/tracks"): GUARDS,
    ("GET", "/cameras/{camera}/zones"): GUARDS,
    ("PUT", "/cameras/{camera}/zones"): SUPERVISORS,
    ("GET", "/status"): EVERYBODY,
    ("GET", "/trail"): ADMINS,
    ("GET", "/events"): EVERYBODY,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    # Pages
    ("GET", "/"): EVERYBODY,
    ("GET", "/ui/live"): GUARDS,
    ("GET", "/ui/incidents"): EVERYBODY,
    ("GET", "/ui/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/ui/incidents/{incident_id}/card"): EVERYBODY,
    ("GET", "/ui/people"): GUARDS,
    ("GET", "/ui/people/new"): SUPERVISORS,
    ("GET", "/ui/people/{user_id}"): GUARDS,
    ("GET", "/ui/cameras/{camera}/zones"): SUPERVISORS,
    ("GET", "/ui/trail"): ADMINS,
}


new_router = partial(guard.new_router, RULES)
"""A router whose routes are all guarded by RULES; takes the routes' tag."""


def services_of(request: Request) -> Services:
    """Return the Services the app was built with."""
    services: Services = request.app.state.services
    return services


async def still_allowed(request: Request) -> bool:
    """Return whether the sender of a long answer is still who they were: asked now and then while it lasts."""
    try:
        who = await identity(request)
    except Problem:
        return False
    return who is not None and who.role == request.state.who.role


async def _services(request: Request) -> Services:
    return services_of(request)


Box = Annotated[Services, Depends(_services)]
"""The parameter type with which an endpoint asks for the Services."""
