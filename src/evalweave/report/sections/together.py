"""The two strands together: the joint display, a row a claim; then each claim on a page of its own,
claims by label, subgroups, and threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from evalweave.catalogue.kinds import COST
from evalweave.catalogue.words import number_of
from evalweave.qualitative.counts import AT_LEAST
from evalweave.release.notes import released_note
from evalweave.release.numbers import missing, sentence, size
from evalweave.report.blocks import (
    Appendix,
    Joint,
    JointRow,
    Prose,
    Quote,
    Section,
    Sheet,
    Table,
    Text,
    text,
)
from evalweave.report.claimed import (
    QUALITATIVE,
    QUANTITATIVE,
    complements,
    label,
    numbers,
    places,
    quotes,
)
from evalweave.report.data import ReportData
from evalweave.report.figures.strip import reach, strip
from evalweave.report.people import many
from evalweave.report.sections import matrices, meshed, rests, threads
from evalweave.report.verdict import verdict
from evalweave.triangulation.convergence import (
    AGAINST,
    AGREEMENT,
    DISSONANCE,
    FLAGGED,
    IMPRECISE,
    ON_SIZE,
    PARTIAL,
)

TELLING = (AGREEMENT, AGAINST, DISSONANCE, FLAGGED, ON_SIZE, PARTIAL)

CAPTION = (
    "Each claim was declared with the sign it expects and the smallest difference that matters. "
    "Left the claim, then the "
    "numbers on a scale that all claims of a unit share (shaded: too small to matter), then the "
    "voices, below what a "
    "declared rule says of both. The rule compares what was found; it does not prove anything."
)


def section(data: ReportData) -> Section | None:
    """Return the joint display; None without a qualitative strand."""
    title = "The two together"
    if data.released_joint is None or data.released_joint.empty:
        why = (
            "No claims were declared, so numbers and voices stand side by side without a joint "
            "display."
        )
        return Section("together", title, (Prose(why),)) if data.study.qualitative else None
    joint = data.released_joint
    released = data.profile.count_frame(joint, _contract())
    scales = {
        unit: reach(
            [
                x
                for name in ("ci_low", "ci_high", "estimate", "margin")
                for x in part[name].astype(float)
            ]
        )
        for unit, part in joint.groupby("outcome_unit")
    }
    records = list(zip(joint.to_dict("records"), released.to_dict("records"), strict=True))
    rows = tuple(
        _row(data, record, shown, scales[record["outcome_unit"]]) for record, shown in records
    )
    version = str(joint["rule_version"].iloc[0])
    notes: list[Text] = [
        f"Convergence rule, version {version}; labels follow Farmer et al. (2006) and O’Cathain et "
        "al. (2010)."
    ]
    if against := verdict(data).before:
        notes.insert(0, f"{against} Labels that rest on the main result are under that doubt.")
    if why := all_imprecise(joint):
        notes.insert(0, why)
    if data.study.study.synthetic:
        notes.insert(
            0,
            text(
                '<span class="sim">Simulated data.</span> Quotations and counts of people are '
                "invented."
            ),
        )
    sheets: list[Sheet | Table] = []
    for row, (record, shown) in zip(rows, records, strict=True):
        sheets += [_sheet(data, row), rests.rests(data, record, shown)]
    more = (*matrices.blocks(data), *meshed.blocks(data), *threads.blocks(data))
    blocks = (
        Joint(CAPTION, rows, tuple(notes)),
        Appendix("Each claim on its own page", tuple(sheets)),
        *([Appendix("Claims by label, groups of people, and threads", more)] if more else []),
    )
    return Section("together", title, blocks)


def all_imprecise(joint: pd.DataFrame) -> str:
    """Return why every claim that has numbers and voices is imprecise; blank where one is not."""
    labels = joint["label"].astype("string")
    if not (labels == IMPRECISE).any() or labels.isin(TELLING).any():
        return ""
    mine = joint[(labels == IMPRECISE).fillna(False)]
    widened = mine["family_ci_low"].notna() | mine["family_ci_high"].notna()
    whose = "each interval"
    if len(mine) < len(joint):
        claims = "the only claim" if len(mine) == 1 else f"each of the {len(mine)} claims"
        whose = f"the interval of {claims} labelled “{IMPRECISE}”"
    why = (
        f"No claim can be called agreement or dissonance: {whose} includes zero and also "
        "differences that matter"
    )
    if not widened.any():
        return f"{why}."
    low, high, margin = (mine[name].astype(float) for name in ("ci_low", "ci_high", "margin"))
    alone = int(((low > 0) | (high < 0) | ((low > -margin) & (high < margin)))[widened].sum())
    some = "none" if not alone else number_of(alone, "claim")
    return (
        f"{why}, once it is widened for the comparisons that were declared to be judged together; "
        f"by its own interval alone, {some} would have been told."
    )


def _contract() -> Any:
    from evalweave.tables.joint import JOINT_DISPLAY

    return JOINT_DISPLAY


def _row(data: ReportData, record: dict[Any, Any], shown: dict[Any, Any], scale: float) -> JointRow:
    unit, claim = record["outcome_unit"], str(record["claim_id"])
    low, high = _real(record["ci_low"]), _real(record["ci_high"])
    return JointRow(
        claim=claim,
        theme=str(
            record["theme_label"] if not missing(record["theme_label"]) else record["theme_id"]
        ),
        proposition=str(record["proposition"]),
        expectation=_expectation(data, record),
        strip=strip(
            f"strip-{claim}",
            _real(record["estimate"]),
            low,
            high,
            float(record["margin"]),
            unit,
            scale,
            places(record),
        ),
        numbers=numbers(record),
        quantitative=released_note(data.profile, sentence(_said(record["quantitative_detail"]))),
        voices=tuple(_voices(data, record, shown)),
        quotes=tuple(_quotes(data, claim)),
        label=label(record),
        label_note=_label_note(record),
        analyst=released_note(data.profile, _analyst(record)),
        analyst_by=_by(record),
        **_meta(data, claim),
    )


def _meta(data: ReportData, claim: str) -> dict[str, Any]:
    """Return the meta-inference of a claim, or that there is none."""
    words, by = meshed.written(data, "claim", claim)
    if words is None:
        return {"meta": "No meta-inference has been written for this claim."}
    return {"meta": words, "meta_by": by}


def _real(value: Any) -> float:
    return math.nan if missing(value) else float(value)


def _said(value: Any) -> str:
    """Return a sentence of the join stage, blank where there is none."""
    return "" if missing(value) else str(value)


def _expectation(data: ReportData, record: dict[Any, Any]) -> str:
    sign = {
        "positive": "a positive difference",
        "negative": "a negative difference",
        "none": "no difference that matters",
    }
    expected = sign.get(str(record["expected_sign"]), str(record["expected_sign"]))
    expected += _of_cost(data, record)
    declared = (
        " Declared after the estimates were first seen." if record["post_hoc"] is True else ""
    )
    return (
        f"Expects {expected}; matters from {size(record['margin'])} {record['outcome_unit']} on. "
        f"Perspective: {many(str(record['role']))}.{declared}"
    )


def _of_cost(data: ReportData, record: dict[Any, Any]) -> str:
    """Return what a sign means of a cost; blank of other outcomes and of differences between
    groups."""
    names = {a.name: a.outcome for a in data.study.analyses}
    outcome = data.study.outcomes.get(names.get(str(record["analysis"]), ""))
    means = {"negative": "lower", "positive": "higher"}.get(str(record["expected_sign"]))
    between = str(record["term"]).startswith("difference[")
    if outcome is None or outcome.kind != COST or means is None or between:
        return ""
    better = "" if outcome.better == "neither" else f"; {outcome.better} is better"
    return f", that is, a {means} cost{better}"


def _voices(data: ReportData, record: dict[Any, Any], shown: dict[Any, Any]) -> list[Text]:
    role = many(str(record["role"]))
    of = "participants"
    if missing(record["n_eligible"]) or int(record["n_eligible"]) == 0:
        return [f"No {role} were asked."]
    if shown["n_eligible"] == "*":
        return [text("{} of {} {} raised the theme.", "*", "*", role)]

    def count(name: str) -> Text:
        return rests.mark(data, record[name], shown[name])

    total = data.profile.mark(record["n_eligible"], of)
    lines: list[Text] = [_raised(record, count, total, role)]
    lines.append(
        text(
            "{} of {} support the claim, {} of {} contradict it.",
            count("n_supports"),
            total,
            count("n_contradicts"),
            total,
        )
    )
    if record["negative_case"] is True:
        lines.append("There is at least one negative case.")
    return lines


def _raised(record: dict[Any, Any], count: Callable[[str], Text], total: Text, role: str) -> Text:
    """Return how many raised the theme: exactly, at least, or not known."""
    if missing(record["n_raised"]):
        return text(
            "How many of {} {} raised the theme is not known: its words cannot be given to a "
            "person.",
            total,
            role,
        )
    least = "At least " if str(record["attributed"]) == AT_LEAST else ""
    return text("{}{} of {} {} raised the theme.", least, count("n_raised"), total, role)


def _sheet(data: ReportData, row: JointRow) -> Sheet:
    """Return a row of the joint display with every quotation of its claim that may be shown."""
    return Sheet(replace(row, quotes=tuple(_quotes(data, row.claim, each=None))))


def _quotes(data: ReportData, claim: str, each: int | None = 1) -> list[Quote]:
    """Return the first `each` quotations of each side; all where it is None."""
    if data.quotes is None:
        return []
    of_claim = data.quotes[data.quotes["claim_id"] == claim]
    return [
        quote
        for _, side in of_claim.groupby("stance", sort=False, dropna=False)
        for quote in quotes(side.head(each) if each else side)
    ]


def _label_note(record: dict[Any, Any]) -> str:
    numbers = QUANTITATIVE.get(str(record["quantitative_state"]), "")
    people = QUALITATIVE.get(str(record["qualitative_state"]), "")
    words = f"Numbers: {numbers}. Voices: {people}."
    return words + (
        " The strands answer different questions here, so no label is given."
        if complements(record)
        else ""
    )


def _analyst(record: dict[Any, Any]) -> str:
    parts = [
        str(record[name])
        for name in ("analyst_label", "analyst_reason")
        if not missing(record[name])
    ]
    return ": ".join(parts)


def _by(record: dict[Any, Any]) -> str:
    parts = [
        str(record[name])
        for name in ("analyst_initials", "analyst_date")
        if not missing(record[name])
    ]
    return (
        f"The analyst’s own reading, {', '.join(parts)}" if parts else "The analyst’s own reading"
    )
