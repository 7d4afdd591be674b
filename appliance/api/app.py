"""The box's web application: every route, wired to the parts it is given. Nothing connects on import."""

import asyncio
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from appliance.api import (
    account_pages,
    accounts,
    cameras,
    events,
    health,
    incidents,
    ledger,
    notify,
    pages,
    recognize,
    register,
    sign_in,
    trail,
    users,
)
from appliance.api.auth import COOKIE, RULES
from appliance.api.counted import Counted
from appliance.api.services import Services
from appliance.api.templates import page
from web.app import new_app
from web.guard import Authenticator
from web.openapi import description_router

_STATIC = Path(__file__).parent / "static"
_SUBJECTS = (recognize, register, users, incidents, notify, ledger, cameras, accounts, trail, events, health, sign_in,
             account_pages, pages)


def build_app(services: Services) -> FastAPI:
    """Return the application. Serve it with a graceful shutdown of a second or so: live pictures and events never end
    by themselves."""
    figures = health.Figures(services)
    app = new_app("Sentrybox box", "Recognition, incidents, alerts and the ledger of one box.", services.version,
                  Authenticator(COOKIE, services.store.accounts.by_token, services.store.accounts.by_session),
                  [*(subject.router for subject in _SUBJECTS), description_router(RULES, partial(page, bar=None))],
                  services=services, accounts=services.store.accounts, figures=figures,
                  hub=events.Hub(services.store.subscribe), live_viewers=asyncio.Semaphore(services.live_viewers))
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(Counted, figures=figures)
    return app
