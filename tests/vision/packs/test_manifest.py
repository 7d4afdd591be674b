"""The manifest: what it may say, and an error that names the place, what was found and what is known."""

import json
from pathlib import Path

import pytest

from tests.support.tiny_pack import read_manifest, write_manifest, write_pack
from vision.faces.detectors import decoder_of
from vision.packs.fields import ManifestError
from vision.packs.manifest import DETECTORS, LANDMARKS, METRICS, POSES, TEMPLATES, dump_manifest, load_manifest


@pytest.fixture
def pack(tmp_path):
    return write_pack(tmp_path / "tiny-1")


def test_a_pack_of_other_kinds_is_read(pack):
    manifest = load_manifest(pack)
    faces = manifest.faces
    assert (faces.kind, faces.network.colours, faces.strides) == ("yunet", "bgr", (8, 16, 32))
    assert (manifest.landmarks.kind, manifest.embedder.template, manifest.metric) == ("detector", "arcface5", "cosine")
    assert manifest.thresholds._asdict() == {
        "known": 0.05, "review": 0.1, "verify": 0.08, "margin": 0.001, "min_width": 24.0}


def test_it_survives_its_file(pack):
    manifest = load_manifest(pack)
    (pack / "manifest.json").write_text(dump_manifest(manifest))
    assert load_manifest(pack) == manifest


@pytest.mark.parametrize(("place", "known"), [
    ("faces.kind", "blazeface, yunet"), ("landmarks.kind", "dlib5, detector"), ("embedder.template", "dlib5, arcface5"),
    ("metric", "euclidean, cosine"), ("pose.kind", "blazepose"), ("faces.network.colours", "rgb, bgr")])
def test_an_unknown_kind_names_those_that_are_known(tmp_path, place, known):
    pack = write_pack(tmp_path / "p", **{place.replace(".", "__"): "other"})
    with pytest.raises(ManifestError) as caught:
        load_manifest(pack)
    assert f"pack.{place}: 'other' is not known; known: {known}" in str(caught.value)


@pytest.mark.parametrize(("changes", "named"), [
    ({"embedding_size": 0}, "pack.embedding_size: found 0; expected a whole number from 1 to 1536"),
    ({"embedding_size": 2000}, "from 1 to 1536"),
    ({"embedding_size": True}, "pack.embedding_size: found True"),
    ({"faces__score": "high"}, "pack.faces.score: found 'high'; expected a number"),
    ({"faces__score": float("nan")}, "pack.faces.score"),
    ({"faces__strides": [8.5]}, "pack.faces.strides"),
    ({"faces__strides": []}, "pack.faces.strides"),
    ({"faces__per": [1]}, "pack.faces.per: 1 numbers; one for each of the 3 strides"),
    ({"faces__network__mean": [0]}, "pack.faces.network.mean: 1 numbers"),
    ({"faces__network": 3}, "pack.faces.network: found 3; expected an object"),
    ({"faces__anchors": 3}, "pack.faces.anchors: this field is not known; known: kind, network"),
    ({"pose_detector": {}}, "pack.pose_detector: this field is not known"),
    ({"landmarks": {"kind": "dlib5", "file": "x.npz", "box": [1]}}, "pack.landmarks.box: 1 numbers"),
    ({"landmarks": {"kind": "dlib5", "file": "x.npz", "box": [0, 0, 1, 1]}}, "x.npz is used but not listed"),
    ({"thresholds__known": 0.4, "thresholds__review": 0.3}, "known (0.4) must be below review (0.3); these are dista"),
    ({"thresholds__margin": -1}, "pack.thresholds.margin"),
    ({"id": ""}, "pack.id: found ''; expected a text"),
])
def test_what_is_wrong_is_named(tmp_path, changes, named):
    with pytest.raises(ManifestError) as caught:
        load_manifest(write_pack(tmp_path / "p", **changes))
    assert named in str(caught.value)


@pytest.mark.parametrize("place", ["id", "faces", "embedding_size", "metric", "thresholds", "pose", "landmarks"])
def test_a_missing_field_is_named(pack, place):
    manifest = read_manifest(pack)
    del manifest[place]
    write_manifest(pack, manifest)
    with pytest.raises(ManifestError, match=rf"pack\.{place} is missing: the manifest is incomplete"):
        load_manifest(pack)


def test_a_file_outside_the_pack_is_refused(pack):
    manifest = read_manifest(pack)
    manifest["files"]["../faces.onnx"] = manifest["files"]["faces.onnx"]
    (pack / "manifest.json").write_text(json.dumps({"format": 2, "pack": manifest}))
    with pytest.raises(ManifestError, match="no plain file name"):
        load_manifest(pack)


FORMAT_1 = {
    "id": "open-1", "metric": "l2", "embedding_size": 128, "thresholds": {"known": 0.5, "review": 0.6, "verify": 0.55},
    "faces": {"network": {"file": "f.onnx", "size": 192, "mean": [127.5] * 3, "scale": 1 / 127.5}, "strides": [4],
              "per": [1], "score": 0.6, "overlap": 0.3},
    "alignment": {"landmarks": "l.npz", "box": [0.006, -0.002, 0.91, 0.91], "template": [[0, 0]] * 5, "padding": 0.25,
                  "chip": 150},
    "embedder": {"file": "e.onnx", "size": 150, "mean": [122.8, 117.0, 104.3], "scale": 1 / 256},
    "pose_detector": {"network": {"file": "d.onnx"}}, "pose": {"file": "p.onnx", "size": 256, "mean": [0] * 3,
                                                              "scale": 1 / 255},
    "files": {name: {"sha256": "0", "bytes": 1, "licence": "CC0-1.0", "source": "x"}
              for name in ("f.onnx", "l.npz", "e.onnx", "p.onnx", "d.onnx")}}


def test_a_built_in_pack_of_format_1_is_still_read(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "pack": FORMAT_1}))
    manifest = load_manifest(tmp_path)
    assert (manifest.faces.kind, manifest.landmarks.kind, manifest.embedder.template, manifest.pose.kind) == (
        "blazeface", "dlib5", "dlib5", "blazepose")
    assert (manifest.metric, manifest.faces.sure) == ("euclidean", 0.7)
    assert manifest.thresholds == (0.5, 0.6, 0.55, 0.02, 32.0)


def test_a_metric_that_format_1_did_not_have_says_what_to_do(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "pack": {**FORMAT_1, "metric": "l1"}}))
    with pytest.raises(ManifestError, match="models build"):
        load_manifest(tmp_path)


def test_the_example_of_the_docs_is_one(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    (tmp_path / "manifest.json").write_text(text.split("```json\n")[1].split("```")[0])
    manifest = load_manifest(tmp_path)
    assert decoder_of(manifest).landmarks == manifest.embedder.template
    for word in (*DETECTORS, *LANDMARKS, *TEMPLATES, *POSES, *METRICS):
        assert f"`{word}`" in text, f"docs/models.md does not explain {word}"
