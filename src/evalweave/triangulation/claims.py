"""Claims: what the analyst declared before results, read and checked, every mistake at once.

A claim ties a theme to one estimand (analysis, term, unit) with the sign that is expected and the
margin (the smallest difference that matters). `expected_change` may say the same in words: `better`
must go with the sign that the outcome's direction gives it (a fall where lower is better), `worse`
with the other, `none` with none.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from evalweave.errors import DataError, EvalweaveError, Fault, raise_faults
from evalweave.qualitative.matrix import role_name
from evalweave.quantities import unit_of_differences
from evalweave.reading import tables
from evalweave.study.analyses import Analysis, descriptive
from evalweave.study.outcomes import Outcome
from evalweave.study.whole import Study
from evalweave.tables.joint import CLAIMS
from evalweave.triangulation.claim_rows import Row
from evalweave.triangulation.convergence import NEGATIVE, NONE, POSITIVE, RELATIONS, SIGNS

REQUIRED = tuple(column.name for column in CLAIMS.columns if column.required)
OPTIONAL = tuple(column.name for column in CLAIMS.columns if not column.required)
CHANGES = {
    "better": {"lower": NEGATIVE, "higher": POSITIVE},
    "worse": {"lower": POSITIVE, "higher": NEGATIVE},
}
TERM = re.compile(
    r"att|trend|simple|event\[(-?\d+|overall)\]|att_gt\[-?\d+,-?\d+\]|(group|calendar)\[(-?\d+|overall)\]"
    r"|(?P<kind>att|difference)\[(?P<subgroup>[^=\]]+)=(?P<levels>[^\]]+)\]"
)


@dataclass(frozen=True)
class Claim:
    """One declared claim; the columns of `tables.CLAIMS`, and whether it was declared after the
    estimates."""

    claim_id: str
    theme_id: str
    proposition: str
    role: str
    relation: str
    analysis: str
    term: str
    outcome_unit: str
    expected_sign: str
    margin: float
    declared_on: dt.date
    margin_range: tuple[float, float] | None = None
    minimum: float | None = None
    rationale: str = ""
    author: str = ""
    post_hoc: bool = False
    analyst_label: str = ""
    analyst_initials: str = ""
    analyst_date: dt.date | None = None
    analyst_reason: str = ""


@dataclass(frozen=True)
class Known:
    """What a claim may refer to. An empty collection was not available yet and is not checked
    against."""

    analyses: Mapping[str, Analysis]
    outcomes: Mapping[str, Outcome]
    themes: Collection[str] = ()
    roles: Collection[str] = ()
    terms: Mapping[str, Collection[str]] = field(
        default_factory=dict
    )  # by analysis; estimated or said absent
    units: Mapping[str, Collection[str]] = field(default_factory=dict)  # by analysis
    first_seen: dt.date | None = None
    descriptive: Collection[str] = ()  # analyses on which no claim may rest

    def units_of(self, analysis: str) -> Collection[str]:
        """Return the units in which an analysis is, or will be, reported."""
        if self.units.get(analysis):
            return self.units[analysis]
        name = self.analyses[analysis].outcome
        outcome = self.outcomes[name]
        units = (outcome.unit, *outcome.measures(name).reported_in)
        return tuple(dict.fromkeys(unit_of_differences(unit) for unit in units))


def read_claims(path: Path | str, known: Known) -> tuple[Claim, ...]:
    """Return the claims of a CSV or XLSX, in its order.

    Raises:
        DataError: with one sentence for each thing that is wrong, or when the file cannot be read.
    """
    claims, faults = check_claims(path, known)
    raise_faults(faults)
    return claims


def check_claims(path: Path | str, known: Known) -> tuple[tuple[Claim, ...], list[Fault]]:
    """Return the claims that could be read, and everything that is wrong with their rows.

    Raises:
        DataError: the file cannot be read as a table with the required columns.
    """
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file. Check `claims` in the study file.")
    sheet = _table(path)
    faults = [
        Fault(
            sheet.file,
            "a column without a meaning",
            "a known one",
            f'Did you mean "{close[0]}"?',
            row=1,
            column=name,
        )
        for name in sheet.header
        if name not in (*REQUIRED, *OPTIONAL)
        and (close := get_close_matches(name, set(OPTIONAL) - set(sheet.header), n=1))
    ]
    claims = []
    seen: dict[str, int] = {}
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        row = Row(sheet.file, line, cells, faults)
        claim_id = row.text("claim_id")
        if claim_id in seen:
            row.fault(
                "claim_id",
                f'"{claim_id}" a second time (also row {seen[claim_id]})',
                "one row a claim",
                "Give one of them another name.",
            )
        if claim_id:
            seen.setdefault(claim_id, line)
        if (claim := _claim(row, known)) is not None:
            claims.append(claim)
    if not sheet.rows:
        faults.append(
            Fault(
                sheet.file,
                "a header and no claims",
                "one row a claim",
                "Declare a claim, or remove `claims:` from the study file.",
            )
        )
    return tuple(claims), faults


def _table(path: Path | str) -> tables.SmallTable:
    return tables.read(path, REQUIRED, OPTIONAL, numbers=("margin", "margin_low", "margin_high"))


def reading_notes(path: Path | str) -> tuple[str, ...]:
    """Return what is decided while the claims are read; nothing where they cannot be."""
    try:
        return _table(path).notes
    except EvalweaveError:
        return ()


def early_faults(study: Study) -> list[str]:
    """Return what is wrong with a study's claims before anything ran, for `evalweave check`.

    Themes and roles are checked as far as their own files can be read; what is wrong with those is
    theirs to say.
    """
    if study.claims is None or study.qualitative is None or not Path(study.claims).is_file():
        return []

    def column(path: str, name: str) -> list[str]:
        try:
            return sorted({row[name] for row in tables.read(path, [name]).rows if row[name]})
        except EvalweaveError:
            return []

    known = Known(
        {analysis.name: analysis for analysis in study.analyses},
        study.outcomes,
        themes=column(study.qualitative.themes, "theme_id"),
        roles=sorted({role_name(role) for role in column(study.qualitative.participants, "role")}),
        first_seen=study.estimates_first_seen,
        descriptive=descriptive(study.analyses, study.comparisons),
    )
    try:
        return [str(fault) for fault in check_claims(study.claims, known)[1]]
    except DataError as error:
        return str(error).splitlines()


def _claim(row: Row, known: Known) -> Claim | None:
    """Return the claim of a row, None when something is wrong with it."""
    before = len(row.faults)
    _check_filled(row)
    claim_id = row.text("claim_id")
    if ":" in claim_id or claim_id != "".join(claim_id.split()):
        row.fault(
            "claim_id",
            f'"{claim_id}"',
            "a short name without spaces or colons",
            "Codes in the project name it as claim::<claim_id>::supports.",
        )
    row.word("theme_id", known.themes, "a theme of the themes file")
    row.word("role", known.roles, "a role of the participants file")
    row.word("relation", RELATIONS, f"one of {', '.join(RELATIONS)}")
    sign = row.word("expected_sign", SIGNS, f"one of {', '.join(SIGNS)}")
    change = row.word(
        "expected_change", (*CHANGES, NONE), f"one of {', '.join((*CHANGES, NONE))}, or a blank"
    )
    analysis = row.word("analysis", known.analyses, "an analysis of the study file")
    if analysis in known.analyses:
        _check_estimand(row, known, known.analyses[analysis])
        _check_sign(row, known.outcomes[known.analyses[analysis].outcome], sign, change)
    margin, low, high, minimum = _amounts(row)
    _check_analyst(row)
    declared_on, analyst_date = row.date("declared_on"), row.date("analyst_date")
    if len(row.faults) > before or declared_on is None:
        return None
    return Claim(
        margin=margin,
        declared_on=declared_on,
        margin_range=None if math.isnan(low) else (low, high),
        minimum=None if math.isnan(minimum) else minimum,
        post_hoc=known.first_seen is not None and declared_on > known.first_seen,
        analyst_date=analyst_date,
        **{
            name: row.text(name)
            for name in (
                "claim_id",
                "theme_id",
                "proposition",
                "role",
                "relation",
                "analysis",
                "term",
                "outcome_unit",
                "expected_sign",
                "rationale",
                "author",
                "analyst_label",
                "analyst_initials",
                "analyst_reason",
            )
        },
    )


def _check_filled(row: Row) -> None:
    """Add a fault for each column that must not be blank."""
    for column in REQUIRED:
        if not row.text(column):
            what = (
                (
                    "no margin",
                    "the smallest difference that matters, in outcome_unit",
                    "Declare it; 0 says that any difference matters.",
                )
                if column == "margin"
                else ("a blank", f"{CLAIMS.column(column).meaning}", "Fill it in.")
            )
            row.fault(column, *what)


def _amounts(row: Row) -> tuple[float, float, float, float]:
    """Return margin, margin_low, margin_high and minimum, nan where blank, with their faults."""
    margin, low, high = row.number("margin"), row.number("margin_low"), row.number("margin_high")
    minimum = row.number("minimum")
    if minimum < 1:
        expected = "1 or more people, or a blank"
        row.fault("minimum", row.text("minimum"), expected, "Nobody's word supports no claim.")
    if not (math.isnan(low) and math.isnan(high)) and not low <= margin <= high:
        row.fault(
            "margin_low",
            "a range that does not enclose the margin",
            "margin_low ≤ margin ≤ margin_high",
            "Give both ends, or leave both blank.",
        )
    return margin, low, high, minimum


def _check_analyst(row: Row) -> None:
    """Add faults for a reading of the analyst that does not say who, when and why."""
    if row.text("analyst_label"):
        for column in ("analyst_initials", "analyst_date", "analyst_reason"):
            if not row.text(column):
                row.fault(
                    column,
                    "a blank",
                    "it beside an analyst_label",
                    "Say who read it so, when and why.",
                )


def _check_estimand(row: Row, known: Known, analysis: Analysis) -> None:
    """Add faults for a term or a unit that the analysis does not have, and for an interval of
    another level."""
    term, terms = row.text("term"), known.terms.get(analysis.name, ())
    if analysis.name in known.descriptive:
        row.fault(
            "analysis",
            "an analysis that compares people who were selected (kind: not_referred)",
            "one that estimates what the programme did",
            "Name another analysis; that one is descriptive only.",
        )
    if terms:
        row.word("term", terms, f"a term of the analysis {analysis.name}")
    elif term:
        parsed = TERM.fullmatch(term)
        if parsed is None:
            row.fault(
                "term", f'"{term}"', "a term such as att, trend, event[2] or difference[white=1-0]"
            )
        elif (subgroup := parsed["subgroup"]) != analysis.subgroup and (
            subgroup or analysis.subgroup
        ):
            given = f"the subgroup {subgroup}" if subgroup else "a term without a subgroup"
            wanted = analysis.subgroup or "no subgroup"
            row.fault(
                "term",
                given,
                f"{wanted}, as the analysis {analysis.name} has",
                "Name another analysis, or the term of this one.",
            )
    row.word(
        "outcome_unit",
        known.units_of(analysis.name),
        f"a unit in which {analysis.name} is reported",
    )
    if abs(analysis.level - 0.95) > 1e-9:
        row.fault(
            "analysis",
            f"an analysis whose intervals are at level {analysis.level:g}",
            "level 0.95",
            "The convergence rule reads 95 % intervals: remove `level` from the analysis.",
        )


def _check_sign(row: Row, outcome: Outcome, sign: str, change: str) -> None:
    """Add a fault when `expected_change` and `expected_sign` do not mean the same for this
    outcome."""
    if not change or sign not in SIGNS or change not in (*CHANGES, NONE):
        return
    if change != NONE and outcome.better == "neither":
        row.fault(
            "expected_change",
            f'"{change}" for an outcome of which neither direction is better',
            "a blank",
            "Set `better` of the outcome in the study file, or leave this blank.",
        )
        return
    meant = NONE if change == NONE else CHANGES[change][outcome.better]
    if meant != sign:
        means = f"{outcome.better} is better" if change != NONE else "no change has no sign"
        row.fault(
            "expected_sign",
            f'"{sign}" beside expected_change "{change}"',
            f'"{meant}", since {means}',
            "Correct one of the two.",
        )
