"""Weights that make the comparison arm's baseline like the programme arm's (effect among the
treated).

propensity: odds p / (1 − p) of a logistic regression of the arm on the baseline variables, scaled
to the comparison arm's size. entropy: the weights closest to equal (in relative entropy) whose
means equal the programme arm's exactly (Hainmueller, Political Analysis 2012;20:25–46), by Newton's
method on the convex dual. Programme patients have weight 1. Categories become indicators, with
missing as a level of its own.
"""

from __future__ import annotations

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
    x = design(people, group.balance_on).to_numpy(dtype=float)
    treated = (people["arm"] == "programme").to_numpy()
    try:
        return (entropy if group.balance == "entropy" else propensity)(x, treated)
    except np.linalg.LinAlgError:
        raise DataError(
            f"comparison {comparison}: found no {group.balance} weights (a category of "
            f"{', '.join(group.balance_on)} "
            "stands in one arm only), expected overlap. Shorten balance_on, or use balance: none."
        ) from None


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
    """Return 1 for the treated and the scaled odds of treatment for the others (n); iteratively
    reweighted.

    Raises:
        LinAlgError: somebody's arm is certain (a category that stands in one arm only), so the fit
        runs off.
    """
    scaled = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / x.std(axis=0)])
    beta = np.zeros(scaled.shape[1])
    for _ in range(ITERATIONS):
        p = 1 / (1 + np.exp(-(scaled @ beta)))
        hessian = (scaled * (p * (1 - p))[:, None]).T @ scaled
        step = _step(hessian, scaled.T @ (treated - p))
        beta = beta + step
        if np.abs(scaled @ beta).max() > CERTAIN:
            break
        if np.abs(step).max() < 1e-10:
            odds = np.exp(scaled @ beta)
            n_comparison = (~treated).sum()
            return np.where(treated, 1.0, odds * n_comparison / odds[~treated].sum())
    raise np.linalg.LinAlgError


def entropy(x: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Return 1 for the treated and, for the others, weights w ∝ exp(xλ) whose means of x equal the
    treated means.

    λ minimises log Σ exp(x̃λ), x̃ centred on the treated means; steps are halved until the
    objective falls.
    """
    centred = (x[~treated] - x[treated].mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)

    def objective(dual: np.ndarray) -> float:
        raw = centred @ dual
        return float(np.log(np.exp(raw - raw.max()).sum()) + raw.max())

    dual = np.zeros(centred.shape[1])
    for _ in range(ITERATIONS):
        raw = centred @ dual
        w = np.exp(raw - raw.max())
        w /= w.sum()
        gradient = centred.T @ w
        if np.abs(gradient).max(initial=0.0) < 1e-10:
            made = np.ones(len(x))
            made[~treated] = w * (~treated).sum()
            return made
        hessian = (centred * w[:, None]).T @ centred - np.outer(gradient, gradient)
        step = _step(hessian, gradient)
        size, before = 1.0, objective(dual)
        while size > 1e-8 and objective(dual - size * step) > before:
            size /= 2
        dual = dual - size * step
    raise np.linalg.LinAlgError


def _step(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return Newton's step, the shortest one where variables say the same twice (ethnicity and
    white)."""
    step: np.ndarray = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
    return step
