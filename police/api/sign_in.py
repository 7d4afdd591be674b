"""Logging in and out, and a password by a one-time link."""

from police.api.rules import RULES
from police.api.templates import PAGES
from web.sign_in import sign_in_router

router = sign_in_router(RULES, PAGES.page)
