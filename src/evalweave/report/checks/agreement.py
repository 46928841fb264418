"""Checks by asking the same in another way: inference methods, comparison groups and estimators,
placebo outcomes, practices left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from evalweave.catalogue.inferences import holds_with_few
from evalweave.fits.distributions import t_p_value, t_quantile
from evalweave.release.notes import released_note
from evalweave.release.numbers import estimate_in, excludes_zero, missing, number, sentence
from evalweave.report.checks import harmless
from evalweave.report.checks.evidence import (
    CANNOT_TELL,
    CONFIDENCE,
    SUPPORTS,
    Finding,
    Margin,
    Measure,
    measure,
)
from evalweave.report.checks.units import in_each
from evalweave.report.data import ReportData, Row
from evalweave.report.sentences import agreement_about_zero
from evalweave.study.analyses import Analysis
from evalweave.study.people import nested

NONE_SHOWN = "It was asked, but there is no estimate that could be shown."
SAME = 1e-6  # standard errors by which one regression written in two ways may differ
FEW_PRACTICES = Finding(
    "few_practices",
    "Do the ways of inference for few practices agree about zero?",
    shown="is no agreement between ways of inference",
    doubt="whether zero is excluded may depend on the way of inference",
    words="",
    link="inference",
    link_text="Every method",
)
COMPARISONS = Finding(
    "comparisons",
    "Do other comparison groups and estimators agree?",
    shown="is a different answer from another comparison group or estimator",
    doubt="other comparison groups or estimators may give another answer",
    words="Only one comparison group and estimator is part of this study.",
)
PLACEBO_OUTCOME = Finding(
    "placebo_outcome",
    "Is there nothing where nothing should be (placebo outcome)?",
    shown="is a difference where none should be, in a placebo outcome",
    doubt="outcomes that the programme should not change may have moved as well",
    words="A placebo outcome is not part of this study.",
)
LEAVE_ONE_OUT = Finding(
    "leave_one_out",
    "Does it hang on a single practice (leave one out)?",
    shown="is a dependence on one practice",
    doubt="the answer may hang on one practice",
    words="Leaving one practice out is not part of this study.",
)


def few_practices(data: ReportData) -> Finding | None:
    """Ask whether the ways of inference agree about zero; where they do not, none is right."""
    units = data.units(data.primary.name)
    if not units:
        return None
    rows = data.rows(data.primary.name, data.main_term(data.primary), units[0])
    agree, words = agreement_about_zero(rows)
    if agree is False:
        depends = "whether zero is excluded depends on the way of inference"
        return replace(FEW_PRACTICES, words=words, doubt=depends, state=CANNOT_TELL)
    told = [row.inference for row in rows if excludes_zero(row.low, row.high) is not None]
    if agree and sum(map(holds_with_few, told)) < 2:
        words = f"{words} Fewer than two of them hold with few practices, so that says little."
        return replace(FEW_PRACTICES, words=words, state=CANNOT_TELL)
    return replace(FEW_PRACTICES, words=words, state=SUPPORTS if agree else CANNOT_TELL)


def comparison_groups(data: ReportData) -> Finding | None:
    """Compare the main estimate with those of other comparison groups and estimators.

    Not witnesses: a group that holds, or is part of, the main one; a regression that gave the same
    numbers. The difference of two estimates has at most the variance of both together, as they
    share the practices with the programme.
    """
    main, unit = data.main(data.outcome.difference_unit), data.outcome.difference_unit
    others = [
        (a, row)
        for a in data.analyses("sensitivity")
        if main
        and a.outcome == data.primary.outcome
        and (row := data.row(a, data.main_term(a), unit))
    ]
    if not main or not others:
        none = bool(data.analyses("sensitivity"))
        return replace(COMPARISONS, words=NONE_SHOWN) if none else COMPARISONS
    asked = replace(COMPARISONS, link="comparisons", link_text="All of them")
    witnesses = [(a, row) for a, row in others if _witness(data, a, row, main)]
    if not witnesses:
        why = (
            "The other comparison groups hold the main one or are part of it, and regressions that "
            "give the same numbers are the same regression: nothing independent was asked."
        )
        return replace(asked, words=why)
    measures = tuple(_apart(data, a, row, main) for a, row in witnesses)
    values = [row.estimate for _, row in witnesses]

    def said(ratio: float, name: str) -> str:
        places = (data.main(name) or main).places
        near, far = (number(ratio * value, places) for value in (min(values), max(values)))
        one = number(ratio * main.estimate, places)
        if len(values) == 1:
            span = f"The other one is {near}"
        elif near == far:
            span = f"The {len(values)} others are {near}"
        else:
            span = f"The {len(values)} others lie between {near} and {far}"
        return f"{span} {name}, the main estimate is {one}."

    words = in_each(data, said)
    margin, units = harmless.bias(data), harmless.units(data)
    return replace(asked, words=words, measures=measures, margin=margin, units=units)


def _witness(data: ReportData, other: Analysis, row: Row, main: Row) -> bool:
    if math.isclose(row.estimate, main.estimate, abs_tol=SAME * _error(main)):
        return False  # the same regression under another name
    mine = data.primary.comparison or data.study.primary_comparison
    theirs = other.comparison or data.study.primary_comparison
    groups = data.study.comparisons
    return mine == theirs or not nested(groups[theirs], groups[mine])


def _apart(data: ReportData, other: Analysis, row: Row, main: Row) -> Measure:
    """Return the difference of two estimates with its interval, in the outcome's unit."""
    error = math.hypot(_error(row), _error(main))
    dof = np.array(min(_dof(row), _dof(main)))
    gap = row.estimate - main.estimate
    half = float(t_quantile(CONFIDENCE, dof)) * error
    p = float(t_p_value(np.array(gap / error), dof)) if error > 0 else math.nan
    return Measure(other.label or other.name, gap, gap - half, gap + half, p)


def _error(row: Row) -> float:
    """Return the standard error, or what it would be from the width of the interval."""
    if not missing(row.std_error):
        return row.std_error
    return (row.high - row.low) / (2 * float(t_quantile(row.level, np.array(_dof(row)))))


def _dof(row: Row) -> float:
    if not missing(row.dof):
        return row.dof
    return max(1.0, float(row.n_practices) - 1)


def placebo_outcome(data: ReportData) -> Finding | None:
    """Ask for an effect on outcomes that the programme should not change, each within its own
    smallest difference that matters."""
    placebos = [
        (a, row) for a in data.analyses("placebo") if (row := data.row(a, data.main_term(a)))
    ]
    if not placebos:
        none = bool(data.analyses("placebo"))
        return replace(PLACEBO_OUTCOME, words=NONE_SHOWN) if none else PLACEBO_OUTCOME
    results = "; ".join(
        f"{sentence(data.outcome_label(a.outcome))} "
        f"{estimate_in(row.unit, row.estimate, row.low, row.high, row.level, row.places)}"
        for a, row in placebos
    )
    measures, margin = _within_own_margins(data, placebos)
    return replace(
        PLACEBO_OUTCOME,
        words=f"{results}.",
        measures=measures,
        margin=margin,
        link="placebo",
        link_text="Placebo",
    )


def _within_own_margins(
    data: ReportData, placebos: list[tuple[Analysis, Row]]
) -> tuple[tuple[Measure, ...], Margin]:
    """Return the placebo estimates and what would be harmless: of one outcome in its unit, of
    several as multiples of the margin that each declares."""
    declared = [data.margin_of(a.outcome, row.unit) for a, row in placebos]
    known = [margin for margin in declared if margin is not None]
    several = len(placebos) > 1
    whole = len(known) == len(declared)
    scales = known if several and whole else [1.0] * len(placebos)
    measures = tuple(
        measure(
            data.outcome_label(a.outcome),
            row.estimate / scale,
            row.low / scale,
            row.high / scale,
            row.p_value,
            row.level,
            row.dof,
        )
        for (a, row), scale in zip(placebos, scales, strict=True)
    )
    if not whole:
        return measures, Margin(None, "" if several else placebos[0][1].unit, harmless.UNDECLARED)
    if several:
        return measures, Margin(1.0, "times its margin", "the margin declared for each")
    return measures, Margin(known[0], placebos[0][1].unit, "the margin declared for it")


def leave_one_out(data: ReportData) -> Finding | None:
    """See how far the main estimate moves without each practice."""
    ranges = data.diagnostic(data.primary.name, "leave_one_out")
    row = data.main(data.outcome.difference_unit)
    one = ranges.get(data.main_term(data.primary)) if isinstance(ranges, Mapping) else None
    if not isinstance(one, Mapping) or "low" not in one or row is None:
        reason = one.get("refused") if isinstance(one, Mapping) else None
        return (
            replace(LEAVE_ONE_OUT, words=released_note(data.profile, f"{reason}."))
            if reason
            else LEAVE_ONE_OUT
        )
    moved = max(abs(float(one[end]) - row.estimate) for end in ("low", "high"))
    stays = not one.get("changes_sign")

    def why(ratio: float, name: str) -> str:
        places = (data.main(name) or row).places
        ends = " and ".join(number(ratio * float(one[end]), places) for end in ("low", "high"))
        lead = f"Leaving out one practice at a time, the estimate lies between {ends} {name}"
        return f"{lead}: {'the sign stays' if stays else 'it changes its sign'}."

    return replace(
        LEAVE_ONE_OUT,
        words=in_each(data, why),
        measures=(Measure("largest move without one practice", moved, moved, moved),),
        margin=harmless.bias(data),
        link="inference",
        link_text="Every method",
        units=harmless.units(data),
    )
