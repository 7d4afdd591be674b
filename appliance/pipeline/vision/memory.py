"""Keeping the worker small: glibc holds on to memory that many threads have used. Does nothing elsewhere."""

import ctypes

_M_ARENA_MAX = -8
ARENAS = 2


def limit_arenas() -> None:
    """Few heaps for all threads; to be called before there are threads."""
    _call("mallopt", _M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system, after a large picture."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL("libc.so.6"), name)(*arguments)
    except (OSError, AttributeError):
        return
