"""The check that a pack's networks are what its manifest says: each is run once on a made picture."""

from pathlib import Path
from typing import Callable, List

from vision.cpu.nets import THE_ONLY, Net
from vision.faces.detectors import decoder_of
from vision.faces.points import points_of
from vision.packs.fields import ManifestError
from vision.packs.manifest import Manifest
from vision.people.poses import OUTPUTS


def misfits(directory: Path, manifest: Manifest) -> List[str]:
    """Gives a sentence for each network that does not fit the pack's manifest; none: the pack can be used."""
    steps: List[Callable[[], object]] = [
        lambda: Net(directory, manifest.faces.network, decoder_of(manifest).outputs),
        lambda: points_of(directory, manifest.landmarks),
        lambda: Net(directory, manifest.embedder.network, {THE_ONLY: (manifest.embedding_size,)}),
        lambda: Net(directory, manifest.pose.network, OUTPUTS[manifest.pose.kind]),
    ]
    return [problem for problem in map(_problem, steps) if problem]


def _problem(step: Callable[[], object]) -> str:
    try:
        step()
    except ManifestError as error:
        return str(error)
    return ""
