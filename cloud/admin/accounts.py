"""Accounts of people, tokens of programs, and who is logged in."""

from cloud.admin.rules import RULES
from contract.identity import ROLES
from web.accounts import accounts_router

router = accounts_router(RULES, ROLES)
