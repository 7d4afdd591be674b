"""What the CPU backend's observer decides: where it looks, whose trail a face follows, and what it passes on."""

import itertools

import numpy as np
import pytest

from vision.cpu.observer import Observer
from vision.faces.blaze import Region
from vision.faces.reader import Found
from vision.faces.trails import FaceTrails
from vision.graph import Embed
from vision.people.describer import Body, Describer
from vision.shot import Shot
from vision.tracker import Tracker

WIDTH, HEIGHT = 1280, 720
PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
FACE = (600.0, 300.0, 50.0, 50.0)


class Scene:
    """Scripted eyes: `faces` that are found and `bodies` that move; keeps where was looked and what was told."""

    def __init__(self):
        self.faces, self.bodies = [], []
        self.regions, self.believed = [], []
        self.frame = -1
        tracker = Tracker(itertools.count(1), 0.2, 1.5)
        self.observer = Observer(self._find, 192, self, FaceTrails(tracker, 1.5, 0.7), Describer(self, Embed(), 32.0))

    def see(self, skip=1):
        self.frame += skip
        shot = Shot("gate", self.frame, self.frame / 10, WIDTH, HEIGHT, lambda: PIXELS,
                    lambda: pytest.fail("nobody wants a file"))
        return self.observer.observe(shot).people

    def _find(self, rgb, regions):
        assert rgb is PIXELS
        self.regions = regions
        return self.faces

    def update(self, rgb, frame, now, faces):
        assert (rgb is PIXELS, frame, now) == (True, self.frame, self.frame / 10)
        self.believed = faces
        return self.bodies

    def read(self, rgb, found, with_embedding):
        assert rgb is PIXELS
        return found.landmarks


def holds(region, box):
    return region.x0 <= box[0] and region.y0 <= box[1] and region.x1 >= box[0] + box[2] and region.y1 >= box[1] + box[3]


def small(region):
    return region.x1 - region.x0 < WIDTH / 4


def test_nobody_is_nobody_and_the_whole_picture_has_its_turn():
    scene = Scene()
    assert scene.see() == ()
    assert scene.regions == [Region(0, 0, WIDTH, HEIGHT)]
    scene.see()
    assert Region(0, 0, WIDTH, HEIGHT) not in scene.regions


def test_a_known_face_is_looked_for_where_it_was_in_every_picture():
    scene = Scene()
    scene.faces = [Found(FACE, 0.9)]
    scene.see()
    for _ in range(4):
        scene.see()
        assert small(scene.regions[0])
        assert holds(scene.regions[0], FACE)


def test_a_face_lost_for_a_moment_is_looked_for_and_then_forgotten():
    scene = Scene()
    scene.faces = [Found(FACE, 0.9)]
    scene.see()
    scene.faces = []
    assert scene.see() == ()
    assert small(scene.regions[0])
    scene.see(skip=15)
    assert not small(scene.regions[0])


def test_a_doubtful_face_is_followed_but_not_told_and_hides_no_blob():
    scene = Scene()
    scene.faces = [Found(FACE, 0.65)]
    assert scene.see() == ()
    assert scene.see() == ()
    assert small(scene.regions[0])
    assert scene.believed == []
    scene.faces = [Found(FACE, 0.8)]
    (person,) = scene.see()
    assert (person.source, person.track, person.age) == ("face", 1, 2)
    scene.see()
    assert scene.believed == [FACE]


def test_a_face_on_a_moving_body_is_the_bodys():
    scene = Scene()
    scene.bodies = [Body(40, (580.0, 290.0, 100.0, 300.0), 0.9, 0)]
    scene.faces = [Found(FACE, 0.9, "landmarks of the detector")]
    (person,) = scene.see()
    assert (person.track, person.source, person.face) == (40, "body", "landmarks of the detector")


def test_the_upper_part_of_a_large_body_has_its_turn():
    scene = Scene()
    scene.bodies = [Body(40, (200.0, 200.0, 90.0, 300.0), 0.9, 0)]
    looked = []
    for _ in range(40):
        scene.see()
        looked += [region for region in scene.regions if small(region) and region.x0 < 245 < region.x1]
    assert looked
