"""Bodies are read within bounds: too many bytes are refused while they arrive, photos never touch the disk."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import State, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import Problem, problem_response

MAX_IMAGE = 20 * 1024 * 1024
MAX_JSON = 1024 * 1024
MAX_JSON_PHOTOS = 8 * 1024 * 1024
MAX_FORM = 64 * 1024 * 1024
MAX_PHOTOS = 10
READ_SECONDS = 60.0
# After a refusal the rest is read and thrown away, so that the sender sees the answer in place of a broken pipe.
MAX_DRAIN = 256 * 1024 * 1024

# Several large uploads at once would cost more memory than a Nano has to spare.
_READERS = 3


class Upload(NamedTuple):
    """One file of a form, or the raw body."""

    filename: str
    data: bytes


def limit_for(scope: Scope) -> int:
    """Return the most bytes the body of this request may have: photos are large, everything else is small."""
    media = next((v for k, v in scope["headers"] if k == b"content-type"), b"").lower()
    photos = scope["path"] == "/users/register" or scope["path"].endswith("/photos")
    if photos:
        return MAX_FORM if media.startswith(b"multipart/") else MAX_JSON_PHOTOS
    return MAX_IMAGE + 64 * 1024 if scope["path"] == "/recognize" else MAX_JSON


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than the {limit} bytes this endpoint takes")


class BodyLimit:
    """ASGI: refuses a body over its limit with 413, by its announced length or while it arrives."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit = limit_for(scope)
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if not announced.isdigit() or int(announced) > limit:
            await _drain(receive)
            error = _too_large(limit)
            answer = problem_response(Request(scope), 413, "too_large", error.detail)
            return await answer(scope, receive, send)
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                # After the last part nothing more comes, and waiting for it would keep the sender waiting too.
                if message.get("more_body"):
                    await _drain(receive)
                raise _too_large(limit)
            return message

        await self.app(scope, bounded, send)


async def _drain(receive: Receive) -> None:
    left = MAX_DRAIN
    try:
        async with asyncio.timeout(READ_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


class _InMemoryParser(MultiPartParser):
    # An unknown face must not be written anywhere, not even to a temporary file.
    spool_max_size = MAX_IMAGE + 1


class Form(NamedTuple):
    """A multipart form, read: text fields (each may repeat) and files, by field name."""

    fields: dict[str, list[str]]
    files: dict[str, list[Upload]]

    def text(self, name: str) -> str | None:
        """Return the only value of a field, None when absent. Raises Problem 422 when it comes more than once."""
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise Problem(422, "invalid", f"{name} is given {len(values)} times", hint="send it once")
        return values[0] if values else None


def readers(app_state: State) -> asyncio.Semaphore:
    """Return the app's turnstile for large bodies."""
    turnstile: asyncio.Semaphore = app_state.upload_turnstile
    return turnstile


def new_turnstile() -> asyncio.Semaphore:
    """Return a turnstile, of which an app has one."""
    return asyncio.Semaphore(_READERS)


async def read_form(request: Request, *, file_fields: Iterable[str], max_files: int) -> Form:
    """Read a multipart form into memory.

    Raises Problem: 400 malformed, 408 too slow, 413 too large, 422 for a file in another field.
    """
    wanted = tuple(file_fields)
    form = Form({}, {})
    try:
        async with asyncio.timeout(READ_SECONDS):
            data = await _InMemoryParser(request.headers, request.stream(), max_files=max_files, max_fields=64,
                                         max_part_size=256 * 1024).parse()
            for name, value in data.multi_items():
                if isinstance(value, UploadFile):
                    form.files.setdefault(name, []).append(Upload(value.filename or "", await value.read()))
                    await value.close()
                else:
                    form.fields.setdefault(name, []).append(value)
    except MultiPartException as error:
        raise Problem(400, "bad_form", f"the form could not be read: {error.message}",
                      hint=f"send multipart/form-data with at most {max_files} files") from error
    except TimeoutError as error:
        raise _slow() from error
    for name, files in form.files.items():
        if name not in wanted:
            raise Problem(422, "invalid", f"a file came in the field {name!r}", hint=f"use {' or '.join(wanted)}")
        for upload in files:
            check_size(upload)
    return form


async def read_raw(request: Request) -> bytes:
    """Return the whole body. Raises Problem 408 when it does not arrive in time."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise _slow() from error


def check_size(upload: Upload) -> None:
    """Raise Problem 413 for an image over MAX_IMAGE."""
    if len(upload.data) > MAX_IMAGE:
        raise Problem(413, "too_large", f"the image {upload.filename!r} has {len(upload.data)} bytes, "
                                        f"over the limit of {MAX_IMAGE}")


def _slow() -> Problem:
    return Problem(408, "too_slow", f"the body did not arrive within {READ_SECONDS:g} seconds")
