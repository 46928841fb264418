"""Checks by asking the same in another way: inference methods, comparison groups, placebo outcomes,
practices left out."""

from __future__ import annotations

from collections.abc import Mapping

from evalweave.release.notes import released_note
from evalweave.release.numbers import estimate, excludes_zero, missing, number, sentence
from evalweave.report.blocks import Check
from evalweave.report.checks.units import in_each
from evalweave.report.data import ReportData, Row
from evalweave.report.sentences import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, agreement_about_zero
from evalweave.study.analyses import Analysis


def few_practices(data: ReportData) -> Check | None:
    term = data.main_term(data.primary)
    units = data.units(data.primary.name)
    if not units:
        return None
    verdict, words = agreement_about_zero(data.rows(data.primary.name, term, units[0]))
    return Check(
        "Do the ways of inference for few practices agree about zero?",
        verdict,
        words,
        "inference",
        "Every method",
    )


def comparison_groups(data: ReportData) -> Check | None:
    question = "Do other comparison groups and estimators agree?"
    main = data.main()
    others = [
        (a, row)
        for a in data.analyses("sensitivity")
        if main and (row := data.row(a, data.main_term(a), main.unit))
    ]
    if not main or not others:
        return Check(question, CANNOT_TELL, "Only one comparison group is part of this study.")
    values = [row.estimate for _, row in others]
    same = [row for _, row in others if (row.estimate < 0) == (main.estimate < 0)]
    near, far = number(min(values), main.places), number(max(values), main.places)
    span = f"The {len(others)} others lie between {near} and {far}"
    if near == far:
        span = f"The {len(others)} others are {near}"
    if len(others) == 1:
        span = f"The other one is {number(values[0], main.places)}"
    why = f"{span} {main.unit}, the main estimate is {number(main.estimate, main.places)}"
    contrary = [row for _, row in others if not _overlap(row.low, row.high, main.estimate)]
    if contrary or (
        len(same) < len(others)
        and any(excludes_zero(r.low, r.high) for _, r in others if r not in same)
    ):
        return Check(
            question,
            DOES_NOT_HOLD,
            f"{why}; {len(contrary)} of their intervals leave it out.",
            "comparisons",
            "All of them",
        )
    if len(same) < len(others):
        return Check(
            question,
            CANNOT_TELL,
            f"{why}; signs differ, but intervals are wide enough for both.",
            "comparisons",
            "All of them",
        )
    return Check(
        question,
        HOLDS,
        f"{why}; all have the same sign and their intervals hold it.",
        "comparisons",
        "All of them",
    )


def _overlap(low: float, high: float, value: float) -> bool:
    return missing(low) or missing(high) or low <= value <= high


def placebo_outcome(data: ReportData) -> Check | None:
    question = "Is there nothing where nothing should be (placebo outcome)?"
    placebos = [
        (a, row) for a in data.analyses("placebo") if (row := data.row(a, data.main_term(a)))
    ]
    if not placebos:
        return Check(question, CANNOT_TELL, "A placebo outcome is not part of this study.")
    results = "; ".join(
        f"{sentence(data.outcome_label(a.outcome))} "
        f"{estimate(row.estimate, row.low, row.high, row.level, row.places)} {row.unit}"
        for a, row in placebos
    )
    told = [excludes_zero(row.low, row.high) for _, row in placebos]
    verdict = DOES_NOT_HOLD if any(told) else CANNOT_TELL if None in told else HOLDS
    ends = {
        DOES_NOT_HOLD: "the interval excludes zero",
        HOLDS: "no change was found",
        CANNOT_TELL: "there is no interval",
    }
    ruled_out = "".join(_ruled_out(data, a, row) for a, row in placebos)
    why = f"{results}: {ends[verdict]}.{ruled_out}"
    return Check(question, verdict, why, "placebo", "Placebo")


def _ruled_out(data: ReportData, analysis: Analysis, row: Row) -> str:
    """Return the smallest margin within which a placebo outcome could be declared unchanged."""
    known = data.diagnostic(analysis.name, "equivalence")
    margin = known["margins"].get(row.term) if isinstance(known, Mapping) else None
    if missing(margin) or row.unit != data.study.outcomes[analysis.outcome].difference_unit:
        return ""
    return (
        f" {sentence(data.outcome_label(analysis.outcome))} could be declared unchanged within "
        f"±{number(margin, row.places)} {row.unit} at the narrowest (equivalence test, 5 %)."
    )


def leave_one_out(data: ReportData) -> Check | None:
    question = "Does it hang on a single practice (leave one out)?"
    ranges = data.diagnostic(data.primary.name, "leave_one_out")
    row = data.main(data.outcome.difference_unit)
    one = ranges.get(data.main_term(data.primary)) if isinstance(ranges, Mapping) else None
    if not isinstance(one, Mapping) or "low" not in one or row is None:
        reason = one.get("refused") if isinstance(one, Mapping) else None
        return Check(
            question,
            CANNOT_TELL,
            released_note(data.profile, f"{reason}.")
            if reason
            else "Leaving one practice out is not part of this study.",
        )

    def why(ratio: float, unit: str) -> str:
        places = (data.main(unit) or row).places
        ends = (number(ratio * float(one[end]), places) for end in ("low", "high"))
        return (
            "Leaving out one practice at a time, the estimate lies between "
            f"{' and '.join(ends)} {unit}"
        )

    if one.get("changes_sign"):
        return Check(
            question,
            DOES_NOT_HOLD,
            in_each(data, lambda *said: f"{why(*said)}: it changes its sign."),
            "inference",
        )
    inside = (
        ", and all lie inside the interval"
        if row.low <= one["low"] and one["high"] <= row.high
        else ""
    )
    return Check(
        question, HOLDS, in_each(data, lambda *said: f"{why(*said)}: the sign stays{inside}.")
    )
