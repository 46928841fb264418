"""Costs and effects for whoever wants more: the plane, how sure, groups side by side, scenarios,
and, of simulated data, what was planted."""

from __future__ import annotations

from typing import Any

from evalweave.release.economics import CARE, COST, EFFECT, MAIN, NET_BENEFIT, Valued
from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence, interval, missing, plain, sentence
from evalweave.report import costs_in_words as words
from evalweave.report.blocks import Column, Heading, Line, Listing, Prose, Table
from evalweave.report.data import ReportData
from evalweave.report.figures import economic
from evalweave.report.terms import level, variable

CENT = 2  # decimals of small amounts


def blocks(data: ReportData) -> tuple[Any, ...]:
    """Return the parts of the supplement, each under its heading."""
    valued = data.released_economics
    assert valued is not None
    made: list[Any] = [
        Heading("How sure", "costs-sure"),
        economic.plane_figure(data, valued),
        economic.acceptability_figure(data, valued),
        _information(data, valued),
        *_levels(data, valued),
        *_scenarios(data, valued),
        *_planted(data, valued),
        Heading("What the costs rest on", "costs-assumed"),
        Listing(tuple(released_note(data.profile, said) for said in _assumed(data, valued))),
        *_prices(data, valued),
    ]
    return tuple(made)


def _cells(data: ReportData, row: dict[str, Any] | None) -> tuple[str, str]:
    """Return estimate with unit, and interval."""
    if row is None:
        return "–", "no interval"
    ends = interval(row["ci_low"], row["ci_high"], words.decimals_of(row))
    return words.amount(data, row), ends


def _information(data: ReportData, valued: Valued) -> Table:
    found = [r for r in words.rows(valued, MAIN) if r["item"] == NET_BENEFIT]
    lines = [
        Line(
            (
                words.money(data, row["threshold"]),
                words.chance(row["probability"]),
                words.money(data, row["evpi"], CENT),
            )
        )
        for row in found
    ]
    return Table(
        "How probable it is that the programme is worth its cost, and what knowing for certain "
        f"would be worth, {words.per(data)}.",
        (
            Column("One unit of effect is worth"),
            Column("Worth its cost", "probability", True),
            Column("Perfect information", "expected value", True),
        ),
        tuple(lines),
        (
            "Probabilities are from the t distribution of the net benefit over practices, as if "
            "nothing had been known before; they are not the probability that a claim is true.",
        ),
        id="costs-information",
    )


def _levels(data: ReportData, valued: Valued) -> list[Any]:
    """Return effects and costs of care by level, side by side."""
    economics = data.study.economics
    assert economics is not None
    lines: list[Line] = []
    for column in economics.by:
        found = words.rows(valued, MAIN, column)
        lines.append(Line((sentence(variable(column)),), group=True))
        for each in dict.fromkeys(str(row["subgroup_level"]) for row in found):
            mine = [row for row in found if row["subgroup_level"] == each]
            effect, cost = (words.row_of(mine, item) for item in (EFFECT, CARE))
            name = sentence(_level(column, each))
            lines.append(Line((name, *_cells(data, effect), *_cells(data, cost)), depth=1))
    if not lines:
        return []
    label = economics.effect.label or economics.effect.outcome
    ci = f"{confidence(economics.level)} CI"
    return [
        Heading("Who gains, and whose care becomes cheaper", "costs-groups"),
        Table(
            f"{label} (more is better) and cost of care (negative = cheaper) by group, side by "
            f"side: a gradient that turns round is seen here, {words.per(data)}.",
            (
                Column("Group"),
                Column(label, number=True),
                Column("Interval", ci, True),
                Column("Cost of care", number=True),
                Column("Interval", ci, True),
            ),
            tuple(lines),
            (
                "Intervals are of single groups and not adjusted for looking at several; the last "
                "line of each compares its ends. No index of inequality is computed.",
            ),
            id="costs-by-group",
            wide=True,
        ),
    ]


def _level(column: str, name: str) -> str:
    if " less " in name:
        last, first = name.split(" less ")
        return f"{level(column, last)} less {level(column, first)}"
    return level(column, name)


def _scenarios(data: ReportData, valued: Valued) -> list[Any]:
    names = list(dict.fromkeys(valued.table["scenario"].astype(str)))
    if len(names) < 2:
        return []
    lines = []
    for name in names:
        found = words.rows(valued, name)
        effect, cost = (words.row_of(found, item) for item in (EFFECT, COST))
        changes = next((r["changes"] for r in found if not missing(r["changes"])), "")
        worth = [r for r in found if r["item"] == NET_BENEFIT]
        label = "as declared" if name == MAIN else _named(plain(name), str(changes))
        lines.append(Line((sentence(label), *_cells(data, effect), *_cells(data, cost))))
        lines += [
            Line(
                (
                    f"net benefit where one unit is worth {words.money(data, row['threshold'])}",
                    "",
                    "",
                    *_cells(data, row if not missing(row["estimate"]) else None),
                ),
                depth=1,
            )
            for row in worth
        ]
    economics = data.study.economics
    assert economics is not None
    ci = f"{confidence(economics.level)} CI"
    return [
        Heading("Something else assumed", "costs-scenarios"),
        Table(
            "The evaluation as declared, and with other costs, prices, programme costs, rates or "
            "models: what would change.",
            (
                Column("Scenario"),
                Column("Effect", number=True),
                Column("Interval", ci, True),
                Column("Cost in all, or net benefit", number=True),
                Column("Interval", ci, True),
            ),
            tuple(lines),
            id="costs-by-scenario",
            wide=True,
        ),
    ]


def _named(name: str, changes: str) -> str:
    return name if name.lower() == changes.lower() else f"{name}: {changes}"


def _planted(data: ReportData, valued: Valued) -> list[Any]:
    """Return planted and estimated costs of care; nothing of real data."""
    truth = words.planted(data)
    if not truth:
        return []
    found = [("all", "att", words.row_of(words.rows(valued, MAIN), CARE))]
    economics = data.study.economics
    assert economics is not None
    for column in economics.by:
        for row in words.rows(valued, MAIN, column):
            if row["item"] == CARE and not missing(row["estimate"]):
                each = str(row["subgroup_level"])
                term = f"att[{column}={each}]"
                if " less " in each:
                    term = f"difference[{column}={each.replace(' less ', '-')}]"
                found.append((_level(column, each), term, row))
    lines = []
    for label, term, one in found:
        if one is None or term not in truth:
            continue
        inside = "yes" if one["ci_low"] <= truth[term] <= one["ci_high"] else "no"
        planted = words.money(data, truth[term], words.decimals_of(one))
        lines.append(Line((sentence(label), planted, *_cells(data, one), inside)))
    return [
        Heading("What was planted in the costs", "costs-planted"),
        Prose(
            "Admissions, attendances, prices and their changes are invented for this "
            "demonstration; of the published study (Wildman and Wildman, Social Science & Medicine "
            "2023;317:115598) only the direction of the ethnic gradient of costs is copied."
        ),
        Table(
            "Since these data are simulated, the truth is known: change of the cost of care, "
            f"{words.per(data)}.",
            (
                Column("Of"),
                Column("Planted", number=True),
                Column("Estimated", number=True),
                Column("Interval", number=True),
                Column("Inside?"),
            ),
            tuple(lines),
            (
                "The seed was fixed beforehand, not chosen for its answer; about "
                f"{confidence(1 - economics.level)} of such intervals miss what was planted, and "
                "groups that share their practices miss it together.",
            ),
            id="costs-planted-table",
        ),
    ]


def _prices(data: ReportData, valued: Valued) -> list[Any]:
    """Return the unit costs as they were declared, and in the prices of the evaluation."""
    uses, declared = data.study.resource_use, valued.facts.get("prices", ())
    if uses is None or not declared:
        return []
    lines = [
        Line(
            (
                sentence(uses.items[one["item"]].label or plain(one["item"])),
                words.price(data, float(one["unit_cost"])),
                one["price_year"],
                words.price(data, one["worth"]),
                released_note(data.profile, one["source"]),
            )
        )
        for one in declared
    ]
    return [
        Table(
            "What one of each item costs, as declared.",
            (
                Column("Item"),
                Column("Unit cost", number=True),
                Column("Prices of", number=True),
                Column(f"In prices of {uses.price_year}", number=True),
                Column("Source"),
            ),
            tuple(lines),
            id="costs-unit-costs",
        )
    ]


def _assumed(data: ReportData, valued: Valued) -> list[str]:
    economics, uses = data.study.economics, data.study.resource_use
    assert economics is not None and uses is not None
    said = [
        f"Perspective: {economics.perspective}. Prices of {uses.price_year}. "
        f"{sentence(economics.discount.words()) if economics.discount else 'Not discounted'}.",
        f"What a unit of effect may be worth: {economics.thresholds.reason}.",
    ]
    said += [
        f"{sentence(plain(place))}: {one.words()} ({one.source})."
        for place, one in economics.programmes().items()
    ]
    if economics.effect.source:
        said.append(f"Effect: {economics.effect.source}.")
    assumes = dict(valued.facts.get("assumes", {}))
    said += [f"{sentence(name)}: {assumed}" for name, assumed in assumes.items()]
    said.append(
        "Care without a record in a person-period in follow-up is zero; person-time ends with "
        "death or leaving, so that costs are those of people while alive and registered."
    )
    return [*said, *(sentence(str(note)) for note in valued.facts.get("notes", ()))]
