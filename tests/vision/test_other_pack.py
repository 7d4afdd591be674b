"""A pack of other kinds than the built-in one (YuNet, SFace) is used as it is: from a photo to a name, with no code."""

import io

import numpy as np
import pytest
from PIL import Image

from appliance.pipeline.matching import GalleryMatcher
from appliance.store.gallery import Gallery
from contract.ids import new_id
from contract.moments import now
from contract.observation import Face
from contract.profile import Template
from tests.support.tiny_pack import BOX, LANDMARKS, picture, write_pack
from visionlink.client import read_space

RED, GREEN, YELLOW = (200, 10, 10), (10, 200, 10), (180, 180, 10)


def png(rgb):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def talk(start_worker, tmp_path):
    return start_worker({"pack": str(write_pack(tmp_path / "tiny-1"))})


def test_from_a_photo_to_a_name_by_angle(talk):
    space = read_space(talk.read().fields)
    assert (space.pack, space.size, space.metric, space.thresholds.known) == ("tiny-1", 6, "cosine", 0.05)

    def face(rgb):
        answer = talk.still(png(rgb))
        assert (answer["pack"], len(answer["faces"])) == ("tiny-1", 1), answer
        return Face(**answer["faces"][0])

    ada = face(picture(RED, YELLOW))
    assert ada.box == BOX
    assert ada.landmarks == LANDMARKS
    assert ada.score == 1.0
    assert ada.quality.width == BOX[2] and ada.quality.frontal > 0.9
    assert ada.vector().shape == (6,)
    assert np.linalg.norm(ada.vector()) == pytest.approx(1, abs=1e-5), "embeddings of a cosine pack have length 1"

    gallery = Gallery()
    gallery.adopt(space)
    for person, seen in (("ada", ada), ("eve", face(picture(GREEN, RED)))):
        gallery.put(person, [Template(id=new_id(), pack=seen.pack, vector=seen.embedding, quality=1, made_at=now())])
    matcher = GalleryMatcher(gallery.nearest, {space.pack: space}.get)
    dim = face(picture(RED, YELLOW, light=0.7))
    match = matcher.identify(dim)
    assert (match.status, match.profile_id) == ("known", "ada")
    assert match.distance == pytest.approx(0, abs=0.01)
    assert matcher.identify(face(picture(GREEN, RED))).profile_id == "eve"
    assert matcher.identify(face(picture(GREEN, GREEN))).status == "unknown"


def test_colours_reach_the_networks_in_the_order_they_want(start_worker, tmp_path):
    turned = write_pack(tmp_path / "rgb", faces__network__colours="rgb")
    assert start_worker({"pack": str(turned)}).still(png(picture(GREEN, GREEN)))["faces"] == []


def test_the_packs_own_score_decides_what_is_found(start_worker, tmp_path):
    pack = write_pack(tmp_path / "strict", faces__score=0.9)
    talk = start_worker({"pack": str(pack)})
    assert len(talk.still(png(picture(RED, YELLOW)))["faces"]) == 1
    assert talk.still(png(picture(RED, YELLOW, light=0.7)))["faces"] == []


def test_a_pack_that_does_not_fit_is_refused_with_the_reason(start_worker, tmp_path):
    pack = write_pack(tmp_path / "odd", embedding_size=128)
    error = start_worker({"pack": str(pack)}).still(png(picture(RED, YELLOW)))["error"]
    assert error["code"] == "model_missing"
    assert "output 'fc1' has shape (6,) without the batch; (128,) is needed" in error["detail"]
