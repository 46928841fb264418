"""A release that somebody hands over: its folder, or its zip file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evalweave.errors import StudyError
from evalweave.release.bag import unpacked


@contextlib.contextmanager
def opened(release: Path) -> Iterator[Path]:
    """Yield the report folder of a release, unpacked for as long as needed where it is a zip file.

    Raises:
        DataError: a file that is no release.
        StudyError: there is nothing of that name.
    """
    if not release.exists():
        raise StudyError(
            f"{release}: there is no such folder or file, expected a released report folder or its "
            "release.zip. Correct the path."
        )
    if not release.is_file():
        yield release
        return
    with tempfile.TemporaryDirectory(prefix="evalweave-release-") as scratch:
        yield unpacked(release, Path(scratch)) / "data" / "report"
