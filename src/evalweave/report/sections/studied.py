"""Who was studied: the flow of each outcome, the baseline table, how alike the arms were, and new
cases."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.release.disclosure import HIDDEN, Released
from evalweave.release.numbers import joined, missing, number, percent, sentence
from evalweave.report import criteria
from evalweave.report.blocks import (
    Column,
    Heading,
    Line,
    Prose,
    Section,
    Table,
    Text,
    appended,
)
from evalweave.report.data import ReportData
from evalweave.report.sections import balanced, flows, new_cases
from evalweave.report.terms import level


def section(data: ReportData) -> Section:
    """Return flow diagrams and baseline table."""
    eligibility = data.study.eligibility
    sentences = [
        f"People {criteria.people(eligibility)}.",
        *criteria.rules(eligibility),
        criteria.kind(eligibility),
    ]
    blocks: list[Any] = [Prose(" ".join(sentences)), *_as_then(data)]
    blocks += flows.blocks(data)
    blocks += _baseline(data)
    blocks += appended("New cases", new_cases.blocks(data), "new-cases")
    return Section("studied", "Who was studied", tuple(blocks))


def _baseline(data: ReportData) -> list[Any]:
    frame = data.baseline
    if frame is None or frame.empty:
        return [Prose("A baseline table is not part of these results.")]
    assert data.released_baseline is not None
    frame = frame[frame["comparison"] == (data.primary.comparison or data.study.primary_comparison)]
    released = data.released_baseline.loc[frame.index]
    lines: list[Line] = []
    for name, part in released.groupby("variable", sort=False):
        if str(name) == "white" and "ethnicity" in set(released["variable"]):
            continue  # the same fact, coarser
        if not balanced.counted(data, str(name)):
            continue
        lines += _variable(data, str(name), part, frame.loc[part.index])
    table = Table(
        "The two arms at the index date. The last column is the standardised mean difference: "
        "beyond 0.1 the arms are "
        "commonly called different at baseline.",
        (
            Column("At the index date"),
            Column("Programme", number=True),
            Column("Comparison", number=True),
            Column("Standardised difference", number=True),
        ),
        tuple(lines),
        (
            data.profile.note,
            "Means with standard deviations in brackets; numbers of people with shares.",
        ),
        id="baseline-table",
    )
    apart = appended("How far apart the arms were at baseline", balanced.blocks(data))
    return [Heading("At baseline", "baseline"), table, *_undescribed(data), *apart]


def _as_then(data: ReportData) -> list[Any]:
    """Say that people are described as in an earlier release, and why."""
    if not data.then:
        return []
    return [
        Prose(
            f"People are described (numbers, means, deviations) as in release "
            f"{joined(list(data.then))}: since then fewer than {data.profile.high + 1} people of "
            "an arm have come, gone or changed, whom both descriptions together would describe. "
            "Estimates are of the data as they are now.",
            "note",
        )
    ]


def _undescribed(data: ReportData) -> list[Any]:
    """Say which comparisons have an estimate but no description, and why."""
    return [
        Prose(
            f"{sentence(data.comparison_label(name))}: counts and means are withheld, since its "
            f"people are those of {data.comparison_label(other)} but for fewer than "
            f"{data.profile.high + 1}, whom both descriptions together would describe; its "
            "estimate is shown."
        )
        for name, other in data.undescribed.items()
    ]


def _variable(
    data: ReportData, name: str, released: pd.DataFrame, exact: pd.DataFrame
) -> list[Line]:
    """Return the lines of one characteristic: its mean, or a heading with its levels."""
    outcome = data.study.outcomes.get(name)
    title = (
        f"{sentence(data.outcome_label(name))} ({outcome.unit})"
        if outcome
        else balanced.title(data, name)
    )
    rows = list(zip(released.to_dict("records"), exact.to_dict("records"), strict=True))
    whole = [pair for pair in rows if missing(pair[0]["category"])]
    levels = [pair for pair in rows if not missing(pair[0]["category"])]
    lines = [Line((title, *_cells(data, row, true))) for row, true in whole]
    if levels and not whole:
        lines.append(Line((title,), group=True))
    for row, true in levels:
        words = level(name, str(row["category"]))
        words = f"{words}, not measured" if outcome and words == "unknown" else words
        lines.append(
            Line(
                (sentence(words.replace("unknown, not", "not")), *_cells(data, row, true)), depth=1
            )
        )
    return lines


def _cells(data: ReportData, row: dict[Any, Any], exact: dict[Any, Any]) -> tuple[Text, Text, Text]:
    statistic = str(row["statistic"])
    smd = number(row["smd"]) if not missing(row["smd"]) else ""
    if statistic == "mean_sd":
        cells = [
            f"{number(row[value], 1)} ({number(row[sd], 1)})" if not missing(row[value]) else HIDDEN
            for value, sd in (("programme", "programme_sd"), ("comparison_value", "comparison_sd"))
        ]
        return cells[0], cells[1], smd
    shown = []
    for value, of in (("programme", "programme_n"), ("comparison_value", "comparison_n")):
        if statistic == "percent":
            shown.append(_share(data, exact, value, of))
        else:
            shown.append(_count(data, exact, row, value, of))
    return shown[0], shown[1], smd


def _count(
    data: ReportData, exact: dict[Any, Any], row: dict[Any, Any], value: str, of: str
) -> Text:
    """Return a count with its share of the arm; hidden where the profile hides it."""
    from evalweave.report.blocks import text

    n, whole = exact[value], exact[of]
    if exact["variable"] == "practices":
        return data.profile.mark(n, "practices")
    if missing(row[value]) and not missing(n):
        return data.profile.mark_released(Released(HIDDEN, None, True), "patients")
    count = data.profile.mark(n, "patients")
    share = None if missing(whole) or missing(n) or whole == n else data.profile.rate(n, whole)
    return text("{} ({})", count, percent(share, 1)) if share is not None else count


def _share(data: ReportData, exact: dict[Any, Any], value: str, of: str) -> Text:
    """Return a percentage worked out again from released counts."""
    if missing(exact[value]) or missing(exact[of]):
        return "–"
    share = data.profile.rate(float(exact[value]) / 100 * float(exact[of]), exact[of])
    return HIDDEN if share is None else percent(share, 1)
