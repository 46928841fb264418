"""An economic evaluation of a panel, as its SPEC declares it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue import calls
from evalweave.economics.fitted import (
    CARE,
    COST,
    EFFECT,
    PROGRAMME,
    Fitted,
    Source,
    asked,
    fitted,
    parts,
    row,
    weights,
)
from evalweave.economics.joint import Joint, Leaving, contrast
from evalweave.economics.levels import levels
from evalweave.economics.net_benefit import (
    LEVELS,
    ellipse,
    fieller,
    net_benefit,
    verdict_on_ratio,
)
from evalweave.economics.scenarios import both_of, scenarios
from evalweave.errors import StudyError
from evalweave.study.economics import EconomicsSpec

UNMEASURED = (
    "Some rows have no {column}: the programme's cost counts, and is spread over, the treated "
    "persons and periods of rows with one only."
)
FEW = 4  # practices of an arm: the fewest of which one holds less than a third
ALONE = (
    "Only {n} of {all} practices {have} the programme. With so few, leaving out each practice in "
    "turn gives intervals that are too narrow and probabilities that are too sure."
)
STEPS = 40  # of the curves, from the lowest to the highest threshold


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        both: incremental effect and cost of the main analysis.
        increments: effect, cost of care, programme cost and their sum, a row each.
        thresholds: INB by threshold, `curve` on a finer grid with these among it.
        plane: borders of the joint regions of effect and cost, by level.
        scenarios: effect, cost and INB of each scenario.
        subgroups: effect and cost by level.   summary: facts and sentences.
    """

    both: Joint
    increments: pd.DataFrame
    thresholds: pd.DataFrame
    curve: pd.DataFrame
    plane: pd.DataFrame
    scenarios: pd.DataFrame
    subgroups: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return everything that is written, by the name of its file; empty tables are none."""
        named = {
            "increments": self.increments,
            "net_benefit": self.thresholds,
            "curve": self.curve,
            "plane": self.plane,
            "scenarios": self.scenarios,
            "subgroups": self.subgroups,
        }
        return {name: table for name, table in named.items() if len(table)}

    def spoken(self, effect_unit: str, currency: str) -> list[str]:
        """Return the result in a few lines."""
        lines = [
            f"{row['item']}: {row['estimate']:.4g} {row['unit']} ({row['ci_low']:.4g} to "
            f"{row['ci_high']:.4g})"
            for row in self.increments.to_dict("records")
        ]
        lines.append(f"A ratio of {currency} to {effect_unit}: {self.summary['ratio_in_words']}")
        lines += [
            f"Worth {row['threshold']:g}: net benefit {row['net_benefit']:.4g} "
            f"({row['ci_low']:.4g} to {row['ci_high']:.4g}), probability "
            f"{row['acceptability']:.2f}"
            for row in self.thresholds.to_dict("records")
        ]
        return lines


def evaluate(
    frame: pd.DataFrame, spec: EconomicsSpec, file: str, notes: Sequence[str] = ()
) -> Evaluation:
    """Return the evaluation of `frame` (one row a unit and period).

    Raises:
        StudyError: for analyses that their estimators refuse.
        DataError: where the panel is at fault, or something has no estimate or no interval.
    """
    _check(spec)
    source = Source(frame, spec, file)
    effect = fitted(source, spec.effect)
    cost = fitted(source, spec.cost, programme=spec.programme_cost)
    remarks = list(notes)
    if spec.programme_cost is not None and frame[spec.cost.outcome].isna().any():
        remarks.append(UNMEASURED.format(column=spec.cost.outcome))
    whole = parts(spec, effect, cost, spec.programme_cost, spec.discount)
    both = both_of(whole)
    by_level, without = levels(source)
    remarks += [*effect.fit.notes, *cost.fit.notes, *without]
    return Evaluation(
        both=both,
        increments=_increments(source, whole, effect, cost),
        thresholds=net_benefit(both, spec.thresholds.values, spec.level, spec.draws, spec.seed),
        curve=_curve(both, spec),
        plane=_plane(both),
        scenarios=scenarios(source, effect, cost, whole),
        subgroups=by_level,
        summary=_summary(spec, both, effect, cost, remarks),
    )


def _check(spec: EconomicsSpec) -> None:
    """Raise `StudyError` for what is refused whatever the data are, before any fit."""
    for column in (None, *spec.by):
        for valued in (spec.effect, spec.cost):
            asked(spec, valued, None, column)
    for scenario in spec.scenarios:
        asked(spec, spec.effect, scenario.effect_analysis, None)
        asked(spec, spec.cost_in(scenario), scenario.cost_analysis, None)
    programmes = (spec.programme_cost, *(each.programme_cost for each in spec.scenarios))
    counted = [p.per for p in programmes if p is not None and p.per.startswith("practice")]
    if counted and spec.allocation is not None and spec.allocation.level == "area":
        raise StudyError(
            f"programme_cost: per: {counted[0]} is not counted where areas were given the "
            "programme. Give the amount per person or person_period."
        )


def _few(one: Fitted) -> list[str]:
    """Return which arm has so few practices that the jackknife is not to be trusted."""
    panel = one.panel
    if len(one.fit.influence) != panel.n_clusters:  # by area, of which the report tells
        return []
    ever = len(np.unique(panel.cluster[np.isfinite(panel.first_treated)]))
    arms = ((ever, "have"), (panel.n_clusters - ever, "do not have"))
    return [ALONE.format(n=n, all=panel.n_clusters, have=have) for n, have in arms if 0 < n < FEW]


def _summary(
    spec: EconomicsSpec, both: Joint, effect: Fitted, cost: Fitted, remarks: list[str]
) -> dict[str, Any]:
    known = fieller(both, spec.level)
    exposed = cost.panel.exposure is not None
    return {
        "perspective": spec.perspective,
        "price_year": spec.price_year,
        "currency": spec.cost.unit,
        "effect": spec.effect.unit,
        "discount": spec.discount.model_dump() if spec.discount else "none",
        "thresholds": spec.thresholds.reason,
        "ratio": {
            "form": known.form,
            "estimate": both.cost / both.effect if both.effect else None,
            "low": known.low,
            "high": known.high,
        },
        "ratio_in_words": verdict_on_ratio(both, known),
        "covariance": both.covariance.tolist(),
        "n_practices": len(both.without),
        "conventions": {"effect": effect.fit.convention, "cost": cost.fit.convention},
        "few": _few(cost),
        "assumes": {p.what: calls.assumed(p.analysis) for p in (effect, cost)},
        "notes": list(dict.fromkeys(remarks)),
        "per": "a unit of exposure of the treated" if exposed else "a treated person and period",
    }


def _increments(
    source: Source, whole: dict[str, Leaving], effect: Fitted, cost: Fitted
) -> pd.DataFrame:
    """Return the increments, and those of each category of cost."""
    spec = source.spec
    currency, level = spec.cost.unit, spec.level
    rows = [row(EFFECT, spec.effect.unit, whole[EFFECT], level, effect)]
    rows.append(row(CARE, currency, whole[CARE], level, cost))
    for name, column in spec.components.items():
        valued = spec.cost.model_copy(update={"outcome": column, "label": name})
        one = fitted(source, valued)
        rate = spec.discount.costs if spec.discount else 0.0
        part = contrast(one.fit, weights(one, spec.discount, rate), name)
        rows.append(row(f"of which {name}", currency, part, level, one))
    if PROGRAMME in whole:
        rows.append(row(PROGRAMME, currency, whole[PROGRAMME], level, cost))
    rows.append(row(COST, currency, whole[COST], level, cost))
    return pd.DataFrame(rows)


def _curve(both: Joint, spec: EconomicsSpec) -> pd.DataFrame:
    """Return INB from the lowest to the highest threshold, the declared ones among them."""
    declared = spec.thresholds.values
    grid = np.linspace(declared[0], declared[-1], STEPS + 1).tolist()
    worth = sorted({*declared, *grid})
    return net_benefit(both, worth, spec.level, spec.draws, spec.seed)


def _plane(both: Joint) -> pd.DataFrame:
    """Return the borders of the joint regions of effect and cost, in turn around each."""
    borders = []
    for level in LEVELS:
        border = ellipse(both, level)
        columns = {"level": level, "place": np.arange(len(border))}
        borders.append(pd.DataFrame({**columns, "effect": border[:, 0], "cost": border[:, 1]}))
    return pd.concat(borders, ignore_index=True)
