"""Logging in and out, and a password by a one-time link."""

from cloud.admin.rules import RULES
from cloud.admin.templates import PAGES
from web.sign_in import sign_in_router

router = sign_in_router(RULES, PAGES.page)
