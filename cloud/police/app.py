"""The police's web application: every route, wired to the parts it is given. Nothing connects on import."""

import asyncio

from fastapi import FastAPI

from cloud.police import accounts, answer, docs, entries, health, pages, sign_in
from cloud.police.rules import COOKIE
from cloud.police.services import Services
from cloud.police.templates import PAGES
from web import problems
from web.edge import Edge
from web.guard import Authority
from web.openapi import PROBLEM_RESPONSES
from web.uploads import BodyLimit, new_turnstile

SUBJECTS = (entries, accounts, health, docs, answer, sign_in, pages)


def build_app(services: Services) -> FastAPI:
    """The application, stateless but for what the database holds."""
    app = FastAPI(title="Sentrybox police", version=services.version, docs_url=None, redoc_url=None, openapi_url=None,
                  description="What came on the police channel, and what the campus released of it.",
                  responses=PROBLEM_RESPONSES)
    app.state.services, app.state.accounts = services, services.accounts
    app.state.site, app.state.version = services.site, services.version
    app.state.authority = Authority(COOKIE, services.accounts.by_token, services.accounts.by_session)
    app.state.upload_turnstile = new_turnstile()
    app.state.hashing = asyncio.Semaphore(1)
    problems.install(app)
    for subject in SUBJECTS:
        app.include_router(subject.router)
    PAGES.mount(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Edge)
    return app
