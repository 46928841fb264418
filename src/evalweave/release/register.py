"""The register of releases, inside the secure area: what was described of whom, exactly.

    results/<study>/releases/<number>/
        people.parquet      comparison, arm, patient_id, fingerprint (of all their values)
        exact/*.csv         the tables that the description was made from
        released/**/*.csv   the tables as released
        counts.json         place in the release → exact count, as printed

A report leaves its own as `pending`; when the audit has passed, it gets a number, unless nothing in
it is new. Folders are 0700, files 0600. Without the folder a release is the first one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from evalweave import files
from evalweave.release.disclosure import HIDDEN
from evalweave.tables.contract import Table

if TYPE_CHECKING:
    from evalweave.release.published import Tables

FOLDER, PENDING = "releases", "pending"
Counts = Mapping[str, tuple[int, str]]  # place in the release → exact count, as printed


@dataclass(frozen=True)
class Release:
    """One release as the register keeps it; `name` is its number, or blank before it has one."""

    people: pd.DataFrame
    exact: Mapping[str, pd.DataFrame]
    counts: Counts
    released: Tables = field(default_factory=dict)
    name: str = ""

    def places(self) -> dict[tuple[str, ...], int]:
        """Return every place of a count with its exact number."""
        return {tuple(json.loads(place)): n for place, (n, _) in self.counts.items()}

    def says(self, now: Mapping[tuple[str, ...], int]) -> bool:
        """Does a release say nothing that this one has not said?"""
        mine = self.places()
        return all(mine.get(place) == n for place, n in now.items())


def releases(results: Path, contracts: Mapping[str, Table]) -> list[Release]:
    """Return every release so far, the first one first.

    Raises:
        DataError: a part of the register is damaged.
    """
    folders = [path for path in (results / FOLDER).glob("[0-9]*") if path.is_dir()]
    return [_read(path, contracts) for path in sorted(folders, key=lambda p: int(p.name))]


def _read(folder: Path, contracts: Mapping[str, Table]) -> Release:
    exact = {
        path.stem: files.read_table(path, contracts[path.stem])
        for path in sorted((folder / "exact").glob("*.csv"))
        if path.stem in contracts
    }
    counts = {
        place: (int(n), str(text))
        for place, (n, text) in files.read_json(folder / "counts.json").items()
    }
    return Release(
        files.read_table(folder / "people.parquet"),
        exact,
        counts,
        released_tables(folder / "released"),
        folder.name,
    )


def released_tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every CSV table below a folder, by its path inside it without the ending."""
    from evalweave.release import released

    tables = {}
    for path in sorted(folder.rglob("*.csv")):
        name = path.relative_to(folder).as_posix()
        for rows in released.read(path, name).tables.values():
            tables[name.removesuffix(".csv")] = rows
    return tables


def earlier(results: Path) -> list[Tables]:
    """Return the released tables of every release so far."""
    folders = [path for path in (results / FOLDER).glob("[0-9]*") if path.is_dir()]
    ordered = sorted(folders, key=lambda p: int(p.name))
    return [released_tables(folder / "released") for folder in ordered]


def pend(release: Release, results: Path) -> None:
    """Leave a release in the register until its audit has passed."""
    folder = results / FOLDER / PENDING
    shutil.rmtree(folder, ignore_errors=True)
    for part in (results / FOLDER, folder, folder / "exact"):
        part.mkdir(parents=True, exist_ok=True)
    files.write_parquet(release.people, folder / "people.parquet")
    for name, frame in release.exact.items():
        files.write_csv(frame, folder / "exact" / f"{name}.csv")
    files.write_json(
        {place: list(pair) for place, pair in release.counts.items()}, folder / "counts.json"
    )
    _private(results / FOLDER)


def confirm(report: Path, results: Path) -> str | None:
    """Give the pending release its number and keep its released tables; return the number, None
    where there is nothing new."""
    pending = results / FOLDER / PENDING
    if not (pending / "counts.json").is_file():
        return None
    earlier = [path for path in (results / FOLDER).glob("[0-9]*") if path.is_dir()]
    if any(_same(pending, path) for path in earlier):
        shutil.rmtree(pending)
        return None
    for path in sorted(report.rglob("*.csv")):
        target = pending / "released" / path.relative_to(report)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    number = f"{max([0, *(int(path.name) for path in earlier)]) + 1:03d}"
    pending.rename(results / FOLDER / number)
    _private(results / FOLDER)
    return number


def _same(one: Path, other: Path) -> bool:
    """Does a release say of the same people nothing that the other has not said?"""
    mine, theirs = (files.read_json(path / "counts.json") for path in (one, other))
    if any(theirs.get(place) != pair for place, pair in mine.items()):
        return False
    people = [files.read_table(path / "people.parquet") for path in (one, other)]
    return bool(people[0].equals(people[1]))


def _private(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def hidden_before(
    now: Mapping[tuple[str, ...], int], earlier: Sequence[Release], few: Callable[[float], bool]
) -> set[tuple[str, ...]]:
    """Return the places that were hidden before, where they have changed by `few` people or none:
    shown now, they would tell what was hidden then."""
    return {
        place
        for release in earlier
        for place, n in now.items()
        for then, text in [release.counts.get(json.dumps(place), (None, ""))]
        if text == HIDDEN and then is not None and (n == then or few(abs(n - then)))
    }


def printed_before(
    now: Mapping[tuple[str, ...], int], earlier: Sequence[Release], few: Callable[[float], bool]
) -> dict[int, int]:
    """Return exact count → the multiple at which the same place was printed before, where it has
    changed by `few` people or none."""
    before: dict[int, int] = {}
    for release in earlier:
        for place, n in now.items():
            then, text = release.counts.get(json.dumps(place), (None, ""))
            if then is not None and text.isdigit() and (n == then or few(abs(n - then))):
                before[n] = int(text)
    return before
