"""Reading what the broker brings. What is not ours, damaged or too new is counted and dropped; nothing stops."""

import json
import logging
from collections import Counter

from pydantic import TypeAdapter

from contract.errors import Rejected
from contract.messages import Change, Changes, Latest, Receipt, decode

log = logging.getLogger(__name__)


class Inbox:
    """Sorts messages by their topic."""

    def __init__(self, box: str) -> None:
        self.topics = (f"down/{box}/receipt", f"down/{box}/changes", f"down/{box}/latest")
        self.dropped: Counter[str] = Counter()

    def read(self, topic: str, data: bytes) -> Receipt | Changes | Latest | None:
        """Return the message; None when it was dropped."""
        try:
            match topic.split("/")[-1] if topic in self.topics else "":
                case "receipt":
                    return decode(Receipt, data)
                case "latest":
                    return decode(Latest, data)
                case "changes":
                    return self._changes(data)
            raise Rejected(f"no message of this box comes on {topic[:200]!r}")
        except Rejected as error:
            self.drop("unreadable", str(error))
            return None

    def drop(self, kind: str, why: str) -> None:
        """Count and say what was not used."""
        self.dropped[kind] += 1
        log.warning("dropped a message of the cloud (%s): %s", kind, why)

    def _changes(self, data: bytes) -> Changes:
        """Read changes; one this program does not understand is left out, loudly, and holds up none behind it."""
        try:
            return decode(Changes, data)
        except Rejected as whole:
            try:
                content = json.loads(data)
                parts = list(enumerate(TypeAdapter(list[object]).validate_python(content["changes"])))
                empty = Changes.model_validate({**content, "changes": []})
            except (ValueError, KeyError, TypeError, RecursionError):
                raise whole from None
        good = []
        for number, part in parts:
            try:
                good.append(Change.model_validate(part))
            except ValueError as error:
                # Never the content: it may be about a person.
                self.drop("not understood", f"number {number} of {content['after']} to {content['through']}: "
                          f"{len(getattr(error, 'errors', list)())} things do not fit")
        return empty.model_copy(update={"changes": tuple(good)})
