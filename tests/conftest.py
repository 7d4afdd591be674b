"""For the whole run, which may be divided among several workers: what is shared, and what begins first."""

import pytest

from tests.support import postgres, whole_run


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        whole_run.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config):
        postgres.end(whole_run.folder() / "postgres")
        whole_run.end()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever is given more time than usual begins first: begun last, it would run alone at the end."""
    if _is_worker(config):
        longest: dict[str, float] = {}
        for item in items:
            mark = item.get_closest_marker("timeout")
            module = item.nodeid.partition("::")[0]
            longest[module] = max(longest.get(module, 0), mark.args[0] if mark else 0)
        items.sort(key=lambda item: -longest[item.nodeid.partition("::")[0]])


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
