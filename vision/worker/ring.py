"""The last shots of one camera, for snapshots and evidence. May be used from several threads."""

import collections
import threading
from typing import Deque, Optional

from vision.shot import Shot


class Ring:
    """Keeps the newest `size` shots."""

    def __init__(self, size: int) -> None:
        self._shots: Deque[Shot] = collections.deque(maxlen=size)
        self._lock = threading.Lock()

    def add(self, shot: Shot) -> None:
        with self._lock:
            self._shots.append(shot)

    def nearest(self, frame: Optional[int]) -> Optional[Shot]:
        """Return the kept shot nearest to a frame number; the newest for None; None when nothing was seen yet."""
        with self._lock:
            shots = list(self._shots)
        if not shots:
            return None
        if frame is None:
            return shots[-1]
        return min(shots, key=lambda shot: abs(shot.frame - frame))
