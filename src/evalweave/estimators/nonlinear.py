"""Difference in differences for counts, costs, and yes or no, with effects on the natural scale.

`poisson`: mean = exposure x exp(effect_i + period_t + tau D_it), with patient, practice or cohort
effects concentrated out; `logit` the same for the log odds; `gamma_log` for costs. With `etwfe`'s
saturated form (`nonlinear_etwfe`) there is one tau a start and period, so that staggered starts mix
no effects (Wooldridge 2023, Econometrics Journal 26(3)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.catalogue.families import GAMMA, LOGIT, POISSON, Family
from evalweave.errors import DataError, StudyError
from evalweave.estimators.anticipation import set_aside
from evalweave.estimators.cohort_effects import (
    last_cohort_as_comparison,
    place_of_term,
    without_always_treated,
)
from evalweave.estimators.exposure import annualised
from evalweave.estimators.glm import Solution, solve_glm
from evalweave.estimators.glm_effects import Effect, average, means, scores
from evalweave.estimators.glm_rows import Cell, Rows, model_rows, some_rows, treated_cells
from evalweave.estimators.lost_cells import verdict
from evalweave.estimators.nonlinear_subgroups import by_level
from evalweave.estimators.treatment import check_treated
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions

LOST = (
    "cannot be estimated: nobody with an outcome above zero was observed both with and without the "
    "programme, beside others who were untreated at the time"
)
EFFECTS = {POISSON: "patient", LOGIT: "practice", GAMMA: "practice"}


def poisson(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att` and `ratio` by Poisson quasi-maximum likelihood, with the additive model's `att`
    beside it (`att_additive`).

    Raises:
        DataError: for outcomes below zero, or where there is nothing to compare.
    """
    panel = set_aside(panel, analysis)
    check_counts(panel)
    fit = _one_effect(panel, analysis, POISSON)
    return replace(fit, beside=(*fit.beside, *_additive(panel, analysis)))


def logit(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att` (a difference in probability) and `ratio` (of probabilities) by a logit.

    Raises:
        DataError: for outcomes other than 0 and 1, or where there is nothing to compare.
    """
    panel = set_aside(panel, analysis)
    check_yes_no(panel)
    return _one_effect(panel, analysis, LOGIT)


def gamma_log(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att` and `ratio` by a generalised linear model with log link and gamma variance.

    Raises:
        DataError: for outcomes below zero, or where there is nothing to compare.
    """
    panel = set_aside(panel, analysis)
    check_counts(panel)
    return _one_effect(panel, analysis, GAMMA)


def nonlinear_etwfe(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, `ratio`, `event[e]`, `event[overall]`, `group[g]`, `calendar[t]` and
    `att_gt[g,t]`, all on the natural scale but for `ratio`.

    Raises:
        DataError: for outcomes that the family does not allow, or where there is nothing to
            compare.
        StudyError: for exposure beside a logit.
    """
    family: Family = analysis.family
    if family == LOGIT and panel.exposure is not None:
        raise StudyError(
            "nonlinear_etwfe with family: logit takes no exposure: a yes or no in part of a period "
            "is not a part of a yes. Leave `exposure` out, or count events with family: poisson."
        )
    (check_yes_no if family == LOGIT else check_counts)(panel)
    panel, notes = without_always_treated(panel)
    panel, more = last_cohort_as_comparison(panel)
    check_treated(panel)
    effects = effects_of(panel, analysis, "cohort")
    rows = model_rows(panel, treated_cells(panel), effects, family == POISSON, one_term=False)
    model = Model(rows, family, panel.n_clusters, by_cell=True, partial=analysis.partial)
    return _fit(panel, analysis, model, effects, (*notes, *more))


def effects_of(panel: PanelData, analysis: AnalysisOptions, usual: str) -> str:
    """Return whose effects a model has: those asked for, else the `usual` ones; practices where
    every row is another person.

    Raises:
        DataError: for patient effects where every row is another person.
    """
    if analysis.effects == "auto":
        return "practice" if panel.sections and usual == "patient" else usual
    if panel.sections and analysis.effects == "patient":
        raise DataError(
            "Every row is another person (no unit is named), so that there are no patient effects: "
            "use effects: practice."
        )
    return str(analysis.effects)


def check_counts(panel: PanelData) -> None:
    """Raise `DataError` where an outcome is negative or none is above zero."""
    if (panel.y < 0).any():
        raise DataError(
            f"{int((panel.y < 0).sum())} rows have an outcome below zero, which no model of counts "
            "or costs can have: correct them, or use a linear estimator (twfe)."
        )
    if not (panel.y > 0).any():
        raise DataError("The outcome is zero in every row: there is nothing to compare.")


def check_yes_no(panel: PanelData) -> None:
    """Raise `DataError` where an outcome is neither 0 nor 1."""
    odd = ~np.isin(panel.y, (0.0, 1.0))
    if odd.any():
        raise DataError(
            f"{int(odd.sum())} rows have an outcome other than 0 and 1: a logit needs yes (1) or "
            "no (0)."
        )


def _one_effect(panel: PanelData, analysis: AnalysisOptions, family: Family) -> Fit:
    check_treated(panel)
    if panel.subgroup is not None:
        return by_level(panel, analysis, lambda part: _one_effect(part, analysis, family))
    effects = effects_of(panel, analysis, EFFECTS[family])
    rows = model_rows(panel, treated_cells(panel), effects, family == POISSON, one_term=True)
    return _fit(panel, analysis, Model(rows, family, panel.n_clusters), effects, ())


@dataclass(frozen=True)
class Model:
    """What is estimated from rows: `effects` gives every term with its influence, and why others
    are absent. `by_cell` = one coefficient a start and period, and their averages."""

    rows: Rows
    family: Family
    clusters: int
    by_cell: bool = False
    partial: bool = False

    def solve(
        self, keep: NDArray[np.bool_] | None = None, near: Solution | None = None
    ) -> Solution:
        """Return the fit, without the practices that the mask leaves out (G)."""
        rows = self.rows if keep is None else some_rows(self.rows, keep[self.rows.cluster])
        return solve_glm(rows, self.family, None if near is None else near.beta)

    def effects(
        self, solution: Solution, partial: bool, influence: bool = True
    ) -> tuple[dict[str, Effect], dict[str, str], dict[str, str]]:
        """Return the terms, why others are absent, and what an average lost."""
        rows = solution.rows
        at = means(solution)
        by_practice = scores(solution, self.clusters) if influence else None
        found: dict[str, Effect] = {}
        if not self.by_cell:
            if not solution.identified[0]:
                return {}, {"att": LOST, "ratio": LOST}, {}
            found["att"], found["ratio"] = average(solution, at, rows.cell >= 0, by_practice)
            return found, {}, {}
        lost: dict[str, str] = {}
        of_term: dict[str, str] = {}
        here = rows.cell >= 0
        size = np.zeros(len(rows.cells))
        np.add.at(size, rows.cell[here], rows.size[here])
        known = solution.identified & (size > 0)
        for term, members in _families(rows.cells, size).items():
            left = members[known[members]]
            share = 1 - size[left].sum() / size[members].sum()
            names = [_cell_name(rows.cells[k]) for k in members]
            gone = [_cell_name(rows.cells[k]) for k in members if not known[k]]
            judged = verdict(names, gone, share, partial)
            if not judged.stands:
                lost[term] = LOST if term.startswith("att_gt") else judged.words
                continue
            if judged.words:
                of_term[term] = judged.words
            found[term], ratio = average(solution, at, np.isin(rows.cell, left), by_practice)
            if term == "att":
                found["ratio"] = ratio
        _add_overall(found, lost)
        return found, lost, of_term


def _families(cells: tuple[Cell, ...], size: Floats) -> dict[str, NDArray[np.int64]]:
    """Return each term with the places of its cells."""
    places = [k for k in range(len(cells)) if size[k] > 0]
    members: dict[str, list[int]] = {"att": places} if places else {}
    for k in places:
        g, t = cells[k]
        for term in (f"event[{t - g}]", f"group[{g}]", f"calendar[{t}]", _cell_name((g, t))):
            members.setdefault(term, []).append(k)
    return {term: np.array(of, dtype=np.int64) for term, of in members.items()}


def _cell_name(cell: Cell) -> str:
    return f"att_gt[{cell[0]},{cell[1]}]"


def _add_overall(found: dict[str, Effect], lost: dict[str, str]) -> None:
    """Add `event[overall]`, the plain mean of the event times from 0 on."""
    events = [term for term in found if term.startswith("event[")]
    missing = [term for term in lost if term.startswith("event[")]
    if missing or not events:
        lost["event[overall]"] = f"{', '.join(missing) or 'every event time'} has no estimate"
        return
    parts = [found[term] for term in events]
    found["event[overall]"] = Effect(
        float(np.mean([part.value for part in parts])),
        np.mean([part.parameters for part in parts], axis=0),
        np.mean([part.composition for part in parts], axis=0),
    )


def _fit(
    panel: PanelData,
    analysis: AnalysisOptions,
    model: Model,
    effects: str,
    notes: tuple[str, ...],
) -> Fit:
    solution = model.solve()
    found, absent, of_term = model.effects(solution, model.partial)
    if not found:
        raise DataError(f"The effect {absent.get('att', LOST)}.")
    terms = tuple(sorted(found, key=_place))

    def refit(keep: NDArray[np.bool_]) -> Floats:
        try:
            again, *_ = model.effects(model.solve(keep, solution), partial=True, influence=False)
        except DataError:
            return np.full(len(terms), np.nan)
        return np.array([again[term].value if term in again else np.nan for term in terms])

    influence = [found[term].parameters + found[term].composition for term in terms]
    ever = np.bincount(panel.cluster, panel.first_treated <= panel.period.max(), panel.n_clusters)
    zero, gone = _zero_only(panel, effects, model.family), _separated(solution)
    return Fit(
        estimator=analysis.estimator,
        terms=terms,
        theta=np.array([found[term].value for term in terms]),
        influence=np.column_stack(influence),
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=int((ever > 0).sum()),
        refit=refit,
        absent=absent,
        of_term=of_term,
        convention=_convention(panel, model.family, effects),
        notes=(*panel.notes, *notes, *zero, *gone),
        details=_details(solution, panel),
        exponentiated=frozenset({"ratio"}) & set(terms),
    )


def _place(term: str) -> tuple[int, str]:
    return (1, "") if term == "ratio" else (2 * place_of_term(term), "")


def _convention(panel: PanelData, family: Family, effects: str) -> str:
    words = {
        POISSON: f"Poisson quasi-likelihood, {effects} effects concentrated out",
        GAMMA: f"gamma quasi-likelihood with log link, {effects} effects",
        LOGIT: f"logit, {effects} effects",
    }[family]
    parts = [words, "period effects", "mean over treated rows of fitted less counterfactual"]
    parts += ["weighted"] if panel.weighted else []
    parts += ["a unit of exposure"] if panel.exposure is not None else []
    parts += [f"adjusted for {', '.join(panel.stands_for)}"] if panel.stands_for else []
    return "; ".join(parts)


def _zero_only(panel: PanelData, effects: str, family: str) -> list[str]:
    """Count the patients who say nothing of a ratio, because they never had anything."""
    if family != POISSON or effects != "patient":
        return []
    total = np.bincount(panel.unit, panel.y, len(panel.unit_names))
    zero = int((total == 0).sum())
    if not zero:
        return []
    return [
        f"{zero} of {len(total)} patients had zero in every period: they say nothing of the ratio "
        "and count as no change in the effect on the natural scale."
    ]


def _separated(solution: Solution) -> list[str]:
    gone = int((~solution.live & (solution.rows.size > 0)).sum())
    if not gone:
        return []
    return [
        f"{gone} groups of rows are fitted perfectly at an infinite coefficient (nothing but "
        "zeros, or nothing but ones, under one of the effects): separated, set aside for the "
        "coefficients, without an effect in the average."
    ]


def _details(solution: Solution, panel: PanelData) -> dict[str, Any]:
    out: dict[str, Any] = {
        "zero_share": float((panel.y == 0).mean()),
        "separated_rows": int((~solution.live).sum()),
    }
    if panel.stands_for:
        out["adjusted for"] = list(panel.stands_for)
    return out


def _additive(panel: PanelData, analysis: AnalysisOptions) -> tuple[Fit, ...]:
    """Return the linear model's att beside the ratio's: other parallel trends, the same effect only
    if both hold. Nothing where it cannot be estimated, or by subgroup."""
    from evalweave.estimators.twfe import twfe

    if panel.subgroup is not None:
        return ()
    try:
        linear = twfe(annualised(panel), analysis.model_copy(update={"engine": "evalweave"}))
    except DataError:
        return ()
    if linear.terms != ("att",):
        return ()
    words = f"{linear.convention}; additive parallel trends, beside those of the ratio"
    return (replace(linear, terms=("att_additive",), convention=words, notes=()),)
