"""A vision worker without vision: real framing over a real socket, with faults on demand (see test_workers.py)."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from vision.wire import framing

FACE = {"box": [1, 1, 80, 80], "score": 0.9, "landmarks": [[1, 1]] * 5, "embedding": None, "pack": "scripted",
        "quality": {"width": 80, "sharpness": 90, "brightness": 120, "frontal": 1}}


async def serve(reader, writer, script):
    def say(kind, fields, blob=b""):
        writer.write(framing.encode(kind, fields, blob))

    async def look():
        for camera in script["cameras"]:
            say(framing.CAMERA, {"camera": camera, "state": "live", "reason": "", "fps": 10})
        for frame in range(10_000):
            if frame == script.get("die_after"):
                os._exit(3)
            if frame == script.get("nonsense_after"):
                writer.write(b"what is this?" * 3)
            for camera in script["cameras"]:
                width = 0 if frame < script.get("bad_observations", 0) else 640
                at = f"2026-11-23T20:00:00.{frame % 1000:03d}Z"
                say(framing.OBSERVATION, {"camera": camera, "frame": frame, "at": at, "width": width, "height": 480,
                                          "tracks": []})
            await asyncio.sleep(0.03)

    say(framing.WORKER_HELLO, {"version": 1, "worker": "scripted", "pack": "scripted", "embedding_size": 64,
                               "metric": "cosine", "thresholds": {
                                   "known": 0.5, "review": 0.6, "verify": 0.64, "margin": 0.01, "min_width": 16},
                               "cameras": script["cameras"], "pid": os.getpid()})
    task = asyncio.create_task(look())
    try:
        while True:
            kind, size, blob_size = framing.decode_header(await reader.readexactly(framing.HEADER_SIZE))
            fields = framing.decode_fields(await reader.readexactly(size))
            blob = await reader.readexactly(blob_size)
            picture = {"id": fields.get("id"), "camera": fields.get("camera"), "frame": 1, "width": 640, "height": 480,
                       "at": "2026-11-23T20:00:00.000Z"}
            if kind == framing.STILL and blob == b"die":
                os._exit(4)
            elif kind == framing.STILL and blob == b"refuse":
                say(framing.FACES, {"id": fields["id"], "error": {"code": "not_an_image", "detail": "not an image"}})
            elif kind == framing.STILL:
                say(framing.FACES, {"id": fields["id"], "width": 640, "height": 480, "faces": [FACE],
                                    "pack": "scripted"})
            elif kind == framing.FRAME:
                say(framing.PICTURE, picture, b"jpeg")
            elif kind == framing.WATCH and fields["on"]:
                say(framing.PREVIEW, picture, b"preview")
    except (asyncio.IncompleteReadError, ConnectionError):
        task.cancel()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--script", type=Path, required=True)
    options = parser.parse_args()
    script = json.loads(options.script.read_text())
    if "exit_at_start" in script:
        sys.exit(script["exit_at_start"])
    server = await asyncio.start_unix_server(lambda r, w: serve(r, w, script), options.socket)
    await server.serve_forever()


asyncio.run(main())
