"""The arrivals at the stand-in: the messages that "arrived" on phones and in mailboxes."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

LIMIT = 1000


@dataclass(frozen=True, slots=True)
class ArrivedMessage:
    """One accepted message. `at` is RFC 3339 UTC; `id` is the provider's own id for it."""

    seq: int
    channel: str
    provider: str
    sender: str
    to: str
    title: str
    text: str
    at: str
    id: str


class Arrivals:
    """The last LIMIT messages in order of arrival, numbered from 1 without gaps."""

    def __init__(self) -> None:
        self._kept: deque[ArrivedMessage] = deque(maxlen=LIMIT)
        self._count = 0

    def add(
        self, *, channel: str, provider: str, sender: str, to: str, title: str, text: str, id: str
    ) -> ArrivedMessage:
        self._count += 1
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        arrival = ArrivedMessage(self._count, channel, provider, sender, to, title, text, at, id)
        self._kept.append(arrival)
        return arrival

    def page(self, after: int, limit: int, channel: str | None = None, to: str | None = None) -> dict[str, object]:
        """Return messages with seq > after, oldest first. `next` is the cursor for the following call.

        `dropped` counts the messages after the cursor that are no longer kept.
        """
        oldest = self._kept[0].seq if self._kept else self._count + 1
        chosen: list[ArrivedMessage] = []
        cursor = max(after, oldest - 1)
        for arrival in self._kept:
            if arrival.seq <= after:
                continue
            if len(chosen) == limit:
                break
            cursor = arrival.seq
            if (channel is None or arrival.channel == channel) and (to is None or arrival.to == to):
                chosen.append(arrival)
        return {
            "items": [asdict(arrival) for arrival in chosen],
            "next": cursor,
            "total": self._count,
            "dropped": max(0, oldest - 1 - after),
        }
