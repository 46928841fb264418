"""What lies in the release's own zip file, for the audit: every entry, the workflow's code too."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from evalweave.errors import DataError
from evalweave.release import released
from evalweave.release.bag import unpacked
from evalweave.release.manifest import RELEASE
from evalweave.release.released import Content

CODE = ("", ".smk")  # read as plain text


def contents(path: Path, name: str) -> list[Content]:
    """Return the content of one released file, or of each file inside the release's zip file."""
    if name != RELEASE or path.is_symlink() or not zipfile.is_zipfile(path):
        return [released.read(path, name)]
    with tempfile.TemporaryDirectory(prefix="evalweave-audit-") as scratch:
        try:
            bag = unpacked(path, Path(scratch))
        except DataError:
            return [Content(name, unreadable="is no release as `evalweave run` packs it")]
        inside = []
        for file in sorted(file for file in bag.rglob("*") if file.is_file()):
            place = PurePosixPath(name, file.relative_to(bag).as_posix())
            if file.suffix in CODE:
                file = file.rename(file.with_name(f"{file.name}.txt"))
            inside.append(released.read(file, str(place)))
        return inside
