"""Keeping the worker small: glibc holds on to memory that many threads have used. Does nothing elsewhere."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
ARENAS = 2
LARGE_BLOCK = 4 << 20


def keep_small() -> None:
    """Few heaps for all threads, and pictures outside of them; to be called before there are threads."""
    _call("mallopt", _M_ARENA_MAX, ARENAS)
    _call("mallopt", _M_MMAP_THRESHOLD, LARGE_BLOCK)
    _call("mallopt", _M_TRIM_THRESHOLD, 4 * LARGE_BLOCK)


def give_back() -> None:
    """Return freed memory to the system: after a large picture, and now and then."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL("libc.so.6"), name)(*arguments)
    except (OSError, AttributeError):
        return
