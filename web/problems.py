"""Every error as RFC 9457 problem details. The only place where an error becomes an HTTP status."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# The one table: what the caller should do -> what HTTP calls that.
STATUS_OF: dict[type[SentryboxError], int] = {Unavailable: 503, Rejected: 422, NotFound: 404, Conflict: 409}
RETRY_AFTER_SECONDS = 5


class FieldError(BaseModel):
    """One thing wrong with the request: `field` is its path, as `body.location`."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457. `code` is stable and for programs, `detail` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = ""
    code: str
    hint: str = ""
    errors: list[FieldError] = Field(default_factory=list)


class Problem(Exception):
    """An error that belongs to HTTP itself: who is asking, how large, which type. `extra` joins the answer."""

    def __init__(self, status: int, code: str, detail: str, *, hint: str = "", headers: dict[str, str] | None = None,
                 **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.hint = status, code, detail, hint
        self.headers, self.extra = headers or {}, extra


def problem_response(request: Request, status: int, code: str, detail: str, *, hint: str = "",
                     headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """Return the answer. Fields that are empty are left out."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail,
            "instance": request.url.path, "code": code, "hint": hint, **extra}
    return JSONResponse({key: value for key, value in body.items() if value not in ("", [])}, status,
                        media_type=MEDIA_TYPE, headers=headers)


def field_errors(errors: Any) -> list[dict[str, str]]:
    """Return Pydantic's errors as FieldErrors, without the input: it may be somebody's photo."""
    return [{"field": ".".join(str(part) for part in error["loc"] if part != "function-after") or "body",
             "message": str(error["msg"]).removeprefix("Value error, ")} for error in errors]


def status_for(error: SentryboxError) -> int:
    """Return the HTTP status of one of the four errors."""
    return next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))


def _of_contract(request: Request, error: SentryboxError) -> Response:
    status = status_for(error)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    return problem_response(request, status, type(error).__name__.lower(), error.detail, hint=error.hint,
                            headers=headers)


def _of_http(request: Request, error: Problem) -> Response:
    return problem_response(request, error.status, error.code, error.detail, hint=error.hint, headers=error.headers,
                            **error.extra)


def _of_starlette(request: Request, error: HTTPException) -> Response:
    code = "too_large" if error.status_code == 413 else HTTPStatus(error.status_code).name.lower()
    detail = {404: f"there is nothing at {request.url.path}",
              405: f"{request.method} is not possible here"}.get(error.status_code, str(error.detail))
    return problem_response(request, error.status_code, code, detail, headers=dict(error.headers or {}))


def _of_validation(request: Request, error: RequestValidationError | ValidationError) -> Response:
    errors = field_errors(error.errors())
    detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5])
    return problem_response(request, 422, "invalid", detail, errors=errors)


def _of_overflow(request: Request, error: OverflowError) -> Response:
    # A date or number that fits its type on the wire but nothing here, as 9999-12-31T23:59:59-23:59.
    errors = [{"field": "body", "message": f"a value is out of range: {error}"}]
    return problem_response(request, 422, "invalid", errors[0]["message"], errors=errors)


def of_bug(request: Request, error: Exception) -> Response:
    """Return the answer to what nobody expected; the log gets the rest."""
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
    return problem_response(request, 500, "internal", "this is a fault of the server, not of the request; see its log")


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    # Starlette gives each handler errors of the class that it is named with.
    handlers: dict[type[Exception], Callable[[Request, Any], Response]] = {
        SentryboxError: _of_contract, Problem: _of_http, HTTPException: _of_starlette,
        RequestValidationError: _of_validation, OverflowError: _of_overflow}
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
