"""The pages of the stand-in for people and tests: the page, the list of arrivals, the failures on demand."""

import hmac
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, HTTPException, Query
from fastapi.responses import HTMLResponse

from demo.standin.arrivals import Arrivals
from demo.standin.faults import Faults

PAGE = Path(__file__).with_name("page.html")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def router(arrivals: Arrivals, faults: Faults, control_token: str) -> APIRouter:
    """Return the routes GET /, GET /messages and POST /control."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse)
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"Content-Security-Policy": POLICY})

    @routes.get("/messages")
    async def messages(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        channel: Annotated[str | None, Query(pattern="^(sms|push|email)$")] = None,
        to: str | None = None,
    ) -> dict[str, Any]:
        return arrivals.page(after, limit, channel, to)

    @routes.post("/control")
    async def control(
        channel: Annotated[str, Body()],
        mode: Annotated[str, Body()],
        count: Annotated[int, Body()] = 1,
        seconds: Annotated[float, Body()] = 30.0,
        authorization: Annotated[str, Header()] = "",
    ) -> dict[str, Any]:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {control_token}".encode()):
            raise HTTPException(401, "the bearer token is control_token of standin.json")
        try:
            faults.plan(channel, mode, count, seconds)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return {"planned": faults.planned()}

    return routes
