"""Keeps one source going: reconnects with back-off, starts files again, says in which state it is.

A source runs in its own thread and cannot stop another one.
"""

import logging
import threading
import time
from typing import Any, Callable

from vision.graph import Source, is_file

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
SILENCE_S = 10.0
POLL_S = 0.25


class StreamLost(Exception):
    """The source cannot be read; the text is for the person who looks at the camera."""


class StreamEnded(Exception):
    """The source has no more pictures."""


class Backoff:
    """Waiting times after failures: 1, 2, 4, ... 30 s; from the start again after a picture."""

    def __init__(self) -> None:
        self._next = FIRST_WAIT_S

    def fail(self) -> float:
        wait = self._next
        self._next = min(self._next * 2, LONGEST_WAIT_S)
        return wait

    def succeed(self) -> None:
        self._next = FIRST_WAIT_S


def follow(source: Source, open_stream: Callable[[Source], Any], on_picture: Callable[[Any], None],
           on_state: Callable[[str, str], None], stopping: threading.Event) -> None:
    """Runs until `stopping` is set, or a file that does not loop has ended.

    open_stream(source) gives read(wait_s), rewind(), close(); on_picture gets what read gave, and a picture that it
    raises on is a loss; on_state gets
    "connecting", "live", "lost" or "ended" and a reason, each time that it changes.
    """
    backoff = Backoff()
    on_state("connecting", "")
    while not stopping.is_set():
        try:
            _read_all(source, open_stream, on_picture, on_state, stopping, backoff)
        except StreamEnded:
            on_state("ended", "the file has ended")
            return
        except StreamLost as error:
            wait = backoff.fail()
            on_state("lost", f"{error}; trying again in {wait:.0f} s")
            stopping.wait(wait)


def _read_all(source: Source, open_stream: Callable[[Source], Any], on_picture: Callable[[Any], None],
              on_state: Callable[[str, str], None], stopping: threading.Event, backoff: Backoff) -> None:
    stream = open_stream(source)
    try:
        last, live = time.monotonic(), False
        while not stopping.is_set():
            try:
                picture = stream.read(POLL_S)
            except StreamEnded:
                _end(source, stream, live)
                continue
            if picture is not None:
                _hand_on(source, picture, on_picture)
                if not live:
                    on_state("live", "")
                last, live = time.monotonic(), True
                backoff.succeed()
            elif time.monotonic() - last > SILENCE_S:
                raise StreamLost(f"no picture for {SILENCE_S:.0f} s")
    finally:
        stream.close()


def _hand_on(source: Source, picture: Any, on_picture: Callable[[Any], None]) -> None:
    try:
        on_picture(picture)
    except Exception as error:
        log.exception("camera %s: a picture could not be analysed", source.id)
        raise StreamLost(f"the analysis failed: {error}") from error


def _end(source: Source, stream: Any, live: bool) -> None:
    if not is_file(source):
        raise StreamLost("the camera ended the stream")
    if not live:
        raise StreamLost("the file has no picture")
    if not source.loop:
        raise StreamEnded("the file has ended")
    stream.rewind()
