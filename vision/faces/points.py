"""Sources of landmarks by the manifest's kinds."""

from pathlib import Path
from typing import Callable

import numpy as np

from vision.faces.landmarks import FivePoints
from vision.faces.reader import Found
from vision.packs.fields import ManifestError
from vision.packs.manifest import Landmarks

Points = Callable[[np.ndarray, Found], np.ndarray]


def _dlib5(directory: Path, landmarks: Landmarks) -> Points:
    path = Path(directory) / landmarks.file
    try:
        predictor = FivePoints(path)
    except (OSError, KeyError, ValueError) as error:
        raise ManifestError(f"{path} is no landmark predictor of kind dlib5 ({error})") from error
    dx, dy, across, down = landmarks.box

    def points(rgb: np.ndarray, found: Found) -> np.ndarray:
        x, y, width, height = found.box
        return predictor(rgb, (x + dx * width, y + dy * height, across * width, down * height))

    return points


def _detector(_directory: Path, _landmarks: Landmarks) -> Points:
    def points(_rgb: np.ndarray, found: Found) -> np.ndarray:
        if found.landmarks is None:
            raise ValueError("a face without the detector's landmarks cannot be read")
        return found.landmarks

    return points


SOURCES = {"dlib5": _dlib5, "detector": _detector}


def points_of(directory: Path, landmarks: Landmarks) -> Points:
    """Gives points(rgb, found) -> (5, 2) px. Raises ManifestError when the predictor's file cannot be used."""
    return SOURCES[landmarks.kind](directory, landmarks)
