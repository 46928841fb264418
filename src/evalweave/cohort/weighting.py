"""Weights that make the comparison arm's baseline like the programme arm's (effect among the
treated).

propensity: odds p / (1 − p) of a logistic regression of the arm on the baseline variables, scaled
to the comparison arm's size. entropy: the weights closest to equal (in relative entropy) whose
means equal the programme arm's exactly (Hainmueller, Political Analysis 2012;20:25–46), by Newton's
method on the convex dual. Programme patients have weight 1. Categories become indicators, with
missing as a level of its own.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from evalweave.errors import DataError, Fault, raise_faults
from evalweave.study.outcomes import BASELINE_OF
from evalweave.tables.people import MEMBERSHIP

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.people import Comparison

MEANS = ("age", "n_conditions")
ITERATIONS = 200
BALANCED = 1e-9  # standard deviations between the weighted means that count as equal
CERTAIN = 30  # log odds beyond which somebody's arm is certain


def weights(comparison: str, group: Comparison, people: pd.DataFrame) -> np.ndarray:
    """Return the weights (n) that balance one comparison; raise `DataError` when there are none.

    `people` has a row a patient: arm and what is known of them at the index date.
    """
    known = [name for name in people.columns if name not in ("arm", "practice_id")]
    raise_faults(
        Fault(
            f"comparison {comparison}",
            f'balance_on: "{variable}"',
            f"a column of the cohort: {', '.join(known)}",
        )
        for variable in group.balance_on
        if variable not in known
    )
    columns = design(people, group.balance_on)
    x = columns.to_numpy(dtype=float)
    treated = (people["arm"] == "programme").to_numpy()
    try:
        return (entropy if group.balance == "entropy" else propensity)(x, treated)
    except np.linalg.LinAlgError:
        raise DataError(
            f"comparison {comparison}: there are no {group.balance} weights, because the programme "
            f"arm lies outside the comparison arm ({_outside(columns, treated)}). Shorten "
            "balance_on, or use balance: none."
        ) from None


def _outside(columns: pd.DataFrame, treated: np.ndarray) -> str:
    """Say which variables or categories put an arm out of reach of the other."""
    others, own = columns[~treated], columns[treated].mean()
    names = list(columns.columns[(own > others.max()) | (own < others.min())])
    sided = (columns.nunique() == 2) & ((others.nunique() == 1) ^ (columns[treated].nunique() == 1))
    names += [name for name in columns.columns[sided] if name not in names]
    return ", ".join(names) or "in no variable alone, but in a combination of them"


def weighted(membership: ir.Table, weights: dict[str, np.ndarray]) -> ir.Table:
    """Return MEMBERSHIP with the weights, which come by comparison in the order of patients."""
    if weights:
        in_order = ibis.window(group_by="comparison", order_by="patient_id")
        m = membership.mutate(_place=ibis.row_number().over(in_order).cast("int64"))
        made = ibis.memtable(
            pa.table(
                {
                    "comparison": np.repeat(
                        list(weights), [len(each) for each in weights.values()]
                    ).astype(str),
                    "_place": np.concatenate([np.arange(len(each)) for each in weights.values()]),
                    "_made": np.concatenate(list(weights.values())),
                }
            )
        )
        m = m.left_join(made, ["comparison", "_place"])
        membership = m.mutate(weight=m["_made"].fill_null(m.weight))
    return membership.order_by("comparison", "patient_id").select(*MEMBERSHIP.names)


def design(people: pd.DataFrame, variables: list[str]) -> pd.DataFrame:
    """Return one column a number and one an extra level, centred on the programme arm's means and
    scaled."""
    columns: dict[str, pd.Series] = {}
    for variable in variables:
        if variable in MEANS or variable.startswith(BASELINE_OF):
            number = people[variable].astype(float)
            columns[variable] = number.fillna(number.mean())
            columns[f"{variable}=missing"] = number.isna().astype(float)
            continue
        text = words(people[variable])
        for level in sorted(set(text))[1:]:
            columns[f"{variable}={level}"] = (text == level).astype(float)
    frame = pd.DataFrame(columns)
    return frame.loc[:, frame.nunique() > 1]


def words(values: pd.Series) -> pd.Series:
    """Return levels as text: whole numbers that stand beside blanks have become fractions, blanks
    are `missing`."""
    if values.dtype.kind == "f":
        values = values.astype("Int64")
    return values.astype("string").fillna("missing")


def propensity(x: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Return 1 for the treated and the scaled odds of treatment for the others (n), by statsmodels.

    Of variables that say the same twice (ethnicity and white) one stays; the odds do not depend on
    which.

    Raises:
        LinAlgError: somebody's arm is certain (a category that stands in one arm only), so the fit
        runs off.
    """
    from scipy.linalg import qr
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    scaled = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / x.std(axis=0)])
    _, r, order = qr(scaled, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(r))  # coefficients that are shared never settle to the last digits
    scaled = scaled[:, np.sort(order[: int((sizes > 1e-9 * sizes[0]).sum())])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation shows in the odds, and is refused below
        fit = GLM(treated.astype(float), scaled, family=Binomial()).fit(
            maxiter=ITERATIONS, tol=1e-12, tol_criterion="params"
        )
    log_odds = scaled @ np.asarray(fit.params)
    if not fit.converged or not np.abs(log_odds).max() <= CERTAIN:
        raise np.linalg.LinAlgError
    odds = np.exp(log_odds)
    return np.where(treated, 1.0, odds * (~treated).sum() / odds[~treated].sum())


def entropy(x: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Return 1 for the treated and, for the others, weights w ∝ exp(x̃λ) whose means of x equal the
    treated means.

    λ minimises f(λ) = log Σ exp(x̃λ), x̃ centred on the treated means and scaled, by Newton's method
    with a line search. Near the optimum f no longer falls in its last digits although the gradient
    (the means that are left, in standard deviations) still does, so that either may decide a step.

    Raises:
        LinAlgError: no weights exist. If weights with w'x̃ = 0 exist, some x̃_i λ is ≥ 0 for every λ
        and f(λ) ≥ 0: a negative f proves that there are none.
    """
    centred = (x[~treated] - x[treated].mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
    dual = np.zeros(centred.shape[1])
    value, w = _tilted(centred, dual)
    for _ in range(ITERATIONS):
        gradient = centred.T @ w
        left = float(np.abs(gradient).max(initial=0.0))
        if left < BALANCED:
            made = np.ones(len(x))
            made[~treated] = w * (~treated).sum()
            return made
        if value < -1e-9:
            break
        hessian = (centred * w[:, None]).T @ centred - np.outer(gradient, gradient)
        step = _step(hessian, gradient)
        size, slope = 1.0, float(gradient @ step)
        while size > 1e-10:
            new, tilted = _tilted(centred, dual - size * step)
            falls = new <= value - 1e-4 * size * slope
            flat = abs(new - value) <= 1e-12 * max(1.0, abs(value))
            if falls or (flat and np.abs(centred.T @ tilted).max() < left):
                break
            size /= 2
        else:
            break
        dual, value, w = dual - size * step, new, tilted
    raise np.linalg.LinAlgError


def _tilted(centred: np.ndarray, dual: np.ndarray) -> tuple[float, np.ndarray]:
    """Return f(λ) = log Σ exp(x̃λ) and the weights exp(x̃λ) that sum to one."""
    raw = centred @ dual
    top = float(raw.max())
    w = np.exp(raw - top)
    total = float(w.sum())
    return np.log(total) + top, w / total


def _step(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return Newton's step, the shortest one where variables say the same twice (ethnicity and
    white)."""
    step: np.ndarray = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
    return step
