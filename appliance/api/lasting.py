"""Answers that last: live pictures and events go on only while whoever asked for them may still have them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from fastapi import Request

from appliance.api.auth import still_allowed

T = TypeVar("T")

RECHECK_S = 1.0


async def while_allowed(request: Request, items: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    """Hand on `items` until they end or the sender of `request` may not have them any more. That is looked at once a
    second, also while nothing comes."""
    checked = time.monotonic()
    coming: asyncio.Future[T] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(items))
            await asyncio.wait([coming], timeout=max(0.0, checked + RECHECK_S - time.monotonic()))
            if time.monotonic() - checked >= RECHECK_S:
                if not await still_allowed(request):
                    return
                checked = time.monotonic()
            if coming.done():
                try:
                    item = coming.result()
                except StopAsyncIteration:
                    return
                coming = None
                yield item
    finally:
        if coming is not None:
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming
        await items.aclose()
