"""Demo cameras: an RTSP server that plays clips in an endless loop, as live cameras do.

  python -m demo.cameras --port 8554 --clip gate=gate.mp4 --clip hall=hall.mp4

Each clip is at rtsp://127.0.0.1:PORT/NAME. The encoded pictures are kept in memory and sent with times that go on
rising over the loops, so a client never sees an end.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402,F401

_READ = ("filesrc name=file ! qtdemux ! h264parse config-interval=-1 ! "
         "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false")
_SERVE = ("( appsrc name=clip is-live=true format=time block=false "
          "caps=video/x-h264,stream-format=byte-stream,alignment=au ! h264parse config-interval=-1 ! "
          "rtph264pay name=pay0 pt=96 )")
_GLANCE = 100 * Gst.MSECOND


class Clip(NamedTuple):
    """Encoded pictures (byte-stream H.264 access units) and the duration of one in nanoseconds."""

    pictures: tuple[bytes, ...]
    duration: int


def read_clip(path: Path) -> Clip:
    """Read a clip of constant rate, H.264 in MP4. Raises ValueError when it is something else."""
    pipeline = Gst.parse_launch(_READ)
    pipeline.get_by_name("file").set_property("location", str(path))
    out = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    pictures, times = [], []
    try:
        while not out.get_property("eos") and not pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR):
            sample = out.emit("try-pull-sample", _GLANCE)
            if sample is None:
                continue
            buffer = sample.get_buffer()
            pictures.append(buffer.extract_dup(0, buffer.get_size()))
            times.append(buffer.pts)
    finally:
        pipeline.set_state(Gst.State.NULL)
    if len(pictures) < 2:
        raise ValueError(f"{path} is not a clip of H.264 in MP4")
    return Clip(tuple(pictures), (max(times) - min(times)) // (len(times) - 1))


def mount(server: GstRtspServer.RTSPServer, name: str, clip: Clip) -> None:
    """Serve a clip at /name to any number of clients."""
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_SERVE)
    factory.set_shared(True)

    def configure(_factory: Any, media: GstRtspServer.RTSPMedia) -> None:
        sent = 0

        def feed(source: Any, _length: int) -> None:
            nonlocal sent
            buffer = Gst.Buffer.new_wrapped(clip.pictures[sent % len(clip.pictures)])
            buffer.pts = buffer.dts = sent * clip.duration
            buffer.duration = clip.duration
            sent += 1
            source.emit("push-buffer", buffer)

        media.get_element().get_child_by_name("clip").connect("need-data", feed)

    factory.connect("media-configure", configure)
    server.get_mount_points().add_factory(f"/{name}", factory)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.cameras", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clip", action="append", required=True, metavar="NAME=PATH")
    options = parser.parse_args(argv)
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    for text in options.clip:
        name, _, path = text.partition("=")
        try:
            mount(server, name, read_clip(Path(path)))
        except (ValueError, GLib.Error) as error:
            print(f"demo camera {name}: {error}", file=sys.stderr)
            return 1
    if not server.attach(None):
        print(f"port {options.port} cannot be listened on", file=sys.stderr)
        return 1
    print("ready", flush=True)
    GLib.MainLoop().run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
