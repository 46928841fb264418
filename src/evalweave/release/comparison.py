"""What changed between two released report folders: inputs, settings, counts, estimates, labels.

Only released tables and manifests are read, so the comparison may be shown wherever both reports
may. Counts are text as released (`*` is hidden); a difference is given where both are numbers. With
rounded counts a difference of one rounding step may be no change at all, which the caption says.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evalweave.catalogue.calls import primary_methods
from evalweave.errors import DataError
from evalweave.quantities import unit_of_differences
from evalweave.release import manifest
from evalweave.release.numbers import excludes_zero
from evalweave.release.sampling import bound_to_periods, judged, noun, ratio

Row = Mapping[str, str]
FLOW_KEY = ("stage", "box", "rule", "label", "arm", "outcome")
FLOW_COUNTS = ("n_practices", "n_patients", "n_records")
ESTIMATE_KEY = ("analysis", "term", "inference", "outcome_unit", "comparison")
ESTIMATE_COUNTS = ("n_obs", "n_patients", "n_practices", "n_practices_treated")
THEME_KEY = ("theme_id", "code_id", "role", "attribute", "attribute_level")
THEME_COUNTS = ("n_participants", "n_eligible", "n_references", "n_sources")
ZERO = {True: "excludes zero", False: "includes zero", None: "no interval"}


@dataclass(frozen=True)
class Released:
    """A report folder as read: its manifest and its tables, cells as text."""

    name: str
    manifest: dict[str, Any]
    estimates: list[Row]
    flow: list[Row] = field(default_factory=list)
    theme_counts: list[Row] = field(default_factory=list)
    joint_display: list[Row] = field(default_factory=list)

    @property
    def period(self) -> str:
        """How long a period of the study is."""
        return str((self.manifest["study"].get("window") or {}).get("period", ""))


@dataclass(frozen=True)
class Count:
    """One released count, old and new; `difference` where both are numbers."""

    what: str
    of: str
    old: str
    new: str
    difference: int | None


@dataclass(frozen=True)
class Estimated:
    """One estimate, old and new (None where it is absent), and what its interval says about
    zero."""

    analysis: str
    term: str
    inference: str
    unit: str
    comparison: str
    primary: bool  # the first inference method of its analysis, in the outcome's own unit
    old: float | None
    new: float | None
    difference: float | None
    old_interval: tuple[float, float] | None
    new_interval: tuple[float, float] | None
    old_zero: str
    new_zero: str
    standard_errors: float | None = None  # the change in standard errors of the estimate
    sampling: str = ""  # the same in words

    @property
    def changed(self) -> bool:
        return (self.old, self.old_interval) != (self.new, self.new_interval)


@dataclass(frozen=True)
class Labelled:
    """One claim's states and label, old and new; blank where the claim is absent or
    complementary."""

    claim: str
    old: str
    new: str
    old_states: str
    new_states: str


@dataclass(frozen=True)
class Comparison:
    """Everything that two reports can be compared by; what is the same is left out but for
    estimates."""

    inputs: list[tuple[str, str]]  # file, what became of it
    settings: list[tuple[str, str, str]]  # key, old, new
    software: list[tuple[str, str, str]]
    counts: list[Count]
    estimates: list[Estimated]
    themes: list[Count]
    labels: list[Labelled]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        return asdict(self)


def read_report(folder: Path, name: str = "") -> Released:
    """Read a released report folder; `name` is what it is called (its path).

    Raises:
        DataError: the folder is no report, or one of its tables cannot be read.
    """
    read = manifest.read(folder)
    tables: dict[str, list[Row]] = {}
    for table in ("estimates", "flow", "theme_counts", "joint_display"):
        path = folder / f"{table}.csv"
        if path.is_file():
            tables[table] = _rows(path)
        elif table == "estimates":
            raise DataError(
                f"{path}: there is no such file, so this is no whole report. Ask for the whole "
                "report folder."
            )
    return Released(name or str(folder), read, **tables)


def compare(old: Released, new: Released) -> Comparison:
    """Return what changed from `old` to `new`."""
    notes = []
    names = [
        str(report.manifest["study"].get("study", {}).get("name", "")) for report in (old, new)
    ]
    if names[0] != names[1]:
        notes.append(f"These are reports of two studies, {names[0]} and {names[1]}.")
    for table in ("flow", "theme_counts", "joint_display"):
        present = [bool(getattr(report, table)) for report in (old, new)]
        if present[0] != present[1]:
            notes.append(f"Only the {'old' if present[0] else 'new'} report has a table {table}.")
    if old.period != new.period:
        notes.append(
            f"The old report is by {_in_words(old.period)}, "
            f"the new one by {_in_words(new.period)}: "
            "estimates of single periods, slopes and counts of panel rows are not compared."
        )
    return Comparison(
        inputs=_inputs(old.manifest["inputs"], new.manifest["inputs"]),
        settings=_differences(old.manifest["study"], new.manifest["study"]),
        software=_differences(old.manifest["software"], new.manifest["software"]),
        counts=_counts(old.flow, new.flow, FLOW_KEY, FLOW_COUNTS),
        estimates=_estimates(old, new),
        themes=_counts(old.theme_counts, new.theme_counts, THEME_KEY, THEME_COUNTS),
        labels=_labels(old.joint_display, new.joint_display),
        notes=notes,
    )


def _in_words(period: str) -> str:
    return period.replace("_", " ") or "unnamed period"


def main_row(report: Released) -> dict[str, Any] | None:
    """Return the main estimate of a release with its interval, as released; None where there is
    none."""
    primary = _primary_analysis(report.manifest)
    for row in report.estimates:
        key = tuple(row.get(name) or "" for name in ESTIMATE_KEY)
        if key[0] == primary and _is_primary(report.manifest, key):
            interval = _interval(row) or (None, None)
            return {
                "analysis": key[0],
                "term": key[1],
                "inference": key[2],
                "unit": key[3],
                "comparison": key[4],
                "estimate": _number(row.get("estimate")),
                "ci_low": interval[0],
                "ci_high": interval[1],
                "level": _number(row.get("level")),
                "p_value": _number(row.get("p_value")),
                "n_patients": row.get("n_patients") or None,
                "n_practices": row.get("n_practices") or None,
            }
    return None


def size(report: Released) -> dict[str, str]:
    """Return the released numbers of patients, practices and patient-periods behind the primary
    analysis."""
    primary = _primary_analysis(report.manifest)
    rows = [row for row in report.estimates if row.get("analysis") == primary] or report.estimates
    return {name: rows[0].get(name, "") for name in ESTIMATE_COUNTS} if rows else {}


def _rows(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return [dict(row) for row in csv.DictReader(handle)]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(
            f"{path}: cannot be read as a table. Ask for the report folder again."
        ) from None


def _inputs(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    before, after = (
        {f"{entry['role']}: {entry['name']}": entry.get("sha256") for entry in side}
        for side in (old, new)
    )
    words = []
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            words.append((name, "gone"))
        elif name not in before:
            words.append((name, "new"))
        elif before[name] != after[name]:
            words.append((name, "changed"))
    return words


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        (key, before.get(key, "not there"), after.get(key, "not there"))
        for key in sorted({*before, *after})
        if before.get(key, "") != after.get(key, "")  # a key that came later is blank
    ]


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value with its place; items of a list that have a name go by it, not by their
    number."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}, {key}" if place else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value, 1):
            yield from _leaves(item, f"{place}, {item.get('name', number)}")
    else:
        yield (
            place,
            ", ".join(map(str, value))
            if isinstance(value, list)
            else ""
            if value is None
            else str(value),
        )


def _by(rows: Sequence[Row], key: Sequence[str]) -> dict[tuple[str, ...], Row]:
    return {tuple(row.get(name) or "" for name in key): row for row in rows}


def _counts(
    old: Sequence[Row], new: Sequence[Row], key: Sequence[str], counts: Sequence[str]
) -> list[Count]:
    before, after = _by(old, key), _by(new, key)
    changed = []
    for place in dict.fromkeys([*before, *after]):
        for name in counts:
            was, now = ((side.get(place) or {}).get(name) or "" for side in (before, after))
            if was != now:
                what = ", ".join(part for part in place if part)
                both = (_number(was), _number(now))
                gap = None if both[0] is None or both[1] is None else int(both[1] - both[0])
                changed.append(Count(what, noun(name), was, now, gap))
    return changed


def _estimates(old: Released, new: Released) -> list[Estimated]:
    before, after = _by(old.estimates, ESTIMATE_KEY), _by(new.estimates, ESTIMATE_KEY)
    estimates = []
    for key in dict.fromkeys([*after, *before]):
        if old.period != new.period and bound_to_periods(key[1]):
            continue
        was, now = before.get(key, {}), after.get(key, {})
        values = [_number(row.get("estimate", "")) for row in (was, now)]
        intervals = [_interval(row) for row in (was, now)]
        zero = [ZERO[excludes_zero(*ends) if ends else None] for ends in intervals]
        report = new if key in after else old
        gap = None if values[0] is None or values[1] is None else values[1] - values[0]
        analysis, term, inference, unit, comparison = key
        estimates.append(
            Estimated(
                analysis,
                term,
                inference,
                unit,
                comparison,
                _is_primary(report.manifest, key),
                values[0],
                values[1],
                gap,
                intervals[0],
                intervals[1],
                zero[0],
                zero[1],
                ratio(gap, was, now),
                judged(ratio(gap, was, now)) if gap is not None else "",
            )
        )
    return estimates


def _is_primary(manifest: Mapping[str, Any], key: tuple[str, ...]) -> bool:
    study = manifest["study"]
    analysis: Mapping[str, Any] = next(
        (a for a in study.get("analyses", []) if a.get("name") == key[0]), {}
    )
    outcome = study.get("outcomes", {}).get(analysis.get("outcome"), {})
    own = unit_of_differences(outcome.get("unit", ""))
    methods = primary_methods(analysis.get("estimator", ""), analysis.get("inference") or [""])
    return key[2] in methods and key[3] in ("", own)


def _primary_analysis(manifest: Mapping[str, Any]) -> str:
    analyses = manifest["study"].get("analyses", [])
    return str(
        next(
            (a["name"] for a in analyses if a.get("primary")),
            analyses[0]["name"] if analyses else "",
        )
    )


def _labels(old: Sequence[Row], new: Sequence[Row]) -> list[Labelled]:
    before, after = _by(old, ("claim_id",)), _by(new, ("claim_id",))

    def states(row: Row) -> str:
        return " × ".join(
            filter(None, (row.get("qualitative_state"), row.get("quantitative_state")))
        )

    def label(row: Row) -> str:
        return (row.get("label") or "complements") if row else "not there"

    pairs = [
        (key[0], before.get(key, {}), after.get(key, {}))
        for key in dict.fromkeys([*before, *after])
    ]
    return [
        Labelled(claim, label(was), label(now), states(was), states(now))
        for claim, was, now in pairs
        if (label(was), states(was)) != (label(now), states(now))
    ]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _interval(row: Row) -> tuple[float, float] | None:
    low, high = _number(row.get("ci_low")), _number(row.get("ci_high"))
    return None if low is None or high is None else (low, high)
