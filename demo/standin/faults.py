"""Failures on demand: the next COUNT requests of one provider go wrong in a chosen way."""

from dataclasses import dataclass

PROVIDERS = ("twilio", "oauth", "fcm", "smtp")
MODES = ("429", "500", "reject", "timeout-after-accept")
MODE_HELP = {
    "429": "told to slow down; nothing is taken",
    "500": "an internal error; nothing is taken",
    "reject": "refused for good: an unsubscribed number, a dead device token, an unknown mailbox",
    "timeout-after-accept": "the message is taken, but the answer comes only after `seconds`",
}
MAX_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Fault:
    mode: str
    seconds: float = 30.0


class Faults:
    """The planned failures: which provider fails next, how, and how often."""

    def __init__(self) -> None:
        self._planned: dict[str, tuple[Fault, int]] = {}

    def plan(self, provider: str, mode: str, count: int, seconds: float = 30.0) -> None:
        """Replaces what was planned for this provider; a count of 0 ends it. Raises ValueError in words."""
        if provider not in PROVIDERS:
            raise ValueError(f"channel is '{provider}'; it must be one of {', '.join(PROVIDERS)}")
        if mode not in MODES:
            raise ValueError(f"mode is '{mode}'; it must be one of {', '.join(MODES)}")
        if not 0 <= count <= 1000:
            raise ValueError(f"count is {count}; it must be between 0 and 1000")
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"seconds is {seconds:g}; it must be above 0 and at most {MAX_SECONDS:g}")
        if count == 0:
            self._planned.pop(provider, None)
        else:
            self._planned[provider] = (Fault(mode, seconds), count)

    def take(self, provider: str) -> Fault | None:
        """Return the failure this request must meet, or None. Uses up one of the planned count."""
        if provider not in self._planned:
            return None
        fault, left = self._planned[provider]
        if left == 1:
            del self._planned[provider]
        else:
            self._planned[provider] = (fault, left - 1)
        return fault

    def planned(self) -> dict[str, dict[str, object]]:
        return {provider: {"mode": fault.mode, "count": left} for provider, (fault, left) in self._planned.items()}
