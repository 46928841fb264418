"""The answer: one sentence, one picture, three facts, and what it means."""

from __future__ import annotations

from typing import Any

from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence, estimate
from evalweave.report import criteria
from evalweave.report.blocks import Details, Facts, Prose, Section, Text, in_units, plain, text
from evalweave.report.data import ReportData, Row, primary_inference
from evalweave.report.estimate_table import as_ratio
from evalweave.report.figures.interval import answer_interval
from evalweave.report.planted import planted_table, truth_sentence
from evalweave.report.sentences import (
    agreement_about_zero,
    main_sentence,
    practically,
    statistically,
)
from evalweave.report.verdict import verdict
from evalweave.study.periods import period_label, period_number

HIDDEN = ": hidden, so that no small count can be worked out"


def section(data: ReportData) -> Section:
    """Return the first screen of the report."""
    return Section("answer", "The answer", tuple(_blocks(data)), short="The answer")


def _blocks(data: ReportData) -> list[Any]:
    units = data.units(data.primary.name)[:2]
    rows = [row for unit in units if (row := data.main(unit))]
    if not rows:
        why = data.diagnostic(data.primary.name, "absent") or {}
        reason = (
            next(iter(why.values()), "diagnostics.json says why")
            if isinstance(why, dict)
            else str(why)
        )
        return [
            Prose(
                text(
                    "There is no estimate for {}: {}.",
                    data.outcome_label(),
                    released_note(data.profile, str(reason).rstrip(".")),
                ),
                "lead",
            )
        ]
    other = rows[1] if len(rows) > 1 else None
    name = primary_inference(data, data.primary)
    lead = in_units(main_sentence(data, rows[0]), main_sentence(data, other) if other else None)
    means = in_units(_practical(data, rows[0]), _practical(data, other) if other else None)
    called = verdict(data)
    blocks: list[Any] = [Prose(called.before, "warning")] if called.before else []
    blocks += [Prose(lead, "lead"), Prose(f"{called.sentence} {called.objection}".rstrip())]
    picture = answer_interval(data, _caption(data))
    if picture:
        blocks.append(picture)
    blocks.append(Prose(called.meter, "meter"))
    blocks.append(_facts(data, rows[0]))
    blocks.append(Prose(statistically(rows[0], name)))
    ratio = as_ratio(data, data.primary)
    if ratio is not None:
        size = estimate(ratio.estimate, ratio.low, ratio.high, ratio.level, ratio.places)
        blocks.append(Prose(f"As a ratio to what would have been without the programme: {size}."))
    blocks.append(Prose(means))
    agree, words = agreement_about_zero(data.rows(data.primary.name, rows[0].term, rows[0].unit))
    if agree is False:
        blocks.append(Prose(words))
    if data.study.eligibility.cohort == "open":
        blocks.append(Prose(criteria.OPEN))
    planted = planted_table(data)
    if planted:
        truths = [truth_sentence(data, row) for row in rows]
        if truths[0]:
            blocks.append(Prose(in_units(truths[0], truths[1] if len(truths) > 1 else None)))
        blocks.append(Details("What was planted, and what was estimated", (planted,)))
    return blocks


def _practical(data: ReportData, row: Row) -> str:
    return practically(row, data.margin(row.unit), data.study.report.margin_reason)


def _caption(data: ReportData) -> Text:
    caption = (
        f"The dot is the estimate, the line its {confidence(data.primary.level)} confidence "
        "interval (CI)."
    )
    if data.study.report.margin:
        caption += " The shaded stretch holds differences too small to matter."
    quantity = data.quantity(data.primary.outcome)
    if quantity.meaning:
        caption += f" {quantity.label} is {quantity.meaning}."
    return caption


def _facts(data: ReportData, row: Row) -> Facts:
    window = data.study.window
    first, last = (
        period_label(period_number(day, window.cut), window.cut)
        for day in (window.first, window.last)
    )
    if " to " in first:  # periods that are named by their months
        first, last = (day.strftime("%Y-%m") for day in (window.first, window.last))
    treated = row.n_practices_treated
    practices: Text = data.profile.mark(row.n_practices, "practices")
    if treated is not None and str(treated) != "<NA>":
        without = int(row.n_practices) - int(treated)
        kinds = text(
            "practices: {} with the programme, {} without",
            data.profile.mark(treated, "practices"),
            data.profile.mark(without, "practices"),
        )
    else:
        kinds = text("practices")
    people = data.profile.about(row.n_patients, "patients")
    hidden = not any(sign.isdigit() for sign in plain(people))
    return Facts(
        (
            (people, f"people{HIDDEN if hidden else ''}"),
            (practices, kinds),
            (f"{first} to {last}", window.period.replace("_", " ") + "s studied"),
        )
    )
