"""Costs and effects in sentences, for any sign and any width; "cannot tell" where it is so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.release import numbers
from evalweave.release.economics import (
    CARE,
    COST,
    EFFECT,
    MAIN,
    NET_BENEFIT,
    PROGRAMME,
    RATIO,
    Valued,
)
from evalweave.release.numbers import (
    CURRENCIES,
    confidence,
    decimals,
    excludes_zero,
    interval,
    missing,
    number,
    percent,
    plain,
    sentence,
)
from evalweave.report.data import ReportData
from evalweave.report.terms import level, variable
from evalweave.study.economics import is_qaly

YEARS = ("year", "financial_year", "calendar_year")
LESS, MORE = "less", "more"
CERTAIN = 0.99


def rows(valued: Valued, scenario: str, subgroup: str = "") -> list[dict[str, Any]]:
    """Return the rows of a scenario: of all people, or by the levels of a column."""
    table = valued.table
    mine = table["scenario"] == scenario
    of = table["subgroup"].isna() if not subgroup else table["subgroup"] == subgroup
    return [{str(k): v for k, v in row.items()} for row in table[mine & of].to_dict("records")]


def row_of(found: list[dict[str, Any]], item: str) -> dict[str, Any] | None:
    """Return the row of an item that has an estimate."""
    return next((r for r in found if r["item"] == item and not missing(r["estimate"])), None)


def estimate_of(found: list[dict[str, Any]], item: str) -> float | None:
    """Return an item's estimate; None where it has none."""
    row = row_of(found, item)
    return None if row is None else float(row["estimate"])


def per(data: ReportData) -> str:
    """Return what everything is counted a unit of."""
    return f"{per_short(data)} with the programme"


def per_short(data: ReportData) -> str:
    time = _time(data)
    return f"a person-{time}" if time == "year" else f"a person and {time}"


def money(data: ReportData, value: Any, places: int = 0) -> str:
    """Return an amount of money with its sign or unit."""
    unit = data.study.economics.cost.unit if data.study.economics else ""
    sign = CURRENCIES.get(unit)
    if sign is None:
        return f"{number(value, places)} {unit}"
    return numbers.money(value, places, sign)


def price(data: ReportData, value: float) -> str:
    """Return a declared amount, with pence where it has any."""
    return money(data, value, 0 if float(value).is_integer() else 2)


def amount(data: ReportData, row: dict[str, Any]) -> str:
    """Return the estimate of a row with its unit."""
    places = decimals_of(row)
    if data.study.economics is not None and row["unit"] == data.study.economics.cost.unit:
        return money(data, row["estimate"], places)
    return f"{number(row['estimate'], places)} {row['unit']}"


def decimals_of(row: dict[str, Any]) -> int:
    """Return the decimals that a row deserves; none of a whole number that is known."""
    error = row["std_error"]
    if error == 0 and float(row["estimate"]).is_integer():
        return 0
    return decimals(error)


def chance(probability: Any) -> str:
    """Return a probability; never certain where it is not."""
    if missing(probability):
        return "–"
    if probability > CERTAIN:
        return f"over {percent(CERTAIN)}"
    return f"under {percent(1 - CERTAIN)}" if probability < 1 - CERTAIN else percent(probability)


def unit_of_worth(data: ReportData) -> str:
    """Return one unit of the effect in words."""
    economics = data.study.economics
    assert economics is not None
    if is_qaly(economics.effect.unit):  # a year is in it already
        return f"one {economics.effect.unit}"
    label = economics.effect.label or data.outcome_label(economics.effect.outcome)
    return f"one {economics.effect.unit} of {label} for a {_time(data)}"


def _time(data: ReportData) -> str:
    return "year" if data.study.window.period in YEARS else plain(data.study.window.period)


def item(data: ReportData, row: dict[str, Any]) -> str:
    """Return an item of the table in words."""
    economics = data.study.economics
    assert economics is not None
    named = {
        EFFECT: f"{economics.effect.label or economics.effect.outcome}, improvement",
        CARE: "cost of care",
        PROGRAMME: "cost of the programme itself",
        COST: "cost in all",
    }
    return named.get(str(row["item"]), str(row["item"]))


def care(data: ReportData, main: list[dict[str, Any]]) -> str:
    """Return what happened to the costs of care."""
    row = row_of(main, CARE)
    if row is None:
        return ""
    size, ends = _size(data, row), _ends(data, row)
    if excludes_zero(row["ci_low"], row["ci_high"]):
        way = LESS if row["estimate"] < 0 else MORE
        return (
            f"With {data.study.study.programme} available, care cost {size} {way} "
            f"{per_short(data)} than in comparison practices, given where both began ({ends})."
        )
    return (
        f"We cannot tell whether care cost more or less with {data.study.study.programme} "
        f"available: the estimate is {size} {_way(row)} {per_short(data)} ({ends})."
    )


def programme(data: ReportData, main: list[dict[str, Any]]) -> str:
    """Return what the programme itself costs."""
    row = row_of(main, PROGRAMME)
    if row is None:
        return "No cost of the programme itself was declared, so savings are of care alone."
    known = "as declared" if not row["std_error"] else "from the declared amount"
    return f"The programme itself costs {_size(data, row)} {per_short(data)}, {known}."


def in_all(data: ReportData, main: list[dict[str, Any]]) -> str:
    """Return the cost in all; blank without a programme cost, where it is that of care."""
    row = row_of(main, COST)
    if row is None or row_of(main, PROGRAMME) is None:
        return ""
    size, ends = _size(data, row), _ends(data, row)
    if excludes_zero(row["ci_low"], row["ci_high"]):
        verb = "saves" if row["estimate"] < 0 else "costs"
        return f"Together it {verb} {size} ({ends})."
    return (
        f"Together, we cannot tell whether it costs or saves: the estimate is {size} {_way(row)} "
        f"({ends})."
    )


def effect(data: ReportData, main: list[dict[str, Any]]) -> str:
    """Return the effect with its interval; more is better."""
    row = row_of(main, EFFECT)
    if row is None:
        return ""
    economics = data.study.economics
    assert economics is not None
    ends = interval(row["ci_low"], row["ci_high"], decimals_of(row))
    return (
        f"{sentence(item(data, row))}: {amount(data, row)} (more is better; "
        f"{percent(economics.level)} CI {ends})."
    )


def planted(data: ReportData) -> Mapping[str, float]:
    """Return the planted changes of the cost of care by term; empty for real data."""
    if not data.study.study.synthetic:
        return {}
    return (data.truth or {}).get("care", {}).get("cost") or {}


def truth(data: ReportData, main: list[dict[str, Any]]) -> str:
    """Return planted and estimated costs of care in a sentence; blank for real data."""
    known, row = planted(data).get("att"), row_of(main, CARE)
    if known is None or row is None:
        return ""
    places, own = decimals_of(row), row_of(main, PROGRAMME)
    in_all_ = f" ({money(data, known + own['estimate'], places)} in all)" if own else ""
    inside = "holds" if row["ci_low"] <= known <= row["ci_high"] else "does not hold"
    return (
        "In these simulated data the truth is known: of the cost of care "
        f"{money(data, known, places)} was planted{in_all_} and {amount(data, row)} estimated; its "
        f"interval {inside} what was planted."
    )


def worth(data: ReportData, valued: Valued) -> str:
    """Return at which of the declared thresholds the programme is worth its cost."""
    found = [r for r in rows(valued, MAIN) if r["item"] == NET_BENEFIT]
    above = [r for r in found if r["ci_low"] > 0]
    below = [r for r in found if r["ci_high"] < 0]
    unit, n = unit_of_worth(data), len(found)

    def at(some: list[dict[str, Any]]) -> str:
        return _listed([money(data, r["threshold"]) for r in some])

    if len(above) == n:
        return (
            f"At every declared worth of {unit} ({at(found)}) the interval of the net benefit lies "
            "above zero: worth its cost, by these data and as far as the difference is the "
            "programme’s doing."
        )
    if len(below) == n:
        return (
            f"At no declared worth of {unit} ({at(found)}) is it worth its cost: the interval of "
            "the net benefit lies below zero at each."
        )
    if not above and not below:
        return (
            f"We cannot tell whether it is worth its cost: at every declared worth of {unit} "
            f"({at(found)}) the interval of the net benefit holds zero."
        )
    said = [f"worth its cost where {unit} is worth {at(above)}"] if above else []
    said += [f"not worth it at {at(below)}"] if below else []
    unsure = [r for r in found if r not in above and r not in below]
    said += [f"at {at(unsure)} we cannot tell"] if unsure else []
    return f"By the interval of the net benefit it is {'; '.join(said)}."


def ratio(data: ReportData, valued: Valued) -> str:
    """Return the ratio of cost to effect with its Fieller interval, or that it has none."""
    main = rows(valued, MAIN)
    row, effect, cost = row_of(main, RATIO), estimate_of(main, EFFECT), estimate_of(main, COST)
    if row is None or effect is None or cost is None:
        return ""
    economics = data.study.economics
    assert economics is not None
    unit = economics.effect.unit
    if effect > 0 >= cost:
        point = "More effect at no more cost: it dominates at the estimate, and no ratio is needed."
    elif effect <= 0 <= cost:
        point = "No more effect at no less cost: it is dominated at the estimate."
    else:
        verb = "gained" if effect > 0 else "lost (here a saving)"
        point = f"The ratio is {money(data, row['estimate'])} a {unit} {verb}."
    ends = f"{money(data, row['ci_low'])} to {money(data, row['ci_high'])}"
    if row["form"] == "interval":
        low = "; below zero, that much is saved for each unit gained"
        saved = low if effect > 0 > row["ci_low"] else ""
        return (
            f"{point} The ratio of cost to effect has the Fieller interval {ends} a {unit}{saved}."
        )
    if row["form"] == "outside":
        return (
            f"{point} The ratio has no interval, as the effect may be zero: the data allow all but "
            f"{ends}. Read the net benefit."
        )
    return (
        f"{point} The ratio has no interval, as neither effect nor cost differs from zero beyond "
        "doubt. Read the net benefit."
    )


def gradients(data: ReportData, valued: Valued) -> list[str]:
    """Return for each column whether those who gain more in effect are those whose care is
    cheaper, or whether the gradient is reversed."""
    economics = data.study.economics
    assert economics is not None
    said = []
    for column in economics.by:
        found = [r for r in rows(valued, MAIN, column) if " less " in str(r["subgroup_level"])]
        effect, cost = row_of(found, EFFECT), row_of(found, CARE)
        if effect is not None and cost is not None:
            said.append(_gradient(data, column, effect, cost))
    return said


def _gradient(data: ReportData, column: str, effect: dict[str, Any], cost: dict[str, Any]) -> str:
    """`effect` and `cost` are differences of the last level from the first."""
    last, first = str(effect["subgroup_level"]).split(" less ")
    economics = data.study.economics
    assert economics is not None
    label = economics.effect.label or economics.effect.outcome
    gains = _favours(effect["estimate"] > 0, column, first, last)
    saves = _favours(cost["estimate"] < 0, column, first, last)
    sure = [bool(excludes_zero(r["ci_low"], r["ci_high"])) for r in (effect, cost)]
    between = (
        f"{level(column, last)} less {level(column, first)}: {label} "
        f"{_difference(data, effect)}; care {_difference(data, cost)}"
    )
    where = "the same one" if gains == saves else f"another ({saves}): the gradient reverses"
    lead = (
        f"By {variable(column)}, the difference in {label} is better in one group ({gains}), and "
        f"that in the cost of care in {where}"
    )
    if all(sure):
        return f"{lead} ({between})."
    unsure = [name for name, told in ((label, sure[0]), ("costs", sure[1])) if not told]
    return (
        f"{lead}. These are the estimates; of {' and of '.join(unsure)} the interval of the "
        f"difference holds zero, so that we cannot tell ({between})."
    )


def _favours(last_gains: bool, column: str, first: str, last: str) -> str:
    return level(column, last if last_gains else first)


def _difference(data: ReportData, row: dict[str, Any]) -> str:
    ends = interval(row["ci_low"], row["ci_high"], decimals_of(row))
    return f"{amount(data, row)}, {ends}"


def standing(data: ReportData) -> str:
    """Return what these numbers rest on."""
    alone = data.diagnostic(data.primary.name, "allocation_alone")
    more = (
        " As for the main result, no interval covers what else befell the one place that had the "
        "programme."
        if alone
        else ""
    )
    return (
        "All intervals are from estimating effect and cost again without each practice in turn, "
        "so that they know how the two go together. The checks of this report are of the main "
        f"outcome; none of them is of costs.{more}"
    )


def _size(data: ReportData, row: dict[str, Any]) -> str:
    return money(data, abs(row["estimate"]), decimals_of(row))


def _way(row: dict[str, Any]) -> str:
    return LESS if row["estimate"] < 0 else MORE


def _ends(data: ReportData, row: dict[str, Any]) -> str:
    """Return the interval in the direction of the sentence; in both where zero is inside."""
    economics = data.study.economics
    assert economics is not None
    level_ = confidence(economics.level)
    places = decimals_of(row)
    low, high = float(row["ci_low"]), float(row["ci_high"])
    near, far = (money(data, abs(end), places) for end in sorted((low, high), key=abs))
    if excludes_zero(low, high):
        return f"{level_} CI {near} to {far}"
    ends = [f"{money(data, abs(low), places)} less", f"{money(data, abs(high), places)} more"]
    return f"{level_} CI from {ends[0]} to {ends[1]}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
