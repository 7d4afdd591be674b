"""Landmarks, chips and embeddings against dlib itself, on the same weights."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.cpu import pixels
from vision.faces.blaze import Region
from vision.faces.chip import TEMPLATES, chip_for
from vision.faces.landmarks import FivePoints
from vision.packs.build import sources
from vision.packs.build.fetch import fetch

dlib = pytest.importorskip("dlib")
CACHE = Path(__file__).parents[3] / "var" / "cache"


@pytest.fixture(scope="module")
def reference(pack, tmp_path_factory):
    """dlib's own predictor and embedder."""
    folder = tmp_path_factory.mktemp("dlib")
    paths = {}
    for member, data in fetch(sources.DLIB_WEIGHTS, CACHE, print).items():
        paths[member] = folder / Path(member).name
        paths[member].write_bytes(data)
    return (dlib.shape_predictor(str(paths[sources.FIVE_POINTS])),
            dlib.face_recognition_model_v1(str(paths[sources.EMBEDDER])))


@pytest.fixture(scope="module")
def portraits(analysis, faces):
    """(picture, whole-pixel box) of every face in a few photos."""
    found = []
    for file in sorted((faces / "face_recognition").glob("knn_examples/*/**/*.jp*g")):
        rgb = np.array(Image.open(file).convert("RGB"))
        for face in analysis.find(rgb, [Region(0, 0, rgb.shape[1], rgb.shape[0])]):
            x, y, width, height = (round(value) for value in face.box)
            found.append((rgb, (x, y, width, height)))
    assert len(found) >= 12
    return found


@pytest.fixture(scope="module")
def predictor(pack):
    return FivePoints(pack / "landmarks.npz")


def noise(seed):
    return np.random.default_rng(seed).integers(0, 255, (200, 240, 3)).astype(np.uint8)


def dlib_points(predictor, rgb, box):
    x, y, width, height = box
    parts = predictor(rgb, dlib.rectangle(x, y, x + width, y + height))
    return np.array([(point.x, point.y) for point in parts.parts()]), parts


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("box", [(40, 30, 100, 100), (-30, -20, 90, 90), (170, 140, 100, 110)])
def test_landmarks_are_dlibs_on_anything(predictor, reference, seed, box):
    mine = np.floor(predictor(noise(seed), box) + 0.5).astype(int)
    assert (mine == dlib_points(reference[0], noise(seed), box)[0]).all()


def test_landmarks_are_dlibs_on_faces(predictor, reference, portraits):
    for rgb, box in portraits:
        mine = np.floor(predictor(rgb, box) + 0.5).astype(int)
        assert (mine == dlib_points(reference[0], rgb, box)[0]).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_embedder_is_dlibs_on_any_chip(analysis, reference, seed):
    chip = np.random.default_rng(seed).integers(0, 255, (150, 150, 3)).astype(np.uint8)
    theirs = np.array(reference[1].compute_face_descriptor(chip))
    assert np.abs(analysis.reader.embed(chip) - theirs).max() < 2e-5


def test_a_face_is_embedded_as_dlib_would(analysis, reference, portraits):
    for rgb, box in portraits:
        points, parts = dlib_points(reference[0], rgb, box)
        chip = dlib.get_face_chip(rgb, parts, 150, 0.25)
        theirs = np.array(reference[1].compute_face_descriptor(chip))
        assert np.abs(analysis.reader.embed(chip) - theirs).max() < 2e-5
        mine = pixels.warp_chip(rgb, chip_for(points.astype(float), TEMPLATES["dlib5"], 150), 150)
        assert np.linalg.norm(analysis.reader.embed(mine) - theirs) < 0.1
