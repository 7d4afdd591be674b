"""Accounts of the police organisation, tokens of its programs."""

from cloud.police.rules import ROLES, RULES
from web.accounts import accounts_router

router = accounts_router(RULES, ROLES)
