"""The interface's description: openapi.json, and a page that shows it without a file from the internet."""

from fastapi import Request, Response
from starlette.responses import HTMLResponse, JSONResponse

from cloud.police.rules import RULES
from cloud.police.templates import page
from web.guard import new_router
from web.openapi import document, operations

router = new_router(RULES, "description")


@router.get("/openapi.json", response_class=Response, include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(document(request, RULES))


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def docs(request: Request) -> Response:
    """The OpenAPI document as a page."""
    return page(request, "docs.html", operations=operations(document(request, RULES)))
