"""The pages of accounts."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from appliance.api.auth import services_of
from appliance.api.pages import PageRoute, bar_of
from appliance.api.templates import page
from contract.identity import ROLES
from web.account_pages import account_pages


def _page(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    return page(request, template, status, bar=bar_of(services_of(request)), **values)


router = account_pages(PageRoute, _page, ROLES)
