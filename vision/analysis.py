"""The seam between worker and backend: a Backend hands out batches of shots, its Analysis turns them into sights.

A backend is a module that vision.graph.BACKENDS names, with `render(graph) -> Backend`. It owns everything between a
camera's address and a Sight: opening sources and opening them again, decoding, batching, detection, tracking. The
worker never asks for pixels unless a client does, so a backend may keep them where it likes.
docs/decisions/0004-the-seam-is-the-analysis.md says why.
"""

import abc
from typing import Callable, List, Sequence

from vision.packs.manifest import Manifest
from vision.shot import Shot
from vision.sight import Sight, StillSight

Take = Callable[[Sequence[Shot]], None]
Report = Callable[[str, str, str], None]


class Refused(Exception):
    """A still image that is not analysed: a code of the wire interface and a text for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Analysis(abc.ABC):
    """A loaded model pack at work."""

    manifest: Manifest

    @abc.abstractmethod
    def analyse(self, shots: Sequence[Shot]) -> List[Sight]:
        """Gives the sight of each shot, in their order.

        `shots` is a batch that this backend handed out, each batch once and those of one camera in their order;
        batches of different cameras may come from several threads at once. After an exception the tracks of these
        cameras start anew.
        """

    @abc.abstractmethod
    def still(self, data: bytes) -> StillSight:
        """Gives the faces of an uploaded image, each with an embedding. Raises Refused. May be called at any time."""


class Backend(abc.ABC):
    """The sources of a graph and the way to their analysis."""

    @abc.abstractmethod
    def load(self) -> Analysis:
        """Loads the model pack. Raises ManifestError when it is missing or damaged; it may be called again then."""

    @abc.abstractmethod
    def start(self, take: Take, report: Report) -> None:
        """Opens the graph's sources and returns; called once, after `load` has succeeded.

        From then on, in threads of the backend: take(shots) gets each batch, and report(camera, state, reason) each
        change of a camera's state: connecting, live, lost (and opened again by the backend) or ended. When take
        raises, the batch could not be analysed: its cameras are lost with that reason, no other is.
        """

    @abc.abstractmethod
    def stop(self) -> None:
        """Asks all sources to end and returns at once; harmless before `start`."""

    @abc.abstractmethod
    def join(self, wait_s: float) -> None:
        """Waits until the sources have ended, at most so long: a network that hangs may hold one."""
