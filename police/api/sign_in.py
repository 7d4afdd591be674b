"""Logging in and out, and the first account by its one-time link."""

from cloud.database.accounts import MIN_PASSWORD, SESSION_LIFE
from police.api.rules import RULES
from police.api.templates import PAGES
from web.sign_in import Terms, sign_in_router

router = sign_in_router(RULES, PAGES, Terms(MIN_PASSWORD, int(SESSION_LIFE.total_seconds())))
