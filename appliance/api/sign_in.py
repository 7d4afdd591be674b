"""Logging in and out, and a password by a one-time link."""

from appliance.api.auth import RULES
from appliance.api.templates import page
from web.sign_in import sign_in_router

router = sign_in_router(RULES, page)
