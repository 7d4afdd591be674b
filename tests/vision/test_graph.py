"""The graph file: round trip, and an error that names the place, the value and what is allowed."""

import json

import pytest

from vision.graph import Detect, GraphError, Source, dump_graph, file_path, is_file, parse_graph

GATE = {"id": "gate", "uri": "rtsp://127.0.0.1/gate"}


def test_defaults_are_filled_in():
    graph = parse_graph(json.dumps({"pack": "p", "cameras": [GATE]}))
    assert graph.sources == (Source("gate", "rtsp://127.0.0.1/gate", 10.0, False, True),)
    assert (graph.detect, graph.embed.min_width) == (Detect("p", None, None), None), "the pack's own thresholds"


def test_a_graph_survives_the_file():
    graph = parse_graph(json.dumps({
        "pack": "p", "cameras": [dict(GATE, fps=5, loop=True, realtime=False), {"id": "b", "uri": "/dev/video0"}],
        "thresholds": {"face_score": 0.7, "presence": 0.4, "embed_width": 40}}))
    assert parse_graph(dump_graph(graph)) == graph


@pytest.mark.parametrize(("document", "named"), [
    ("{", "not JSON"),
    ("[]", "expected an object"),
    ({}, "pack: found None"),
    ({"pack": "p", "camera": []}, "unknown key 'camera'"),
    ({"pack": "p", "cameras": {}}, "expected a list"),
    ({"pack": "p", "cameras": [{"id": "x"}]}, "cameras[0].uri: found None"),
    ({"pack": "p", "cameras": [dict(GATE, id="a b")]}, "cameras[0].id: found 'a b'"),
    ({"pack": "p", "cameras": [GATE, GATE]}, "cameras[1].id: 'gate' is the id of two"),
    ({"pack": "p", "cameras": [dict(GATE, uri="ftp://x")]}, "cameras[0].uri: found 'ftp://x'"),
    ({"pack": "p", "cameras": [dict(GATE, fps=0)]}, "cameras[0].fps: found 0"),
    ({"pack": "p", "cameras": [dict(GATE, fps="10")]}, "cameras[0].fps: found '10'"),
    ({"pack": "p", "cameras": [dict(GATE, fps=True)]}, "cameras[0].fps: found True"),
    ({"pack": "p", "cameras": [dict(GATE, loop="yes")]}, "cameras[0].loop: found 'yes'"),
    ({"pack": "p", "cameras": [dict(GATE, speed=1)]}, "unknown key 'speed'"),
    ({"pack": "p", "thresholds": {"presence": 2}}, "thresholds.presence: found 2"),
    ({"pack": "p", "thresholds": {"embed_width": 1}}, "thresholds.embed_width: found 1"),
    ({"pack": "p", "backend": "cuda"}, "backend: found 'cuda'; allowed: cpu"),
])
def test_what_is_wrong_is_named(document, named):
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(GraphError) as caught:
        parse_graph(text)
    assert named in str(caught.value)


@pytest.mark.parametrize(("uri", "path"), [
    ("clips/a b.mp4", "clips/a b.mp4"), ("file:///clips/a%20b.mp4", "/clips/a b.mp4"), ("/clips/x.avi", "/clips/x.avi"),
])
def test_files_are_told_from_cameras(uri, path):
    source = Source("a", uri)
    assert is_file(source)
    assert file_path(source) == path


@pytest.mark.parametrize("uri", ["rtsp://127.0.0.1/x", "/dev/video0"])
def test_cameras_are_told_from_files(uri):
    assert not is_file(Source("a", uri))
