"""An economic evaluation of a panel, as its SPEC declares it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.economics.joint import Joint, Leaving, contrast, joint
from evalweave.economics.net_benefit import fieller, net_benefit, verdict_on_ratio
from evalweave.economics.programme import discounted, person_time, programme_cost
from evalweave.errors import DataError, StudyError
from evalweave.estimators import contrasting
from evalweave.estimators.allocation import by_level
from evalweave.estimators.exposure import with_exposure
from evalweave.estimators.panels import Panels
from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions, FitSpec
from evalweave.study.economics import Discount, EconomicsSpec, ProgrammeCost, Scenario, Valued
from evalweave.study.refusals import of_spec

UNMEASURED = (
    "Some rows have no {column}: the programme's cost counts, and is spread over, the treated "
    "persons and periods of rows with one only."
)


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        both: incremental effect and cost of the main analysis.
        increments: effect, cost of care, programme cost and their sum, a row each.
        thresholds: INB by threshold.   scenarios: one row each, INB at every threshold.
        subgroups: effect and cost by level.   summary: facts and sentences.
    """

    both: Joint
    increments: pd.DataFrame
    thresholds: pd.DataFrame
    scenarios: pd.DataFrame
    subgroups: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)

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


@dataclass(frozen=True)
class _Fitted:
    panel: PanelData
    fit: Fit
    analysis: AnalysisOptions
    what: str


def evaluate(
    frame: pd.DataFrame, spec: EconomicsSpec, file: str, notes: Sequence[str] = ()
) -> Evaluation:
    """Return the evaluation of `frame` (one row a unit and period).

    Raises:
        StudyError: for analyses that their estimators refuse.
        DataError: where the panel is at fault, or something has no estimate or no interval.
    """
    for column in (None, *spec.by):  # what is refused whatever the data are, before any fit
        for valued in (spec.effect, spec.cost):
            _asked(spec, valued, None, column)
    for scenario in spec.scenarios:
        _asked(spec, spec.effect, scenario.effect_analysis, None)
        _asked(spec, spec.cost, scenario.cost_analysis, None)
    effect = _fitted(frame, spec, spec.effect, None, file)
    cost = _fitted(frame, spec, spec.cost, None, file, spec.programme_cost)
    remarks = list(notes)
    if spec.programme_cost is not None and frame[spec.cost.outcome].isna().any():
        remarks.append(UNMEASURED.format(column=spec.cost.outcome))
    parts = _parts(spec, effect, cost, spec.programme_cost, spec.discount)
    both = joint(parts["effect"], parts["cost"])
    known = fieller(both, spec.level)
    summary = {
        "perspective": spec.perspective,
        "price_year": spec.price_year,
        "currency": spec.cost.unit,
        "effect": spec.effect.unit,
        "discount": spec.discount.model_dump() if spec.discount else "none",
        "thresholds": spec.thresholds.reason,
        "ratio": {"form": known.form, "low": known.low, "high": known.high},
        "ratio_in_words": verdict_on_ratio(both, known),
        "covariance": both.covariance.tolist(),
        "n_practices": len(both.without),
        "conventions": {"effect": effect.fit.convention, "cost": cost.fit.convention},
        "assumes": {p.what: calls.assumed(p.analysis) for p in (effect, cost)},
        "notes": list(dict.fromkeys([*remarks, *effect.fit.notes, *cost.fit.notes])),
        "per": "a treated person and period"
        if cost.panel.exposure is None
        else "a unit of exposure of the treated",
    }
    levels, without = _subgroups(frame, spec, file)
    summary["notes"] = [*summary["notes"], *without]
    return Evaluation(
        both=both,
        increments=_increments(frame, spec, parts, file),
        thresholds=net_benefit(both, spec.thresholds.values, spec.level, spec.draws, spec.seed),
        scenarios=_scenarios(frame, spec, effect, cost, both, file),
        subgroups=levels,
        summary=summary,
    )


def _asked(
    spec: EconomicsSpec, valued: Valued, analysis: dict[str, Any] | None, subgroup: str | None
) -> FitSpec:
    """Return the SPEC of one analysis.

    Raises:
        StudyError: where its estimator refuses it.
    """
    keys = valued.options() if analysis is None else dict(analysis)
    name = "effect" if valued is spec.effect else "cost"
    keys |= {"diagnostics": False, "subgroup": subgroup, "name": name}
    options = AnalysisOptions.model_validate(keys)
    asked = FitSpec(columns=spec.columns_of(valued), analyses=[options])
    wrong = of_spec(asked)
    if wrong:
        place = f"by: {subgroup}: " if subgroup else ""
        raise StudyError("\n".join(f"{place}{sentence}" for sentence in wrong))
    return asked


def _fitted(
    frame: pd.DataFrame,
    spec: EconomicsSpec,
    valued: Valued,
    analysis: dict[str, Any] | None,
    file: str,
    programme: ProgrammeCost | None = None,
    subgroup: str | None = None,
) -> _Fitted:
    asked = _asked(spec, valued, analysis, subgroup)
    columns, options = asked.columns, asked.analyses[0]
    referrals = programme.referrals if programme is not None else None
    what = valued.label or valued.outcome
    try:
        panels = Panels(frame, asked, file, (), None)
        panel = panels.of(options, columns, (referrals,) if referrals else ())
        modelled = with_exposure(panel, ESTIMATORS[options.estimator])
        fit = by_level(panel, contrasting.estimated(modelled, options, None))
        return _Fitted(panel, fit, options, what)
    except DataError as error:
        raise DataError(f"{what}: {error}") from None


def _parts(
    spec: EconomicsSpec,
    effect: _Fitted,
    cost: _Fitted,
    programme: ProgrammeCost | None,
    discount: Discount | None,
) -> dict[str, Leaving]:
    """Return effect (more is better), care, programme and their sum, cost."""
    rates = (discount.effects, discount.costs) if discount else (0.0, 0.0)
    gain = contrast(effect.fit, _weights(effect, discount, rates[0]), effect.what)
    if spec.effect.better == "lower":
        gain = replace(gain, value=-gain.value, without=-gain.without, influence=-gain.influence)
    care = contrast(cost.fit, _weights(cost, discount, rates[1]), cost.what)
    parts = {"effect": gain, "care": care, "cost": care}
    if programme is not None:
        own = programme_cost(cost.panel, programme, discount)
        parts["programme"] = own
        pair = joint(care, own)  # the two over the same practices
        parts["cost"] = Leaving(
            pair.effect + pair.cost,
            pair.without.sum(axis=1),
            pair.influence.sum(axis=1),
            tuple(sorted({*care.clusters, *own.clusters})),
        )
    return parts


def _weights(fitted: _Fitted, discount: Discount | None, rate: float) -> dict[str, float]:
    """Return the weights of a fit's terms in the mean effect a treated person and period.

    Undiscounted it is the estimator's own summary. Discounted it is the mean of the effects of
    single periods, by treated person-time, each times 1/(1 + rate)^years.

    Raises:
        DataError: where the estimator gives no effects of single periods.
    """
    terms = fitted.fit.terms
    if discount is None:
        options = fitted.analysis.model_dump()
        summary = [t.format(**options) for t in ESTIMATORS[fitted.analysis.estimator].summary]
        return {next((t for t in summary if t in terms), summary[0]): 1.0}
    panel = fitted.panel
    treated = panel.period >= panel.first_treated
    if not any(term.startswith("calendar[") for term in terms):
        raise DataError(
            f"{fitted.what}: discounting needs the effects of single periods, and "
            f"{fitted.analysis.estimator} gives none as it is asked: use etwfe, "
            "nonlinear_etwfe or callaway_santanna."
        )
    time = person_time(panel)
    periods = np.unique(panel.period[treated])
    share = {int(t): float(time[treated & (panel.period == t)].sum()) for t in periods}
    total = sum(share.values())
    worth = dict(zip(share, discounted(np.array(list(share)), discount, rate), strict=True))
    return {f"calendar[{t}]": share[t] / total * float(worth[t]) for t in share}


def _row(name: str, unit: str, part: Leaving, level: float) -> dict[str, Any]:
    g = len(part.without)
    error = float(np.sqrt(((part.without - part.value) ** 2).sum() * (g - 1) / g))
    half = float(t_quantile(level, np.array(g - 1.0))) * error
    return {
        "item": name,
        "unit": unit,
        "estimate": part.value,
        "std_error": error,
        "ci_low": part.value - half,
        "ci_high": part.value + half,
        "n_practices": g,
    }


def _increments(
    frame: pd.DataFrame, spec: EconomicsSpec, parts: dict[str, Leaving], file: str
) -> pd.DataFrame:
    """Return the increments, and those of each category of cost."""
    currency = spec.cost.unit
    rows = [_row("effect", spec.effect.unit, parts["effect"], spec.level)]
    rows.append(_row("cost of care", currency, parts["care"], spec.level))
    for name, column in spec.components.items():
        valued = spec.cost.model_copy(update={"outcome": column, "label": name})
        fitted = _fitted(frame, spec, valued, None, file)
        rate = spec.discount.costs if spec.discount else 0.0
        part = contrast(fitted.fit, _weights(fitted, spec.discount, rate), name)
        rows.append(_row(f"of which {name}", currency, part, spec.level))
    if "programme" in parts:
        rows.append(_row("programme", currency, parts["programme"], spec.level))
    rows.append(_row("cost", currency, parts["cost"], spec.level))
    return pd.DataFrame(rows)


def _scenarios(
    frame: pd.DataFrame,
    spec: EconomicsSpec,
    effect: _Fitted,
    cost: _Fitted,
    main: Joint,
    file: str,
) -> pd.DataFrame:
    """Return the main evaluation and each scenario, with INB at every threshold."""
    rows = [_scenario_row("main", main, spec)]
    for scenario in spec.scenarios:
        changed = _changed(frame, spec, scenario, effect, cost, file)
        rows.append(_scenario_row(scenario.name, changed, spec))
    return pd.DataFrame(rows)


def _changed(
    frame: pd.DataFrame,
    spec: EconomicsSpec,
    scenario: Scenario,
    effect: _Fitted,
    cost: _Fitted,
    file: str,
) -> Joint:
    programme = scenario.programme_cost or spec.programme_cost
    if scenario.effect_analysis is not None:
        effect = _fitted(frame, spec, spec.effect, scenario.effect_analysis, file)
    if scenario.cost_analysis is not None or programme is not spec.programme_cost:
        cost = _fitted(frame, spec, spec.cost, scenario.cost_analysis, file, programme)
    parts = _parts(spec, effect, cost, programme, scenario.discount or spec.discount)
    return joint(parts["effect"], parts["cost"])


def _scenario_row(name: str, both: Joint, spec: EconomicsSpec) -> dict[str, Any]:
    row: dict[str, Any] = {"scenario": name, "effect": both.effect, "cost": both.cost}
    table = net_benefit(both, spec.thresholds.values, spec.level, spec.draws, spec.seed)
    for line in table.to_dict("records"):
        at = f"{line['threshold']:g}"
        for column in ("net_benefit", "ci_low", "ci_high", "acceptability"):
            row[f"{column}[{at}]"] = line[column]
    return row


def _subgroups(
    frame: pd.DataFrame, spec: EconomicsSpec, file: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return effect and cost by level, side by side, the programme's own cost left out, and why
    a level has none.

    Raises:
        DataError: where a column has no level with an estimate of one of the two.
    """
    rows: list[dict[str, Any]] = []
    remarks: list[str] = []
    for column in spec.by:
        for kind, valued in (("effect", spec.effect), ("cost of care", spec.cost)):
            fitted = _fitted(frame, spec, valued, None, file, subgroup=column)
            absent = {k: why for k, why in fitted.fit.absent.items() if k.startswith("att[")}
            parts: dict[str, Leaving] = {}
            for term in (t for t in fitted.fit.terms if t.startswith("att[")):
                try:
                    parts[term] = contrast(fitted.fit, {term: 1.0}, f"{fitted.what}, {term}")
                except DataError as error:
                    absent[term] = str(error)
            why = [f"by {column}, {kind}, {term}: {text}" for term, text in absent.items()]
            if not parts:
                raise DataError(
                    "\n".join(why or [f"by {column}: {kind} has no estimate by level."])
                )
            remarks += why
            sign = -1.0 if kind == "effect" and spec.effect.better == "lower" else 1.0
            for term, part in parts.items():
                turned = replace(part, value=sign * part.value, without=sign * part.without)
                level = term[len(f"att[{column}=") : -1]
                row = _row(kind, valued.unit, turned, spec.level)
                rows.append({"subgroup": column, "level": level, **row})
    if spec.by and spec.discount is not None:
        remarks.append("Effect and cost by level are not discounted.")
    return pd.DataFrame(rows), remarks
