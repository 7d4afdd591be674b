"""The box's web application: every route, wired to the parts it is given. Nothing connects on import."""

import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.staticfiles import StaticFiles

from appliance.api import (
    accounts,
    cameras,
    docs,
    events,
    health,
    incidents,
    ledger,
    notify,
    pages,
    recognize,
    register,
    sign_in,
    users,
)
from appliance.api.auth import COOKIE
from appliance.api.counted import Counted
from appliance.api.services import Services
from web import problems
from web.edge import Edge
from web.guard import Authority
from web.openapi import PROBLEM_RESPONSES
from web.uploads import BodyLimit, new_turnstile

_STATIC = Path(__file__).parent / "static"
# A box reports to nobody but its own cloud, whatever the environment says.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False,
                                  "auto_configure": False}
_SUBJECTS = (recognize, register, users, incidents, notify, ledger, cameras, accounts, events, health, docs, sign_in,
             pages)


def build_app(services: Services) -> FastAPI:
    """The application. Serve it with a graceful shutdown of a second or so: live pictures and events never end
    by themselves."""
    app = FastAPI(title="Sentrybox box", version=services.version, docs_url=None, redoc_url=None, openapi_url=None,
                  description="Recognition, incidents, alerts and the ledger of one box.",
                  responses=PROBLEM_RESPONSES, telemetry=_NO_TELEMETRY)
    figures = health.Figures(services)
    app.state.services = services
    app.state.authority = Authority(COOKIE, services.store.accounts.by_token, services.store.accounts.by_session)
    app.state.figures = figures
    app.state.hub = events.Hub(services.store.subscribe)
    app.state.upload_turnstile = new_turnstile()
    app.state.live_viewers = asyncio.Semaphore(services.live_viewers)
    app.state.hashing = asyncio.Semaphore(1)
    problems.install(app)
    for subject in _SUBJECTS:
        app.include_router(subject.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(Edge)
    app.add_middleware(Counted, figures=figures)
    return app
