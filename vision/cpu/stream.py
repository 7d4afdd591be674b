"""One camera or file as a GStreamer pipeline that ends in RGB pictures."""

import os
import time
from typing import Any, NamedTuple, Optional
from urllib.parse import quote

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp

from vision.follow import StreamEnded, StreamLost
from vision.graph import Batch, Decode, Source, file_path, is_file

LATENCY_MS = 200
RTSP_TIMEOUT_US = 5000000
MAX_DETAIL = 120
_TCP = 4

_PIPELINE = (
    "uridecodebin name=source"
    " ! videorate drop-only=true max-rate={rate} ! videoscale n-threads=1 ! videoconvert n-threads=1"
    " ! video/x-raw,format=RGB,pixel-aspect-ratio=1/1,width=[16,{width}],height=[16,{height}]"
    " ! appsink name=sink emit-signals=false sync={sync} drop={drop} max-buffers={buffers}")


class Captured(NamedTuple):
    """A picture as it came: RGB uint8 (h, w, 3), and when (s since 1970)."""

    rgb: np.ndarray
    at: float


class Stream:
    """An open source. Raises StreamLost from any method when it cannot be read, StreamEnded after the last picture.

    The time of a picture is the clock's when it arrived. A file that is read as fast as possible
    (`realtime` false) keeps its own time instead, from the moment it was opened.
    """

    def __init__(self, source: Source, decode: Decode, batch: Batch) -> None:
        Gst.init(None)
        self._threads = decode.threads
        self._fast = is_file(source) and not source.realtime
        self._started = time.time()
        self._offset = self._last = 0.0
        self._interval_s = 1 / source.fps
        paced = is_file(source) and source.realtime
        self._pipeline = Gst.parse_launch(_PIPELINE.format(
            rate=max(round(source.fps), 1), width=batch.width, height=batch.height,
            sync="true" if paced else "false", drop="false" if self._fast else "true",
            buffers=2 if self._fast else 1))
        self._pipeline.connect("deep-element-added", self._tune)
        element = self._pipeline.get_by_name("source")
        element.connect("source-setup", _set_up)
        element.set_property("uri", _uri(source))
        self._sink = self._pipeline.get_by_name("sink")
        self._bus = self._pipeline.get_bus()
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            reason = self._failure() or "it cannot be opened"
            self.close()
            raise StreamLost(reason)

    def read(self, wait_s: float) -> Optional[Captured]:
        """Return the newest picture, or None when none came within `wait_s`."""
        sample = self._sink.try_pull_sample(int(wait_s * Gst.SECOND))
        if sample is not None:
            return self._take(sample)
        reason = self._failure()
        if reason:
            raise StreamLost(reason)
        if self._sink.is_eos():
            raise StreamEnded("the last picture was read")
        return None

    def rewind(self) -> None:
        """Start a file again."""
        self._offset += self._last + self._interval_s
        if not self._pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT, 0):
            raise StreamLost("the file cannot be started again")

    def close(self) -> None:
        self._pipeline.set_state(Gst.State.NULL)

    def _take(self, sample: Any) -> Captured:
        shape = sample.get_caps().get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        buffer = sample.get_buffer()
        rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)
        rgb = np.ascontiguousarray(rows[:, :width * 3]).reshape(height, width, 3)
        if not self._fast:
            return Captured(rgb, time.time())
        self._last = buffer.pts / float(Gst.SECOND)
        return Captured(rgb, self._started + self._offset + self._last)

    def _failure(self) -> str:
        message = self._bus.pop_filtered(Gst.MessageType.ERROR)
        if message is None:
            return ""
        error, debug = message.parse_error()
        detail = (debug or "").strip().splitlines()
        return f"{error.message} ({detail[-1][:MAX_DETAIL]})" if detail else error.message

    def _tune(self, _pipeline: Any, _bin: Any, element: Any) -> None:
        if element.find_property("max-threads") is not None and "avdec" in element.get_name():
            element.set_property("max-threads", self._threads)


def _set_up(_bin: Any, element: Any) -> None:
    if element.get_factory().get_name() == "rtspsrc":
        element.set_property("protocols", _TCP)
        element.set_property("latency", LATENCY_MS)
        element.set_property("drop-on-latency", True)
        element.set_property("tcp-timeout", RTSP_TIMEOUT_US)
        element.set_property("timeout", RTSP_TIMEOUT_US)


def _uri(source: Source) -> str:
    if is_file(source):
        path = os.path.abspath(file_path(source))
        if not os.path.isfile(path):
            raise StreamLost(f"the file {path} does not exist")
        return "file://" + quote(path)
    if source.uri.startswith("/dev/"):
        if not os.path.exists(source.uri):
            raise StreamLost(f"the device {source.uri} does not exist")
        return "v4l2://" + source.uri
    return source.uri


# The type library must be loaded for the sink's methods to be there.
assert GstApp.AppSink
