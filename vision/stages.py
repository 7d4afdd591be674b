"""Backends: a table from each stage of the graph to the function that renders it.

A backend is a module with `load(directory, manifest) -> loaded`, whatever its renderers share, and `STAGES`,
which has a renderer for each stage below: `render(graph, manifest, directory, loaded) -> callable`.

| stage   | what its renderer returns |
|---------|---------------------------|
| Decode  | open_stream(source) -> a stream (see follow.py); also renders Source and Batch. `loaded` is None |
| Detect  | find(rgb, regions) -> faces |
| Track   | people(ids) -> People of one more camera |
| Embed   | a FaceReader |
| Publish | jpeg(rgb) -> bytes. `loaded` is None |
| Still   | read(data) -> the fields of a `faces` answer |
"""

import importlib
from pathlib import Path
from typing import Any, Callable, NamedTuple

from vision.graph import Decode, Detect, Embed, Graph, Publish, Track
from vision.observer import Eyes
from vision.packs.manifest import Manifest, check_files, load_manifest

MODULES = {"cpu": "vision.cpu.stages"}


class Still:
    """The stage that reads still images: the same networks on pictures that come over the socket."""


class Cameras(NamedTuple):
    """What works without a model pack."""

    open_stream: Callable[[Any], Any]
    jpeg: Callable[[Any], bytes]


class Analysis(NamedTuple):
    """What needs a model pack."""

    manifest: Manifest
    eyes: Eyes
    people: Callable[..., Any]
    still: Callable[[bytes], Any]


def render_cameras(graph: Graph) -> Cameras:
    table = importlib.import_module(MODULES[graph.backend]).STAGES
    return Cameras(table[Decode](graph, None, None, None), table[Publish](graph, None, None, None))


def render_analysis(graph: Graph) -> Analysis:
    """Loads the pack. Raises ManifestError when it is missing or damaged."""
    backend = importlib.import_module(MODULES[graph.backend])
    directory = Path(graph.detect.pack)
    manifest = load_manifest(directory)
    check_files(directory, manifest)
    loaded = backend.load(directory, manifest)
    find, people, reader, still = (
        backend.STAGES[stage](graph, manifest, directory, loaded) for stage in (Detect, Track, Embed, Still))
    narrow = graph.embed.min_width
    eyes = Eyes(find, reader, manifest.id, manifest.faces.network.size, manifest.faces.sure,
                manifest.thresholds.min_width if narrow is None else narrow)
    return Analysis(manifest, eyes, people, still)
