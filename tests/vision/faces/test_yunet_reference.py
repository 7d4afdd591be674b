"""The published YuNet gives the same faces here and in OpenCV (needs ../shared/models and ../shared/media)."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vision.cpu.nets import FaceFinder, Net
from vision.faces.blaze import Region
from vision.faces.detectors import DETECTORS
from vision.packs.manifest import Detector, Network

MODELS = Path(__file__).parents[3].parent / "shared" / "models"
FILE = "face_detection_yunet_2023mar.onnx"
SIDE = 640


@pytest.mark.slow
def test_boxes_landmarks_and_scores_are_opencvs(faces):
    if not (MODELS / FILE).is_file():
        pytest.skip(f"../shared/models/{FILE} is not here")
    network = Network(FILE, SIDE, (0.0, 0.0, 0.0), 1.0, "bgr")
    detector = Detector("yunet", network, (8, 16, 32), (1, 1, 1), score=0.6, overlap=0.3, sure=0.8)
    decoder = DETECTORS["yunet"](detector)
    finder = FaceFinder(Net(MODELS, detector.network, decoder.outputs), detector, decoder)
    reference = cv2.FaceDetectorYN.create(str(MODELS / FILE), "", (SIDE, SIDE), 0.6, 0.3, 5000)
    count = 0
    for file in sorted(faces.glob("**/*.jp*g")):
        picture = Image.open(file).convert("RGB")
        picture.thumbnail((SIDE, SIDE))
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[:picture.height, :picture.width] = np.asarray(picture)
        ours = finder.find(rgb, [Region(0, 0, SIDE, SIDE)])
        found = reference.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[1]
        theirs = [] if found is None else sorted(found.tolist(), key=lambda row: -row[-1])
        assert len(ours) == len(theirs), file.name
        for one, row in zip(ours, theirs, strict=True):
            assert [*one.box, *one.landmarks.ravel(), one.score] == pytest.approx(row, abs=2e-3), file.name
        count += len(ours)
    assert count > 50
