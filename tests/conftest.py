"""Settings of all tests."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from helpers import compiled

# Machines are shared and noisy: an example has no time limit.
settings.register_profile("evalweave", deadline=None)
settings.load_profile("evalweave")

gc.set_threshold(100_000, 50, 50)  # as evalweave.cli

compiled.install()  # most of the time of cleaning a few rows is writing SQL

LONG = ("workflow", "spark", "property")  # folders of files that take longest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker is left alone with one (pytest-xdist is told to
    keep this order)."""
    items.sort(key=lambda item: (*LONG, item.path.parent.name).index(item.path.parent.name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, which installs every tool, a test that is skipped for want of one fails."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped in CI: {report.longrepr}"
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """The same for a module that skips itself."""
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped in CI: {report.longrepr}"
