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
from evalweave.records.pseudonyms import PATIENT, PRACTICE, originals
from evalweave.release.disclosure import HIDDEN
from evalweave.tables.contract import Table
from evalweave.tables.people import COHORT, MEMBERSHIP, PANEL

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


def people(results: Path, comparisons: Sequence[str]) -> pd.DataFrame | None:
    """Return who is in which arm, with fingerprints, of the stages' tables; None where there are
    none. By the identifiers of the extract: pseudonyms change with it."""
    paths = {name: results / "panel" / f"{name}.parquet" for name in comparisons}
    members, cohort = (results / "cohort" / f"{name}.parquet" for name in ("membership", "cohort"))
    if not members.is_file() or not cohort.is_file():
        return None
    panels = {n: files.read_table(path, PANEL) for n, path in paths.items() if path.is_file()}
    known = files.read_table(cohort, COHORT)
    names = {
        "patient_id": originals(results / "clean", PATIENT, set(known["patient_id"])),
        "practice_id": originals(results / "clean", PRACTICE),
    }

    def by_original(frame: pd.DataFrame) -> pd.DataFrame:
        columns = {name: pairs for name, pairs in names.items() if pairs and name in frame}
        return frame.assign(**{name: frame[name].map(pairs) for name, pairs in columns.items()})

    return fingerprints(
        by_original(files.read_table(members, MEMBERSHIP)),
        by_original(known),
        {name: by_original(panel) for name, panel in panels.items()},
    )


def fingerprints(
    membership: pd.DataFrame, cohort: pd.DataFrame, panels: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return comparison, arm, patient_id and a fingerprint of all that is known of each: their row
    of the cohort and their rows of the comparison's panel, weights aside (these hang on others)."""
    parts = []
    own = _hashed(cohort)
    for name, panel in sorted(panels.items()):
        mine = membership[membership["comparison"] == name][["comparison", "arm", "patient_id"]]
        people = mine["patient_id"].astype(str)
        seen = _hashed(panel)
        total = people.map(own).fillna(0).astype("uint64") + 3 * people.map(seen).fillna(0).astype(
            "uint64"
        )
        parts.append(mine.astype(str).assign(fingerprint=total.astype("uint64").astype(str)))
    columns = ["comparison", "arm", "patient_id"]
    empty = pd.DataFrame(columns=[*columns, "fingerprint"], dtype=str)
    joined = pd.concat(parts or [empty])
    return joined.sort_values(columns).reset_index(drop=True)


def _hashed(frame: pd.DataFrame) -> pd.Series:
    """Return patient_id → the sum of the hashes of their rows.

    A number counts as a float, whichever type its column has: one blank must not make others of all
    the numbers beside it.
    """
    kept = frame.drop(columns=[name for name in ("weight",) if name in frame])
    values = pd.DataFrame({name: _comparable(column) for name, column in kept.items()})
    rows = pd.util.hash_pandas_object(values, index=False)
    return rows.groupby(values["patient_id"].to_numpy()).sum()


def _comparable(column: pd.Series) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(str)
    plain = column.astype("float64") + 0.0  # -0.0 is 0.0
    return plain.where(plain.notna())  # one NaN for all


def apart(one: pd.DataFrame, other: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return comparison, arm → how many people are in one only, or have other values in both."""
    keys = ["comparison", "arm", "patient_id"]
    both = one.merge(other, on=keys, how="outer", suffixes=("", "_before"))
    differ = both["fingerprint"].ne(both["fingerprint_before"]).fillna(True)
    counted = both.assign(differ=differ.astype(int)).groupby(keys[:2])["differ"].sum()
    return {(str(a), str(b)): int(n) for (a, b), n in counted.items()}


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
