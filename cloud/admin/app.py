"""The cloud's web application: every route, wired to the parts it is given. Nothing connects on import."""

from fastapi import FastAPI

from cloud.admin import (
    account_pages,
    accounts,
    answer,
    audit,
    fleet,
    health,
    incidents,
    ledger,
    notify,
    pages,
    register,
    release,
    sign_in,
    site,
    trail,
    users,
)
from cloud.admin.rules import COOKIE, RULES
from cloud.admin.services import Services
from cloud.admin.templates import PAGES
from web.app import new_app
from web.guard import Authenticator
from web.openapi import description_router

_SUBJECTS = (register, users, incidents, release, notify, ledger, fleet, site, audit, trail, accounts,
             health, answer, sign_in, account_pages, pages)
ROUTERS = (*(subject.router for subject in _SUBJECTS), description_router(RULES, PAGES.page))


def build_app(services: Services) -> FastAPI:
    """Return the application, stateless but for what the database holds: any number may run at a time."""
    app = new_app("Sentrybox cloud", "People, boxes, incidents, alerts and the ledger of a site.", services.version,
                  Authenticator(COOKIE, services.accounts.by_token, services.accounts.by_session),
                  ROUTERS, services=services, accounts=services.accounts, site=services.site)
    PAGES.mount(app)
    return app
