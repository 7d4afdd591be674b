"""Idle memory (RSS) of box and vision with two demo cameras, beside a process that only loads dlib's models."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from appliance.store.store import open_store
from appliance.sync.keys import box_key
from bench._box import CACHE, running_box
from bench._processes import box_pid, children
from demo.media import fetch_demo, fetch_dlib_weights

SETTLE_S = 40
CAMERAS = ("square", "car")
LOAD_DLIB = """
import sys, time, numpy, dlib
w = sys.argv[1]
hog = dlib.get_frontal_face_detector()
cnn = dlib.cnn_face_detection_model_v1(w + "/mmod_human_face_detector.dat")
points = dlib.shape_predictor(w + "/shape_predictor_5_face_landmarks.dat")
net = dlib.face_recognition_model_v1(w + "/dlib_face_recognition_resnet_model_v1.dat")
picture = numpy.zeros((720, 1280, 3), numpy.uint8)
hog(picture, 1), cnn(picture, 0)
net.compute_face_descriptor(picture, points(picture, dlib.rectangle(100, 100, 300, 300)))
print("ready", flush=True)
time.sleep(600)
"""


def rss(pid: int) -> float:
    """Resident memory of a process, MiB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024


def dlib_rss(weights: Path) -> float:
    """MiB of a process with dlib's detectors, landmarks and embedder in use once."""
    with subprocess.Popen([sys.executable, "-c", LOAD_DLIB, str(weights)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            return rss(process.pid)
        finally:
            process.kill()


def main() -> None:
    media = fetch_demo(CACHE, print)
    weights = fetch_dlib_weights(CACHE, print)
    cameras = "".join(f'[[cameras]]\nid = "{name}"\nlocation = "{name}"\nloop = true\n'
                      f'uri = "{media.clips[name].resolve()}"\n' for name in CAMERAS)
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        home = Path(scratch)
        store = open_store(home, box="bench", key=box_key(home))
        token = store.accounts.new_token("bench", "admin")
        store.close()
        with running_box(home, token, cameras):
            time.sleep(SETTLE_S)
            pid = box_pid(home)
            box, vision = rss(pid), sum(rss(child) for child in children(pid))
    reference = dlib_rss(weights)
    print(f"box process     {box:7.0f} MiB (limit 250)")
    print(f"vision process  {vision:7.0f} MiB (limit 350), cameras: {', '.join(CAMERAS)}")
    print(f"dlib's models   {reference:7.0f} MiB, loaded and used once on a 720p picture")
    print(f"ratio: {(box + vision) / reference:.2f} (RSS of box and vision / RSS of a process with dlib's models)")


if __name__ == "__main__":
    main()
