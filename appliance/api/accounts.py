"""Accounts of people, tokens of programs, and who is logged in."""

from appliance.api.auth import RULES
from contract.identity import ROLES
from web.accounts import accounts_router

router = accounts_router(RULES, ROLES)
