"""The vision graph as data: what is read, how it is analysed, what is said. Imports no framework.

A backend (see analysis.py) renders it. The worker's `--graph` file is this graph as JSON:

    {"backend": "cpu", "pack": "var/models/open-1",
     "cameras": [{"id": "gate", "uri": "rtsp://camera/stream", "fps": 10, "loop": false, "realtime": true}],
     "thresholds": {"face_score": 0.6, "presence": 0.5, "embed_width": 32}}

Only "pack" is required; thresholds that are absent come from the pack.
"""

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

BACKENDS = {"cpu": "vision.cpu.backend"}
"""The module that renders each backend; what it gives is described in analysis.py."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_CAMERA_KEYS = ("id", "uri", "fps", "loop", "realtime")
_THRESHOLDS = ("face_score", "presence", "embed_width")


class GraphError(ValueError):
    """The description is wrong; the text names the place, what was found and what is allowed."""


class Source(NamedTuple):
    """One camera. `fps`: pictures analysed a second. A file may start again (`loop`) and may keep its own pace."""

    id: str
    uri: str
    fps: float = 10.0
    loop: bool = False
    realtime: bool = True


class Decode(NamedTuple):
    """`threads` of a software decoder."""

    threads: int = 1


class Batch(NamedTuple):
    """Pictures are scaled down to fit into this size before analysis."""

    width: int = 1280
    height: int = 720


class Detect(NamedTuple):
    """`face_score` of the face detector; `presence` of the pose network that makes a moving blob a person.

    None: the pack's.
    """

    pack: str
    face_score: Optional[float] = None
    presence: Optional[float] = None


class Track(NamedTuple):
    """Boxes of one person in two pictures overlap at least so; a track is kept for so long without a box."""

    overlap: float = 0.2
    keep_s: float = 1.5


class Embed(NamedTuple):
    """Faces at least `min_width` px (None: the pack's) are embedded, the first ones of a track more often."""

    min_width: Optional[float] = None
    first: int = 10
    first_every_s: float = 0.3
    then_every_s: float = 2.0


class Publish(NamedTuple):
    """Raw pictures kept for each camera, for evidence and snapshots."""

    keep_frames: int = 15


class Graph(NamedTuple):
    sources: Tuple[Source, ...]
    decode: Decode
    batch: Batch
    detect: Detect
    track: Track
    embed: Embed
    publish: Publish
    backend: str = "cpu"


def is_file(source: Source) -> bool:
    """Return whether the source is a file, which ends, and not a camera, which should not."""
    return _scheme(source.uri) == "file" or (_scheme(source.uri) == "" and not source.uri.startswith("/dev/"))


def file_path(source: Source) -> str:
    """Return the path of a file source."""
    return unquote(urlsplit(source.uri).path) if _scheme(source.uri) == "file" else source.uri


def parse_graph(text: str) -> Graph:
    """Reads the `--graph` file. Raises GraphError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise GraphError(f"the graph is not JSON: {error}") from error
    _only_keys("the graph", document, ("backend", "pack", "cameras", "thresholds"))
    cameras = document.get("cameras", [])
    if not isinstance(cameras, list):
        raise GraphError(f"cameras: found {cameras!r}; expected a list")
    thresholds = document.get("thresholds", {})
    _only_keys("thresholds", thresholds, _THRESHOLDS)
    detect = Detect(_text("pack", document.get("pack")),
                    **{key: thresholds[key] for key in ("face_score", "presence") if key in thresholds})
    embed = Embed(thresholds["embed_width"]) if "embed_width" in thresholds else Embed()
    graph = Graph(tuple(_camera(index, entry) for index, entry in enumerate(cameras)), Decode(), Batch(), detect,
                  Track(), embed, Publish(), document.get("backend", "cpu"))
    validate(graph)
    return graph


def dump_graph(graph: Graph) -> str:
    """Return the JSON text that `parse_graph` reads."""
    thresholds = {"face_score": graph.detect.face_score, "presence": graph.detect.presence,
                  "embed_width": graph.embed.min_width}
    return json.dumps({
        "backend": graph.backend, "pack": graph.detect.pack,
        "cameras": [dict(source._asdict()) for source in graph.sources],
        "thresholds": {key: value for key, value in thresholds.items() if value is not None}}, indent=2) + "\n"


def validate(graph: Graph) -> None:
    """Raises GraphError naming the first value that cannot be."""
    if graph.backend not in BACKENDS:
        raise GraphError(f"backend: found {graph.backend!r}; allowed: {', '.join(BACKENDS)}")
    seen: List[str] = []
    for index, source in enumerate(graph.sources):
        place = f"cameras[{index}]"
        if not _ID.match(source.id):
            raise GraphError(f"{place}.id: found {source.id!r}; letters, digits, . _ - and at most 64 of them")
        if source.id in seen:
            raise GraphError(f"{place}.id: {source.id!r} is the id of two cameras")
        seen.append(source.id)
        if _scheme(source.uri) not in ("rtsp", "rtsps", "file", ""):
            raise GraphError(f"{place}.uri: found {source.uri!r}; allowed: rtsp://..., a file, /dev/videoN")
        _between(f"{place}.fps", source.fps, 1, 30)
    for name, value, low, high in (("face_score", graph.detect.face_score, 0.01, 0.99),
                                   ("presence", graph.detect.presence, 0.01, 0.99),
                                   ("embed_width", graph.embed.min_width, 16, 1000)):
        if value is not None:
            _between(f"thresholds.{name}", value, low, high)


def _camera(index: int, entry: Any) -> Source:
    place = f"cameras[{index}]"
    _only_keys(place, entry, _CAMERA_KEYS)
    for key in ("loop", "realtime"):
        if not isinstance(entry.get(key, False), bool):
            raise GraphError(f"{place}.{key}: found {entry[key]!r}; expected true or false")
    values: Dict[str, Any] = dict(entry)
    values["id"] = _text(f"{place}.id", entry.get("id"))
    values["uri"] = _text(f"{place}.uri", entry.get("uri"))
    return Source(**values)


def _only_keys(place: str, value: Any, allowed: Tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise GraphError(f"{place}: found {value!r}; expected an object")
    unknown = sorted(set(value) - set(allowed))
    if unknown:
        raise GraphError(f"{place}: unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}")


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise GraphError(f"{place}: found {value!r}; expected a text")
    return value


def _between(place: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise GraphError(f"{place}: found {value!r}; expected a number from {low} to {high}")


def _scheme(uri: str) -> str:
    return uri.split("://", 1)[0].lower() if "://" in uri else ""
