"""A BagIt folder in a zip file: the same bytes for the same content, and read with suspicion.

Written: entries sorted, times and rights fixed. Read: one folder, plain relative names, no more
than a release can be, every checksum as the bag says (RFC 8493).
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from evalweave import files
from evalweave.errors import DataError

TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say
MOST_BYTES, MOST_FILES = 1 << 30, 10_000  # a release has some hundred files of some MB


def write_zip(folder: Path, target: Path) -> None:
    """Write a folder and everything in it to a zip file, under its own name."""
    with files.written_aside(target) as aside, zipfile.ZipFile(aside, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = PurePosixPath(folder.name, path.relative_to(folder).as_posix())
            entry = zipfile.ZipInfo(str(name), TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.create_system = 3
            archive.writestr(entry, path.read_bytes(), compresslevel=9)


def make_bag(folder: Path, identifier: str, info: Mapping[str, str]) -> None:
    """Make a bag of a folder in place: what is in it moves to data/."""
    import bagit

    # Both are of the moment and the machine unless they are given.
    fixed = {"Bagging-Date": "1980-01-01", "Bag-Software-Agent": "evalweave"}
    said = {"External-Identifier": identifier, **fixed, **info}
    bagit.make_bag(str(folder), bag_info=said, checksums=["sha512"])


def unpacked(archive: Path, into: Path) -> Path:
    """Unpack a release into an empty folder and return the bag, its checksums verified.

    Raises:
        DataError: it is no zip file, no bag, or not as it was made.
    """
    import bagit

    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            _check_entries(archive, entries)
            packed.extractall(into, [entry.filename for entry in entries])
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError):
        raise DataError(
            f"{archive}: is no zip file, or a damaged one. Ask for the release again."
        ) from None
    folder = into / PurePosixPath(entries[0].filename).parts[0]
    try:
        bagit.Bag(str(folder)).validate()
    except bagit.BagError as error:
        raise DataError(
            f"{archive}: is not as it was released: {str(error).splitlines()[0]}. Ask for the "
            "release again."
        ) from None
    return folder


def _check_entries(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [PurePosixPath(entry.filename) for entry in entries]
    tops = {name.parts[0] for name in names if name.parts}
    if (
        len(tops) != 1
        or any(name.is_absolute() or ".." in name.parts or "\\" in str(name) for name in names)
        or any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries)
        or not any(len(name.parts) == 2 and name.name == "bagit.txt" for name in names)
    ):
        raise DataError(
            f"{archive}: is no release: expected one BagIt folder, as `evalweave run` makes it."
        )
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise DataError(f"{archive}: is larger than any release. Unpack it yourself and look.")
