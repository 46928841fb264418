"""The same evaluation with something else assumed: perspective, prices, programme cost, rates,
models."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.economics.fitted import COST, EFFECT, Fitted, Source, fitted, parts, row, times
from evalweave.economics.joint import Joint, Leaving, joint
from evalweave.economics.net_benefit import net_benefit
from evalweave.study.economics import EconomicsSpec, Scenario

NET_BENEFIT = "net benefit"
MAIN = "main"


def scenarios(
    source: Source, effect: Fitted, cost: Fitted, main: dict[str, Leaving]
) -> pd.DataFrame:
    """Return effect, cost and net benefit at every threshold of the main evaluation and of each
    scenario, a row each, with their intervals."""
    rows = _rows(MAIN, "", main, effect, cost, source.spec)
    for scenario in source.spec.scenarios:
        changed, of = _changed(source, scenario, effect, cost)
        rows += _rows(scenario.name, scenario.changes(), changed, *of, source.spec)
    return pd.DataFrame(rows)


def _changed(
    source: Source, scenario: Scenario, effect: Fitted, cost: Fitted
) -> tuple[dict[str, Leaving], tuple[Fitted, Fitted]]:
    spec = source.spec
    programme = scenario.programme_cost or spec.programme_cost
    if scenario.effect_analysis is not None:
        effect = fitted(source, spec.effect, scenario.effect_analysis)
    again = scenario.cost_analysis, scenario.cost
    if any(again) or programme is not spec.programme_cost:
        cost = fitted(source, spec.cost_in(scenario), scenario.cost_analysis, programme)
    whole = parts(spec, effect, cost, programme, scenario.discount or spec.discount)
    whole[COST] = times(whole[COST], scenario.price_factor or 1.0)
    return whole, (effect, cost)


def both_of(whole: dict[str, Leaving]) -> Joint:
    """Return effect and cost in all, jointly."""
    return joint(whole[EFFECT], whole[COST])


def _rows(
    name: str,
    changes: str,
    whole: dict[str, Leaving],
    effect: Fitted,
    cost: Fitted,
    spec: EconomicsSpec,
) -> list[dict[str, Any]]:
    head = {"scenario": name, "changes": changes}
    rows = [
        {**head, **row(EFFECT, spec.effect.unit, whole[EFFECT], spec.level, effect)},
        {**head, **row(COST, spec.cost.unit, whole[COST], spec.level, cost)},
    ]
    table = net_benefit(both_of(whole), spec.thresholds.values, spec.level, spec.draws, spec.seed)
    people = {key: rows[1][key] for key in ("n_obs", "n_patients", "n_practices")}
    for line in table.to_dict("records"):
        rows.append(
            {
                **head,
                "item": NET_BENEFIT,
                "threshold": line["threshold"],
                "unit": spec.cost.unit,
                "estimate": line["net_benefit"],
                **{key: line[key] for key in ("std_error", "ci_low", "ci_high")},
                "acceptability": line["acceptability"],
                "evpi": line["evpi"],
                **people,
            }
        )
    return rows
