"""POST /recognize of a 1280x720 photo against 1,000 people, beside `face_recognition` on dlib with the same photos.

A real box answers over HTTP; the other side gets the photo in memory and pays for no HTTP.
"""

import base64
import math
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

from appliance.store.store import open_store
from appliance.sync.keys import box_key
from bench import _dlib, _photos
from bench._box import CACHE, running_box
from contract.ids import new_id
from contract.moments import now
from contract.observation import vector_to_text
from contract.profile import Consent, Profile, Template
from demo.media import fetch_demo, fetch_dlib_weights

PEOPLE = 1000
ROUNDS = 5
CNN_PHOTOS = 2
CONSENT = {"given_by": "bench", "basis": "consent"}


def strangers(count: int) -> np.ndarray:
    """Embeddings (count, 128) of nobody, spread like those of the pack: length 1.4 about a common mean."""
    random = np.random.default_rng(7)
    vectors = random.normal(size=(count, 128))
    spread: np.ndarray = (1.4 * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4")
    return spread


def fill(home: Path, vectors: np.ndarray) -> str:
    """Enrol the strangers straight into the store; return an admin token."""
    store = open_store(home, box="bench", key=box_key(home))
    try:
        consent = Consent(given_by="bench", text_sha256="0" * 64, at=now())
        for number, vector in enumerate(vectors):
            template = Template(id=new_id(), pack="open-1", vector=vector_to_text(vector), quality=1.0, made_at=now())
            store.profiles.create(Profile(id=new_id(), name=f"stranger {number}", consent=consent,
                                          templates=(template,)), "bench")
        return store.accounts.new_token("bench", "admin")
    finally:
        store.close()


def enrol(client: httpx.Client, people: dict[str, list[bytes]]) -> None:
    """Enrol everybody over REST."""
    for name, photos in people.items():
        body = {"name": name, "role": "staff", "consent": CONSENT,
                "photos": [base64.b64encode(photo).decode() for photo in photos]}
        answer = client.post("/users/register", json=body, timeout=60)
        if not answer.is_success:
            raise SystemExit(f"{name} could not be enrolled: {answer.text}")


def found_by(client: httpx.Client, jpeg: bytes) -> set[str]:
    """Names the box gives for a photo."""
    answer = client.post("/recognize", content=jpeg, headers={"Content-Type": "image/jpeg"})
    answer.raise_for_status()
    return {face["profile"]["name"] for face in answer.json()["faces"] if face["status"] == "known"}


def main() -> None:
    media = fetch_demo(CACHE, print)
    people, probes = _photos.load(media.enrolment)
    reference = _dlib.load(fetch_dlib_weights(CACHE, print))
    vectors = strangers(PEOPLE - len(people))
    names = [f"stranger {i}" for i in range(len(vectors))]
    rows = [*vectors]
    for name, photos in people.items():
        for jpeg in photos:
            encodings = _dlib.encode(reference, jpeg, "cnn")
            names += [name] * len(encodings[:1])
            rows += encodings[:1]
    gallery = np.stack(rows)

    ours: list[float] = []
    hog: list[float] = []
    cnn: list[float] = []
    hits = {"ours": 0, "hog": 0}
    wrong = {"ours": 0, "hog": 0}
    total = sum(len(photo.people) for photo in probes)
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        home = Path(scratch, "box")
        token = fill(home, vectors)
        with running_box(home, token) as client:
            enrol(client, people)
            found_by(client, probes[0].jpeg)
            for round_number in range(ROUNDS):
                for photo in probes:
                    start = time.perf_counter()
                    seen = found_by(client, photo.jpeg)
                    ours.append(time.perf_counter() - start)
                    if round_number == 0:
                        hits["ours"] += len(seen & photo.people)
                        wrong["ours"] += len(seen - photo.people)
                if round_number < 2:
                    for photo in probes:
                        start = time.perf_counter()
                        seen = _dlib.identify(reference, photo.jpeg, "hog", names, gallery)
                        hog.append(time.perf_counter() - start)
                        if round_number == 0:
                            hits["hog"] += len(seen & photo.people)
                            wrong["hog"] += len(seen - photo.people)
            for photo in probes[:CNN_PHOTOS]:
                start = time.perf_counter()
                _dlib.identify(reference, photo.jpeg, "cnn", names, gallery)
                cnn.append(time.perf_counter() - start)
    print(f"{len(probes)} photos of 1280x720 with {total} known faces, {PEOPLE} people enrolled")
    timings = (("sentrybox, over HTTP", ours), ("face_recognition, HOG", hog), ("face_recognition, CNN", cnn))
    for name, seconds in timings:
        p95 = sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1]
        print(f"{name:24} p50 {statistics.median(seconds) * 1e3:8.1f} ms   p95 {p95 * 1e3:8.1f} ms   n={len(seconds)}")
    print(f"recall: sentrybox {hits['ours']}/{total}, HOG {hits['hog']}/{total}; "
          f"wrong names: sentrybox {wrong['ours']}, HOG {wrong['hog']}")
    print(f"ratio: {statistics.median(hog) / statistics.median(ours):.1f} "
          "(median time of face_recognition with HOG / median time of POST /recognize; >1 is faster)")


if __name__ == "__main__":
    main()
