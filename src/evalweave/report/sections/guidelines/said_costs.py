"""Sentences about costs that answer items: each from what was declared or computed, else None."""

from __future__ import annotations

from evalweave.release.economics import MAIN, Valued
from evalweave.release.notes import released_note
from evalweave.release.numbers import confidence, joined, plain, sentence
from evalweave.report import costs_in_words as words
from evalweave.report.blocks import Text
from evalweave.report.data import ReportData
from evalweave.report.sections import methods
from evalweave.report.terms import variable
from evalweave.study.economics import Economics


def studied(data: ReportData) -> bool:
    """Say whether the study asked for costs."""
    return data.study.economics is not None


def _declared(data: ReportData) -> Economics:
    assert data.study.economics is not None  # the list applies to no other study
    return data.study.economics


def _valued(data: ReportData) -> Valued | None:
    found = data.released_economics
    return None if found is None or found.absent else found


def _note(data: ReportData, said: str) -> Text | None:
    return released_note(data.profile, said) if said.strip() else None


def comparators(data: ReportData) -> Text | None:
    label = data.comparison_label(_declared(data).comparison)
    return _note(data, f"Practices with {data.study.study.programme} are compared with {label}.")


def perspective(data: ReportData) -> Text | None:
    return _note(data, f"Costs are those of {_declared(data).perspective}.")


def discounting(data: ReportData) -> Text | None:
    discount = _declared(data).discount
    others = [(plain(s.name), s.discount) for s in _declared(data).scenarios if s.discount]
    said = [f"Costs and effects are {discount.words() if discount else 'not discounted'}."]
    said += [f"In the scenario {name} they are {one.words()}." for name, one in others]
    return " ".join(said)


def outcomes(data: ReportData) -> Text | None:
    effect = _declared(data).effect
    label = effect.label or data.outcome_label(effect.outcome)
    return _note(data, f"{label} in {effect.unit}; {effect.better} is better.")


def measured(data: ReportData) -> Text | None:
    of = _declared(data).effect.outcome
    known = [of] if of in data.study.outcomes else []  # else it is an item of care
    return _note(data, " ".join(methods.outcomes_in_words(data, known)))


def valuation(data: ReportData) -> Text | None:
    """Return where the values of utilities are from; of a natural unit that it is not valued."""
    effect = _declared(data).effect
    if effect.source:
        return _note(data, f"{effect.source.rstrip('.')}.")
    return f"The effect is counted in its natural unit, {effect.unit}; no preferences are used."


def resources(data: ReportData) -> Text | None:
    uses = data.study.resource_use
    if uses is None:
        return None
    items = joined([item.label or plain(name) for name, item in uses.items.items()])
    priced = " Each is multiplied by its declared unit cost." if uses.unit_costs else ""
    own = [f"{one.words()} ({one.source})" for one in _declared(data).programmes().values()]
    more = f" Of the programme itself: {'; '.join(own)}." if own else ""
    said = f"Counted from coded records, zero where there is none: {items}.{priced}{more}"
    return _note(data, said)


def currency(data: ReportData) -> Text | None:
    uses = data.study.resource_use
    if uses is None or uses.price_year is None:
        return None
    index = " by the declared price index" if uses.price_index else ""
    return f"{_declared(data).cost.unit}, in prices of {uses.price_year}{index}."


def no_model(data: ReportData) -> Text | None:
    return (
        "Nothing is extrapolated: costs and effects are those of people in follow-up within the "
        "window, without a decision model."
    )


def analysis(data: ReportData) -> Text | None:
    found = _valued(data)
    if found is None:
        return None
    economics = _declared(data)
    said = [
        f"The effect is estimated by {economics.effect.analysis['estimator']}, the cost by "
        f"{economics.cost.analysis['estimator']}."
    ]
    said += [f"{sentence(k)}: {v}" for k, v in dict(found.facts.get("assumes", {})).items()]
    return _note(data, " ".join(said))


def heterogeneity(data: ReportData) -> Text | None:
    by = _declared(data).by
    if not by:
        return None
    names = joined([variable(name) for name in by])
    return f"Effect and cost are estimated by the levels of {names}, each level on its own."


def distribution(data: ReportData) -> Text | None:
    found = _valued(data)
    said = words.gradients(data, found) if found is not None else []
    return _note(data, " ".join(said))


def uncertainty(data: ReportData) -> Text | None:
    if _valued(data) is None:
        return None
    economics = _declared(data)
    more = len(economics.scenarios)
    others = f" Scenarios with something else assumed: {more}." if more else ""
    return (
        f"{confidence(economics.level)} intervals by leaving out each practice in turn, effect and "
        "cost together; Fieller's set for the ratio; acceptability by t and by a bootstrap over "
        f"practices.{others}"
    )


def parameters(data: ReportData) -> Text | None:
    economics = _declared(data)
    values = joined([words.money(data, value) for value in economics.thresholds.values])
    reason = economics.thresholds.reason.rstrip(".")
    found, uses = _valued(data), data.study.resource_use
    units = ""
    if found is not None and uses is not None and (priced := found.facts.get("prices")):
        each = [
            f"{uses.items[one['item']].label or plain(one['item'])} "
            f"{words.price(data, one['worth'])} ({one['source'].rstrip('.')})"
            for one in priced
        ]
        units = f" Unit costs: {'; '.join(each)}."
    return _note(data, f"A unit of effect is valued at {values} ({reason}).{units}")


def results(data: ReportData) -> Text | None:
    found = _valued(data)
    if found is None:
        return None
    main = words.rows(found, MAIN)
    said = (words.effect, words.care, words.programme, words.in_all)
    parts = [*(say(data, main) for say in said), words.ratio(data, found)]
    return _note(data, " ".join(filter(None, parts)))


def sensitivity(data: ReportData) -> Text | None:
    found = _valued(data)
    return None if found is None else _note(data, words.worth(data, found))
