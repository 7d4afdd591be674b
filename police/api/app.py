"""The police's web application: every route, wired to the parts it is given. Nothing connects on import."""

from fastapi import FastAPI

from police.api import account_pages, accounts, answer, entries, health, pages, sign_in
from police.api.rules import COOKIE, RULES
from police.api.services import Services
from police.api.templates import PAGES
from web.app import new_app
from web.guard import Authenticator
from web.openapi import description_router

_SUBJECTS = (entries, accounts, health, answer, sign_in, account_pages, pages)
ROUTERS = (*(subject.router for subject in _SUBJECTS), description_router(RULES, PAGES.page))


def build_app(services: Services) -> FastAPI:
    """Return the application, stateless but for what the database holds."""
    app = new_app("Sentrybox police", "What came on the police channel, and what the campus released of it.",
                  services.version, Authenticator(COOKIE, services.accounts.by_token, services.accounts.by_session),
                  ROUTERS, services=services, accounts=services.accounts, site=services.site)
    PAGES.mount(app)
    return app
