"""What it costs and what it saves: for whoever has to decide whether to pay for it."""

from __future__ import annotations

from typing import Any

from evalweave.release.economics import (
    COST,
    EFFECT,
    MAIN,
    NET_BENEFIT,
    PROGRAMME,
    RATIO,
    Valued,
)
from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence, interval, sentence
from evalweave.report import costs_in_words as words
from evalweave.report.blocks import Appendix, Column, Line, Prose, Section, Table, text
from evalweave.report.data import ReportData
from evalweave.report.figures import economic
from evalweave.report.sections import costs_more

TITLE = "What it costs and what it saves"


def section(data: ReportData) -> Section | None:
    """Return costs beside effects; None where the study asked for none."""
    valued = data.released_economics
    if valued is None or data.study.economics is None:
        return None
    if valued.absent:
        why = released_note(data.profile, valued.absent)
        return Section("costs", TITLE, (Prose(text("There is no economic evaluation: {}", why)),))
    return Section("costs", TITLE, tuple(_blocks(data, valued)), short="Costs")


def _blocks(data: ReportData, valued: Valued) -> list[Any]:
    main = words.rows(valued, MAIN)
    if words.estimate_of(main, EFFECT) is None or words.estimate_of(main, COST) is None:
        return [Prose("Costs and effects rest on too few people to be shown.")]
    lead = [words.care(data, main), words.programme(data, main), words.in_all(data, main)]
    return [
        Prose(" ".join(filter(None, lead)), "lead"),
        Prose(" ".join([words.worth(data, valued), words.ratio(data, valued)])),
        *filter(None, [Prose(said) if (said := words.truth(data, main)) else None]),
        *(Prose(said) for said in words.gradients(data, valued)),
        economic.net_benefit_figure(data, valued),
        _table(data, valued),
        Prose(words.standing(data)),
        *(Prose(released_note(data.profile, said)) for said in valued.facts.get("few", ())),
        Appendix("Costs and effects: scenarios, groups, and how sure", costs_more.blocks(data)),
    ]


def _table(data: ReportData, valued: Valued) -> Table:
    main = words.rows(valued, MAIN)
    lines = [
        _line(data, words.item(data, row), row) for row in main if row["item"] not in _NOT_LISTED
    ]
    worth = [row for row in main if row["item"] == NET_BENEFIT]
    unit = words.unit_of_worth(data)
    lines.append(Line((f"Net benefit, {unit} being worth",), group=True))
    lines += [
        _line(data, words.money(data, row["threshold"]), row, words.chance(row["probability"]))
        for row in worth
    ]
    economics = data.study.economics
    assert economics is not None
    return Table(
        f"Costs and effects of the programme, {words.per(data)}; negative costs are savings.",
        (
            Column("What"),
            Column("Estimate", number=True),
            Column("Interval", f"{confidence(economics.level)} CI", True),
            Column("Worth its cost", "probability", True),
        ),
        tuple(lines),
        (_declared(data),),
        id="costs-table",
    )


_NOT_LISTED = (NET_BENEFIT, RATIO)


def _line(data: ReportData, label: str, row: dict[str, Any], probability: str = "") -> Line:
    ends = interval(row["ci_low"], row["ci_high"], words.decimals_of(row))
    if row["item"] == PROGRAMME and not row["std_error"]:
        ends = "as declared"
    return Line((sentence(label), words.amount(data, row), ends, probability or "–"))


def _declared(data: ReportData) -> str:
    economics, uses = data.study.economics, data.study.resource_use
    assert economics is not None and uses is not None
    said = [f"Costs of {economics.perspective}, in prices of {uses.price_year}"]
    discount = economics.discount
    said.append(discount.words() if discount else "not discounted")
    said.append(f"what a unit may be worth: {economics.thresholds.reason.rstrip('.')}")
    if economics.programme_cost is not None:
        own = economics.programme_cost
        said.append(f"{own.words()}: {own.source.rstrip('.')}")
    return released_note(data.profile, "; ".join(said) + ".")
