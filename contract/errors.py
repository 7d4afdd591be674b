"""The errors, named by what the caller should do about them."""


class SentryboxError(Exception):
    """Base of all. `detail` says what was wrong and where; `hint` says what to do about it."""

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(f"{detail} ({hint})" if hint else detail)
        self.detail = detail
        self.hint = hint


class Unavailable(SentryboxError):
    """Retry later: the thing asked for is fine, what it needs is not there just now.

    `ambiguous` is true when the request may have taken effect all the same (a time-out after sending).
    """

    def __init__(self, detail: str, *, hint: str = "", ambiguous: bool = False) -> None:
        super().__init__(detail, hint=hint)
        self.ambiguous = ambiguous


class Rejected(SentryboxError):
    """Park it: the same request will never succeed."""


class NotFound(SentryboxError):
    """There is no such thing."""


class Conflict(SentryboxError):
    """It clashes with what is there: a stale revision, or the same id with other content."""


class Stale(SentryboxError):
    """Prepare it anew: what was prepared will certainly never take effect, the same thing prepared again may."""
