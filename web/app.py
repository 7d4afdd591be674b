"""The frame of every application: routers, errors in words, bounded bodies, the edge; and what none of them has."""

import asyncio
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig

from web import problems
from web.edge import Edge
from web.guard import Authenticator
from web.openapi import PROBLEM_RESPONSES
from web.uploads import BodyLimit, new_turnstile

# We report to nobody, whatever the environment says.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False,
                                  "auto_configure": False}


def new_app(title: str, description: str, version: str, authority: Authenticator, routers: Iterable[APIRouter],
            **state: Any) -> FastAPI:
    """Return the application; `state` goes on app.state."""
    app = FastAPI(title=title, version=version, docs_url=None, redoc_url=None, openapi_url=None,
                  description=description, responses=PROBLEM_RESPONSES, telemetry=_NO_TELEMETRY)
    app.state.authority = authority
    app.state.upload_turnstile = new_turnstile()
    app.state.hashing = asyncio.Semaphore(1)
    for name, value in state.items():
        setattr(app.state, name, value)
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Edge)
    return app
