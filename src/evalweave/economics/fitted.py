"""Effect and cost as they are estimated, and as the parts that an evaluation adds up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.economics.joint import Leaving, contrast, joint
from evalweave.economics.programme import discounted, person_time, programme_cost
from evalweave.errors import DataError, StudyError
from evalweave.estimators import contrasting
from evalweave.estimators.allocation import by_level
from evalweave.estimators.exposure import with_exposure
from evalweave.estimators.panels import Panels
from evalweave.estimators.treatment import check_varies
from evalweave.fits.distributions import t_quantile
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions, FitSpec
from evalweave.study.economics import Discount, EconomicsSpec, Effect, ProgrammeCost, Valued
from evalweave.study.refusals import of_spec

EFFECT, CARE, PROGRAMME, COST = "effect", "cost of care", "programme", "cost"
ROUNDING = 1e-12  # of a value: an error below it is none


@dataclass(frozen=True)
class Fitted:
    """One of the two outcomes: its panel, its fit, how it was asked for, and its name in words."""

    panel: PanelData
    fit: Fit
    analysis: AnalysisOptions
    what: str


@dataclass(frozen=True)
class Source:
    """What is estimated on: a panel (a row a unit and period), what is declared, and its name."""

    frame: pd.DataFrame
    spec: EconomicsSpec
    file: str


def asked(
    spec: EconomicsSpec, valued: Valued, analysis: dict[str, Any] | None, subgroup: str | None
) -> FitSpec:
    """Return the SPEC of one analysis.

    Raises:
        StudyError: where its estimator refuses it.
    """
    keys = valued.options() if analysis is None else dict(analysis)
    name = "effect" if isinstance(valued, Effect) else "cost"
    keys |= {"diagnostics": False, "subgroup": subgroup, "name": name}
    options = AnalysisOptions.model_validate(keys)
    columns = spec.columns_of(valued)
    one = FitSpec(columns=columns, analyses=[options], allocation=spec.allocation)
    wrong = of_spec(one)
    if wrong:
        place = f"by: {subgroup}: " if subgroup else ""
        raise StudyError("\n".join(f"{place}{sentence}" for sentence in wrong))
    return one


def fitted(
    source: Source,
    valued: Valued,
    analysis: dict[str, Any] | None = None,
    programme: ProgrammeCost | None = None,
    subgroup: str | None = None,
) -> Fitted:
    """Return the fit of one outcome, with the referrals that `programme` counts in its panel.

    Raises:
        DataError: where the panel is at fault or nothing is estimated, with the outcome's name.
    """
    one = asked(source.spec, valued, analysis, subgroup)
    options = one.analyses[0]
    referrals = programme.referrals if programme is not None else None
    what = valued.label or valued.outcome
    try:
        panels = Panels(source.frame, one, source.file, (), None)
        panel = panels.of(options, one.columns, (referrals,) if referrals else ())
        check_varies(panel)
        modelled = with_exposure(panel, ESTIMATORS[options.estimator])
        fit = by_level(panel, contrasting.estimated(modelled, options, None))
        return Fitted(panel, fit, options, what)
    except DataError as error:
        raise DataError(f"{what}: {error}") from None


def parts(
    spec: EconomicsSpec,
    effect: Fitted,
    cost: Fitted,
    programme: ProgrammeCost | None,
    discount: Discount | None,
) -> dict[str, Leaving]:
    """Return effect (more is better), cost of care, programme (if any) and their sum, cost."""
    rates = (discount.effects, discount.costs) if discount else (0.0, 0.0)
    gain = contrast(effect.fit, weights(effect, discount, rates[0]), effect.what)
    if spec.effect.better == "lower":
        gain = times(gain, -1.0)
    care = contrast(cost.fit, weights(cost, discount, rates[1]), cost.what)
    whole = {EFFECT: gain, CARE: care, COST: care}
    if programme is not None:
        own = programme_cost(cost.panel, programme, discount)
        pair = joint(care, own)  # the two over the same practices
        whole[PROGRAMME] = own
        whole[COST] = Leaving(
            pair.effect + pair.cost,
            pair.without.sum(axis=1),
            pair.influence.sum(axis=1),
            tuple(sorted({*care.clusters, *own.clusters})),
        )
    return whole


def times(part: Leaving, factor: float) -> Leaving:
    """Return a part in another unit, or with its sign turned."""
    return replace(
        part,
        value=factor * part.value,
        without=factor * part.without,
        influence=factor * part.influence,
    )


def weights(fitted: Fitted, discount: Discount | None, rate: float) -> dict[str, float]:
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


def row(item: str, unit: str, part: Leaving, level: float, fitted: Fitted) -> dict[str, Any]:
    """Return a part with its jackknife t(G − 1) interval and how many people it rests on."""
    g = len(part.without)
    error = float(np.sqrt(((part.without - part.value) ** 2).sum() * (g - 1) / g))
    error = error if error > ROUNDING * abs(part.value) else 0.0
    half = float(t_quantile(level, np.array(g - 1.0))) * error
    return {
        "item": item,
        "unit": unit,
        "estimate": part.value,
        "std_error": error,
        "ci_low": part.value - half,
        "ci_high": part.value + half,
        "n_obs": fitted.fit.n_obs,
        "n_patients": fitted.fit.n_patients,
        "n_practices": fitted.fit.n_practices,
    }
