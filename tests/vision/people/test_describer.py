"""Bodies and faces become people: whose face is whose, what is worth an embedding, and when pixels are fetched."""

import numpy as np
import pytest

from vision.faces.reader import Found
from vision.faces.trails import FollowedFace
from vision.graph import Embed
from vision.people.describer import Body, Describer
from vision.shot import Shot
from vision.sight import Pose
from vision.tracker import Tracklet

POSE = Pose(np.zeros((17, 3)))
PERSON = Body(4, (100.0, 100.0, 60.0, 180.0), 0.9, 20, POSE)
ON_PERSON, ALONE, SMALL = (110.0, 105.0, 40.0, 40.0), (400.0, 50.0, 90.0, 90.0), (110.0, 105.0, 31.0, 31.0)


class Reader:
    """Says what it was asked for instead of a face: the box, and whether with an embedding."""

    def read(self, rgb, found, with_embedding):
        assert rgb == "pixels"
        return found.box, with_embedding


class Camera:
    """Shots of one camera, and how often their pixels were fetched."""

    def __init__(self):
        self.fetched = 0
        self.describer = Describer(Reader(), Embed(first=2, first_every_s=0.3, then_every_s=2.0), min_width=32.0)

    def see(self, bodies=(), faces=(), at=0.0):
        shot = Shot("gate", 25, at, 640, 480, self._pixels, lambda: pytest.fail("nobody wants a file"))
        return self.describer.describe(shot, bodies, [
            FollowedFace(Tracklet(9, box, 0.8, 22, at, (0.0, 0.0)), Found(box, 0.8)) for box in faces])

    def _pixels(self):
        self.fetched += 1
        return "pixels"


def embedded(camera, times, **seen):
    return [camera.see(at=at, **seen)[0].face[1] for at in times]


def test_a_face_on_a_body_is_that_persons_and_no_second_one():
    (person,) = Camera().see([PERSON], [ON_PERSON])
    assert person[:5] == (4, "body", PERSON.box, 0.9, 5)
    assert person.face == (ON_PERSON, True)
    assert person.pose is POSE


def test_a_face_without_a_body_stands_for_its_person():
    body, face = Camera().see([PERSON], [ALONE])
    assert body.face is None
    assert face[:6] == (9, "face", ALONE, 0.8, 3, (ALONE, True))
    assert face.pose is None


@pytest.mark.parametrize(("bodies", "faces"), [((), ()), ((PERSON,), ()), ((PERSON,), (SMALL,)), ((), (SMALL,))])
def test_without_a_face_worth_describing_no_pixel_is_fetched(bodies, faces):
    camera = Camera()
    assert all(person.face is None for person in camera.see(bodies, faces))
    assert camera.fetched == 0


def test_first_embeddings_come_fast_and_later_ones_seldom():
    times = [0.0, 0.2, 0.3, 0.6, 2.2, 2.4]
    assert embedded(Camera(), times, faces=[ALONE]) == [True, False, True, False, False, True]


def test_the_pace_is_the_persons_and_not_the_faces():
    """A face trail that begins anew on the same body is no reason to embed again."""
    camera = Camera()
    assert embedded(camera, [0.0], bodies=[PERSON], faces=[ON_PERSON]) == [True]
    assert embedded(camera, [0.1], bodies=[PERSON], faces=[(115.0, 106.0, 42.0, 42.0)]) == [False]
    assert embedded(camera, [0.1], bodies=[PERSON._replace(id=5)], faces=[ON_PERSON]) == [True]
