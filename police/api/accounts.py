"""Accounts of the police organisation, tokens of its programs."""

from police.api.rules import ROLES, RULES
from web.accounts import accounts_router

router = accounts_router(RULES, ROLES)
