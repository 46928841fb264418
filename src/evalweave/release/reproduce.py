"""Reproducing a release: are the inputs the same, and does a rerun give the same numbers?

Two numbers are the same when they agree to 1e-9 (relative), within rounding when they print alike,
and different otherwise. The rerun is the whole workflow in an empty folder, from a copy of the
study file whose paths point to the inputs that were checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from evalweave import files
from evalweave.errors import StudyError
from evalweave.release.manifest import (
    EXTRACT,
    NAME,
    as_written,
    checksums,
    extract_files,
    roles,
    without_machine,
)
from evalweave.release.numbers import decimals
from evalweave.study.file import load
from evalweave.study.qualitative import FILES
from evalweave.study.whole import Study
from evalweave.tables.catalogue import ALL

SAME, ROUNDING, DIFFERENT, GONE, NEW = (
    "same",
    "within rounding",
    "different",
    "not recomputed",
    "not published",
)
GOOD = (SAME, ROUNDING)
RELATIVE = 1e-9
_ORDER = (SAME, ROUNDING, DIFFERENT, NEW, GONE)
_P_PLACES = 3  # decimals of a printed p-value


@dataclass(frozen=True)
class Input:
    """One input beside what the manifest says of it: same, differs, missing or extra."""

    role: str
    name: str
    state: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.role}: {self.name}: {self.state}"


@dataclass(frozen=True)
class Compared:
    """One released row beside the recomputed one."""

    table: str
    key: str
    verdict: str
    published: dict[str, Any]
    recomputed: dict[str, Any]
    differing: tuple[str, ...] = ()


# Inputs


def find_study(manifest: Mapping[str, Any], given: Path | None, places: Iterable[Path]) -> Path:
    """Return the study file: as given, or the one in `places` with the published name (and
    checksum, if any has it)."""
    if given is not None:
        return given
    name = PurePath(str(manifest["study_file"].get("name", ""))).name
    candidates = [
        path
        for place in places
        for path in (place / name, place / "config" / name)
        if name and path.is_file()
    ]
    for path in candidates:
        if files.sha256(path) == manifest["study_file"].get("sha256"):
            return path
    if candidates:
        return candidates[0]
    raise StudyError(
        f"Found no study file {name} here, beside the report or beside the extract. "
        "Say where it is with --study STUDY.yaml; its folder also holds the code lists and the "
        "list of practices."
    )


def check_inputs(
    manifest: Mapping[str, Any], study_file: Path, extract: Path
) -> tuple[Study, list[Input]]:
    """Return the study as written and the state of every input, the study file first."""
    study = load(study_file, Study)
    states = [_study_state(manifest, study, study_file)]
    published = [record for record in manifest["inputs"] if isinstance(record, dict)]
    present = extract_files(study.extract, extract)
    expected = {
        str(record["name"]): record for record in published if record.get("role") == EXTRACT
    }
    for name, entry in sorted(expected.items()):
        states.append(_state(entry, present.get(name, extract / name)))
    states += [
        Input(EXTRACT, name, "extra", path)
        for name, path in present.items()
        if name not in expected
    ]
    named = {role: study_file.parent / path for role, path in roles(study)}
    for entry in published:
        role = str(entry.get("role"))
        if role == EXTRACT:
            continue
        path = named.get(role, study_file.parent / str(entry["name"]))
        beside = extract / PurePath(str(entry["name"])).name
        if not path.is_file() and beside.is_file():
            path = beside  # made-up inputs lie beside the made-up extract
        states.append(_state(entry, path))
    known = {str(entry.get("role")) for entry in published}
    states += [
        Input(role, as_written(path), "extra", study_file.parent / path)
        for role, path in roles(study)
        if role not in known
    ]
    return study, states


def _study_state(manifest: Mapping[str, Any], study: Study, study_file: Path) -> Input:
    same = files.sha256(study_file) == manifest["study_file"].get("sha256")
    mine, theirs = without_machine(study.model_dump(mode="json")), manifest["study"]
    keys = sorted(
        key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key) and key != "simulation"
    )
    if keys:
        return Input("study file", study_file.name, f"differs in {', '.join(keys)}", study_file)
    return Input(
        "study file",
        study_file.name,
        "same" if same else "same but for layout and comments",
        study_file,
    )


def _state(entry: Mapping[str, Any], path: Path) -> Input:
    role, name = str(entry.get("role")), str(entry.get("name"))
    if not path.is_file():
        return Input(role, name, "missing")
    state = "same" if files.sha256(path) == entry.get("sha256") else "differs"
    return Input(role, name, state, path)


def unchanged(inputs: Sequence[Input]) -> bool:
    """Are all inputs what the manifest says?"""
    return all(item.state.startswith("same") for item in inputs)


def altered_files(manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """Return a sentence for each file of the report folder that is not what its manifest vouches
    for."""
    vouched, present = manifest["files"], checksums(folder)
    sentences = [
        f"{name}: is missing from the report folder" for name in sorted(set(vouched) - set(present))
    ]
    sentences += [
        f"{name}: was added to the report folder" for name in sorted(set(present) - set(vouched))
    ]
    return sentences + [
        f"{name}: was changed after {NAME} was written"
        for name in sorted(set(vouched) & set(present))
        if vouched[name] != present[name]
    ]


def rerun_study(study: Study, inputs: Sequence[Input], extract: Path) -> dict[str, Any]:
    """Return the study to rerun, as plain values: nothing simulated, every path the one that was
    checked."""
    value = study.reading_from(str(extract.resolve())).model_dump(mode="json")
    where = {item.role: str(item.path.resolve()) for item in inputs if item.path is not None}
    value["practices"] = where.get("practices", value["practices"])
    value["codelists"] = {
        name: where.get(f"codelist {name}", path) for name, path in value["codelists"].items()
    }
    value["claims"] = where.get("claims", value["claims"])
    if value["qualitative"]:
        for key in FILES:
            value["qualitative"][key] = where.get(f"qualitative {key}", value["qualitative"][key])
    return value


def other_versions(manifest: Mapping[str, Any], now: Mapping[str, str]) -> list[str]:
    """Return which versions differ from the published ones, one "name published → now" each."""
    software = manifest["software"]
    published = {
        **software.get("dependencies", {}),
        "python": software.get("python"),
        "evalweave": software.get("evalweave"),
    }
    return [
        f"{name} {published[name]} → {now[name]}"
        for name in sorted(published)
        if name in now and published[name] != now[name]
    ]


# Numbers


def compare(published: Mapping[str, Any], recomputed: Mapping[str, Any]) -> list[Compared]:
    """Return every released row beside the recomputed one, estimates first, in the published
    order."""
    names = sorted({*published, *recomputed}, key=lambda name: (name != "estimates", name))
    return [
        row
        for name in names
        for row in _compare_table(name, published.get(name), recomputed.get(name))
    ]


def _compare_table(name: str, published: Any, recomputed: Any) -> list[Compared]:
    old, new = _by_key(name, published or []), _by_key(name, recomputed or [])
    rows = []
    for key, before in old.items():
        after = new.get(key)
        if after is None:
            rows.append(Compared(name, key, GONE, before, {}))
            continue
        places = (
            decimals(before.get("std_error") or math.nan) if _real(before.get("std_error")) else 2
        )
        verdicts = {
            column: verdict(
                before.get(column), after.get(column), _P_PLACES if column == "p_value" else places
            )
            for column in {**before, **after}
        }
        worst = max(verdicts.values(), key=_ORDER.index, default=SAME)
        wrong = tuple(column for column, outcome in verdicts.items() if outcome == worst != SAME)
        rows.append(Compared(name, key, worst, before, after, wrong))
    return rows + [
        Compared(name, key, NEW, {}, after) for key, after in new.items() if key not in old
    ]


def _by_key(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rows by the key of their contract (by place where there is none), repeats numbered."""
    key = next((table.key for table in ALL if table.name == name), ())
    by_label: dict[str, dict[str, Any]] = {}
    for place, row in enumerate(rows, start=1):
        words = [str(row[column]) for column in key if row.get(column) not in (None, "")]
        label = ", ".join(words) or f"row {place}"
        by_label[label if label not in by_label else f"{label} (row {place})"] = dict(row)
    return by_label


def verdict(published: Any, recomputed: Any, places: int) -> str:
    """Return same, within rounding or different for two cells of a released table."""
    if published == recomputed:
        return SAME
    if not (_real(published) and _real(recomputed)):
        return DIFFERENT
    if math.isclose(published, recomputed, rel_tol=RELATIVE, abs_tol=1e-12):
        return SAME
    # Adding zero turns the minus zero of a small negative number into zero.
    alike = round(published, places) + 0.0 == round(recomputed, places) + 0.0
    return ROUNDING if alike else DIFFERENT


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def tally(compared: Sequence[Compared]) -> dict[str, int]:
    """Return how many rows have each verdict."""
    return {name: sum(row.verdict == name for row in compared) for name in _ORDER}


def reproduced(compared: Sequence[Compared]) -> bool:
    """Is there something to compare, and is every released row the same or within rounding?"""
    return bool(compared) and all(row.verdict in GOOD for row in compared)
