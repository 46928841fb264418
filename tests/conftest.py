"""Settings of all tests."""

import gc

import pytest
from hypothesis import settings

# Machines are shared and noisy: an example has no time limit.
settings.register_profile("evalweave", deadline=None)
settings.load_profile("evalweave")

gc.set_threshold(100_000, 50, 50)  # as evalweave.cli

LONG = ("workflow", "property")  # folders of files that take longest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker is left alone with one (pytest-xdist is told to
    keep this order)."""
    items.sort(key=lambda item: (*LONG, item.path.parent.name).index(item.path.parent.name))
