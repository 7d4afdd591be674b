"""Run one vision worker by itself: it listens on a Unix socket and speaks the framing of docs/vision-protocol.md.

The box starts its own workers; this is for trying one out.
"""

import argparse

from vision.worker import app


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", required=True, help="path of the Unix socket to listen on")
    parser.add_argument("--graph", required=True, help="the graph (cameras and models) as a JSON file")


def run(options: argparse.Namespace) -> int:
    return app.main(["--socket", options.socket, "--graph", options.graph])
