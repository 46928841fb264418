"""A release that somebody hands over: its folder, or its zip file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evalweave.release.bag import unpacked


@contextlib.contextmanager
def opened(release: Path) -> Iterator[Path]:
    """Yield the report folder of a release, unpacked for as long as needed where it is a zip file.

    Raises:
        DataError: a file that is no release.
    """
    if not release.is_file():
        yield release
        return
    with tempfile.TemporaryDirectory(prefix="evalweave-release-") as scratch:
        yield unpacked(release, Path(scratch)) / "data" / "report"
