"""The watchers of each camera, and which of them is due a picture."""

import threading
from typing import Any, Dict, List, NamedTuple, Tuple

MAX_FPS = 15.0


class _Watch(NamedTuple):
    interval_s: float
    next_due: float


class Watches:
    """May be used from several threads; `client` is anything hashable."""

    def __init__(self) -> None:
        self._watches: Dict[Tuple[Any, str], _Watch] = {}
        self._lock = threading.Lock()

    def start(self, client: Any, camera: str, fps: float) -> None:
        with self._lock:
            self._watches[(client, camera)] = _Watch(1 / min(max(fps, 0.1), MAX_FPS), 0.0)

    def stop(self, client: Any, camera: str) -> None:
        with self._lock:
            self._watches.pop((client, camera), None)

    def leave(self, client: Any) -> None:
        with self._lock:
            self._watches = {key: watch for key, watch in self._watches.items() if key[0] is not client}

    def due(self, camera: str, now: float) -> List[Any]:
        """Clients that get the picture taken at `now` (s); each then waits for its interval."""
        clients = []
        with self._lock:
            for (client, watched), watch in list(self._watches.items()):
                # A little early is in time: who asks for 10 of 10 pictures a second gets all of them.
                if watched == camera and now >= watch.next_due - 0.02:
                    clients.append(client)
                    due = max(watch.next_due, now - watch.interval_s) + watch.interval_s
                    self._watches[(client, watched)] = watch._replace(next_due=due)
        return clients
