"""GET /events: what has just changed, as server-sent events. The store is listened to only while somebody listens."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import NamedTuple

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from appliance.api.auth import new_router
from appliance.api.lasting import while_allowed
from contract.events import Event
from web.guard import Who
from web.problems import Problem

router = new_router("events")

QUEUE = 64
HEARTBEAT_SECONDS = 15.0
MAX_LISTENERS = 64
POLICE_TOPICS = frozenset({"incident", "anchor", "delivery"})


class Subscriber(NamedTuple):
    queue: asyncio.Queue[Event | None]
    topics: frozenset[str] | None


class Hub:
    """From the store's threads to the queues of listeners, all of which belong to one event loop.

    A listener that is too slow gets None in place of what was lost: read everything anew.
    """

    def __init__(self, subscribe: Callable[[Callable[[Event], None]], Callable[[], None]]) -> None:
        self._subscribe = subscribe
        self._listeners: set[Subscriber] = set()
        self._stop: Callable[[], None] | None = None

    @contextlib.contextmanager
    def listen(self, topics: frozenset[str] | None) -> Iterator[asyncio.Queue[Event | None]]:
        """Yield a queue of events of these topics, of all with None. Raises Problem 503 when there are too many
        listeners.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise Problem(503, "too_many_listeners", f"{MAX_LISTENERS} pages listen already",
                          headers={"Retry-After": "10"})
        listener = Subscriber(asyncio.Queue(QUEUE), topics)
        self._listeners.add(listener)
        if self._stop is None:
            loop = asyncio.get_running_loop()
            self._stop = self._subscribe(lambda event: self._from_thread(loop, event))
        try:
            yield listener.queue
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._stop is not None:
                self._stop()
                self._stop = None

    def _from_thread(self, loop: asyncio.AbstractEventLoop, event: Event) -> None:
        # The loop is closed when the process ends: nobody listens then.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        for listener in self._listeners:
            if listener.topics is not None and event.topic not in listener.topics:
                continue
            if listener.queue.full():
                while not listener.queue.empty():
                    listener.queue.get_nowait()
                listener.queue.put_nowait(None)
            else:
                listener.queue.put_nowait(event)


@router.get("/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def events(request: Request, who: Who) -> Response:
    """Send server-sent events, named by topic: incident, profile, delivery, anchor, camera, zones, site, sync.
    The data is {"id": ...}; `resync` says that events were lost."""
    topics = POLICE_TOPICS if who.role == "police" else None
    stream = while_allowed(request, _stream(request.app.state.hub, topics))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(hub: Hub, topics: frozenset[str] | None) -> AsyncGenerator[bytes, None]:
    with hub.listen(topics) as queue:
        yield b"retry: 2000\nevent: hello\ndata: {}\n\n"
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            yield _line(event)


def _line(event: Event | None) -> bytes:
    if event is None:
        return b"event: resync\ndata: {}\n\n"
    return f"event: {event.topic}\ndata: {json.dumps({'id': event.id})}\n\n".encode()
