"""What happened: raw means first, then the event study, every inference method, comparison groups,
subgroups."""

from __future__ import annotations

import re
from typing import Any

from evalweave.release.notes import released_note
from evalweave.release.numbers import missing, p_value, sentence
from evalweave.report import regression
from evalweave.report.blocks import (
    Column,
    Details,
    Figure,
    Heading,
    Line,
    Prose,
    Section,
    Table,
    appended,
    in_units,
    text,
)
from evalweave.report.data import ReportData, primary_inference
from evalweave.report.estimate_table import estimates_table, full, line, unit_pair
from evalweave.report.figures.event import event_study
from evalweave.report.figures.forest import Forest, Item, forest
from evalweave.report.figures.trends import raw_means
from evalweave.report.figures.weights import synthetic_weights
from evalweave.report.sentences import agreement_about_zero, method
from evalweave.report.terms import contrast, in_words, level, variable
from evalweave.study.analyses import Analysis

METHODS = "The main estimate under every inference method"


def section(data: ReportData) -> Section:
    """Return figures and tables of the quantitative strand."""
    means = raw_means(
        data,
        "Raw means, before any model. Follow the distance between the two lines from left to "
        "right.",
    )
    own = [data.primary] if _has_events(data, data.primary) else []
    timed = [_event(data, analysis) for analysis in (*own, *data.analyses("event_study"))]
    drawn = [part for part in timed if any(isinstance(block, Figure) for block in part)]
    raw: list[Any] = [Heading("Raw means", "raw-means"), means] if means else []
    first = drawn[0] if drawn else raw  # the one figure of the main report
    blocks: list[Any] = [*first]
    table = regression.table(data)
    blocks += [Heading("The estimates", "estimates"), table] if table else []
    if raw and raw is not first:
        blocks += appended("Raw means", raw[1:], "raw-means")
    others = [block for part in timed if part is not first for block in part]
    blocks += appended("By time since the start, estimated otherwise", others)
    blocks += appended(METHODS, _methods(data), "inference")
    blocks += appended("Other comparisons, and outcomes that should not change", _sensitivity(data))
    weights = [f for a in data.study.analyses for f in synthetic_weights(data, a)]
    blocks += appended("What the synthetic comparison is made of", weights)
    blocks += appended("Differences between groups of people", _subgroups(data), "subgroups")
    if not blocks:
        blocks = [Prose("No result of the quantitative strand is part of this study.")]
    return Section("happened", "What happened", tuple(blocks))


def _has_events(data: ReportData, analysis: Analysis) -> bool:
    return any(re.fullmatch(r"event\[-?\d+\]", row.term) for row in data.rows(analysis.name))


def _synthetic(data: ReportData) -> bool:
    return data.study.study.synthetic


def _event(data: ReportData, analysis: Analysis) -> list[Any]:
    how = method(primary_inference(data, analysis))
    figure = event_study(
        data,
        analysis,
        f"{analysis.label or 'Estimates by time since the start'}. Points left of the dashed line "
        "should lie around zero "
        f"if the arms moved alike before; lines are pointwise intervals ({how}).",
    )
    if not figure:
        return [Heading(analysis.label or "By time since the start"), *_absent(data, analysis)]
    blocks: list[Any] = [
        Heading(analysis.label or "By time since the start", analysis.name),
        figure,
    ]
    trend = [data.row(analysis, "trend", unit) for unit in unit_pair(data, analysis)]
    if trend and trend[0]:
        sentences = [
            f"Per period since the start the difference changed by {full(row)}." if row else ""
            for row in trend
        ]
        blocks.append(Prose(in_units(sentences[0], sentences[1] if len(sentences) > 1 else None)))
    return [*blocks, Details("The numbers of this figure", (_event_table(data, analysis),))]


def _event_table(data: ReportData, analysis: Analysis) -> Table:
    terms = dict.fromkeys(row.term for row in data.rows(analysis.name))
    lines = [
        line(data, analysis, term, in_words(data, analysis, term))
        for term in terms
        if data.row(analysis, term) is not None
    ]
    return estimates_table(
        "Every estimate of this analysis, with its interval.", data, analysis, lines
    )


def _methods(data: ReportData) -> list[Any]:
    """Return the main estimate under every inference method: figure, table and whether they agree
    about zero."""
    main, term = data.primary, data.main_term(data.primary)
    first = primary_inference(data, main)
    names = list(dict.fromkeys(row.inference for row in data.rows(main.name, term)))
    if not names:
        return _absent(data, main)
    names.sort(key=lambda name: name != first)
    forests = [
        Forest(
            unit,
            tuple(
                Item(regression.short(row.inference), row, strong=row.inference == first)
                for name in names
                for row in data.rows(main.name, term, unit, name)
            ),
            data.margin(unit),
        )
        for unit in unit_pair(data, main)
    ]
    _, words = agreement_about_zero(data.rows(main.name, term, unit_pair(data, main)[0]))
    figure = forest(
        "inference-methods",
        METHODS,
        "Difference",
        forests,
        f"The same estimate, {len(names)} ways of asking how sure it is; the declared primary "
        "method stands first (dot).",
        _synthetic(data),
        data.outcome.better,
    )
    table = estimates_table(
        "Main estimate under each inference method. The estimate is the same, only the uncertainty "
        "differs.",
        data,
        main,
        [line(data, main, term, sentence(method(name)), name) for name in names],
    )
    conventions = tuple(
        dict.fromkeys(
            f"{sentence(method(r.inference))}: {r.convention}."
            for r in data.rows(main.name, term, unit_pair(data, main)[0])
            if r.convention
        )
    )
    blocks: list[Any] = [
        Prose(words),
    ]
    if figure:
        blocks.append(figure)
    inside: tuple[Any, ...] = (
        table,
        *(Prose(text("{}", convention.replace("..", ".")), "note") for convention in conventions),
    )
    return [
        *blocks,
        Details("The numbers of this figure, and how each method was computed", inside),
    ]


def _sensitivity(data: ReportData) -> list[Any]:
    """Return other comparison groups, other estimators and placebo outcomes beside the main
    estimate."""
    main = data.primary
    others = data.analyses("sensitivity")
    blocks: list[Any] = []
    if others:
        forests = []
        for unit in unit_pair(data, main):
            items = [
                Item(_label(data, a), data.row(a, data.main_term(a), unit), strong=a is main)
                for a in (main, *others)
            ]
            forests.append(
                Forest(unit, tuple(item for item in items if item.row), data.margin(unit))
            )
        figure = forest(
            "comparisons",
            "Other comparison groups and other ways of estimating",
            "Difference",
            forests,
            "The main estimate first, then the same question with other comparison groups or "
            "estimators.",
            _synthetic(data),
            data.outcome.better,
        )
        if figure:
            blocks += [Heading("Other comparison groups and estimators", "comparisons"), figure]
    placebos = [
        (a, row) for a in data.analyses("placebo") if (row := data.row(a, data.main_term(a)))
    ]
    if placebos:
        blocks.append(Heading("Outcomes that should not change", "placebo"))
        for analysis, row in placebos:
            blocks.append(
                Prose(
                    f"{sentence(data.outcome_label(analysis.outcome))}, on which no "
                    f"{data.study.study.wording} was expected: "
                    f"{full(row)}, {method(row.inference)}."
                )
            )
    return blocks


def _label(data: ReportData, analysis: Analysis) -> str:
    if analysis is data.primary:
        return f"Main: {data.comparison_label(analysis.comparison)}"
    return analysis.label or sentence(analysis.name.replace("_", " "))


def _subgroups(data: ReportData) -> list[Any]:
    every = data.analyses("subgroup")
    blocks: list[Any] = []
    for outcome in dict.fromkeys(analysis.outcome for analysis in every):
        if outcome != data.primary.outcome:
            label = data.outcome_label(outcome)
            blocks.append(Heading(f"The same of {label}", f"subgroups-{outcome}"))
        blocks += _of_outcome(data, [a for a in every if a.outcome == outcome])
    return blocks


def _of_outcome(data: ReportData, by_subgroup: list[Analysis]) -> list[Any]:
    """Return figure and table of the subgroups in one outcome."""
    blocks: list[Any] = []
    outcome = by_subgroup[0].outcome
    own = outcome == data.primary.outcome
    forests = []
    for unit in unit_pair(data, by_subgroup[0]):
        items = [item for analysis in by_subgroup for item in _subgroup_items(data, analysis, unit)]
        forests.append(Forest(unit, tuple(items)))
    figure = forest(
        "subgroups" if own else f"subgroups-{outcome}",
        "Estimates by subgroup, and the differences between subgroups",
        "Difference",
        forests,
        "Within each group (diamonds) and, what counts, the difference between groups from one "
        "joint model (dots). A "
        "group whose interval excludes zero beside one that does not is no sign of a difference.",
        _synthetic(data),
        data.study.outcomes[outcome].better,
    )
    if figure:
        blocks.append(figure)
    table = _differences(data, by_subgroup)
    if table:
        blocks.append(table)
    for analysis in by_subgroup:
        if not any(row.term.startswith("difference[") for row in data.rows(analysis.name)):
            blocks += _absent(data, analysis)
    return blocks


def _subgroup_items(data: ReportData, analysis: Analysis, unit: str) -> list[Item]:
    rows = [
        row
        for row in data.rows(analysis.name, unit=unit, inference=primary_inference(data, analysis))
        if not missing(row.estimate)
    ]
    within = [row for row in rows if row.term.startswith("att[")]
    between = [row for row in rows if row.term.startswith(f"difference[{analysis.subgroup}=")]
    if not rows:
        return []
    items = [Item(analysis.label or sentence(variable(analysis.subgroup or "")), heading=True)]
    for row in within:
        m = re.fullmatch(r"att\[(\w+)=(.+)\]", row.term)
        items.append(Item(sentence(level(m[1], m[2])) if m else row.term, row, strong=False))
    for row in between:
        words = row.term
        if pair := contrast(data, analysis, row.term):
            column, one, other = pair
            words = sentence(f"{level(column, one)} minus {level(column, other)}")
        items.append(Item(words, row))
    return items


def _differences(data: ReportData, by_subgroup: list[Analysis]) -> Table | None:
    """Return the differences with p-values adjusted by Holm over the declared family."""
    lines = []
    adjusted = {}
    if data.holm is not None and len(data.holm):
        adjusted = {(r["analysis"], r["term"]): r["p_holm"] for r in data.holm.to_dict("records")}
    for analysis in by_subgroup:
        for term in dict.fromkeys(
            r.term
            for r in data.rows(analysis.name)
            if r.term.startswith(f"difference[{analysis.subgroup}=")
        ):
            if data.row(analysis, term) is None:
                continue
            cells = line(data, analysis, term, in_words(data, analysis, term)).cells
            holm = adjusted.get((analysis.name, term))
            lines.append(Line((*cells, p_value(holm) or "–")))
    if not lines:
        return None
    base = estimates_table(
        "Differences between groups. Each is one minus the other, from one model.",
        data,
        by_subgroup[0],
        [],
    )
    adjusted_header = Column("Adjusted", "Holm, whole family", True)
    return Table(
        base.caption,
        (*base.columns, adjusted_header),
        tuple(lines),
        ("Holm's adjustment keeps the chance of any false alarm in the declared family below 5 %.",)
        if adjusted
        else (),
        id="differences" if by_subgroup[0].outcome == data.primary.outcome else "",
        wide=True,
    )


def _absent(data: ReportData, analysis: Analysis) -> list[Any]:
    """Say why an analysis has no estimate."""
    why = data.diagnostic(analysis.name, "absent")
    label = analysis.label or sentence(analysis.name.replace("_", " "))
    if isinstance(why, dict) and why:
        reasons = "; ".join(dict.fromkeys(str(reason).rstrip(".") for reason in why.values()))
        return [
            Prose(
                text("{}: no estimate. {}.", label, released_note(data.profile, sentence(reasons)))
            )
        ]
    return [Prose(text("{}: no estimate is part of this study.", label))]
