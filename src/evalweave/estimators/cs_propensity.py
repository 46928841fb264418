"""Two small regressions on a handful of covariates: weighted least squares and the logit of
treatment.

Covariates come as x (k × n) without the constant; coefficients are (k + 1), constant first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from evalweave.fits.result import Floats

OVERLAP = 0.999  # a comparison patient with a score this high would stand for 999 of the cohort
STANDS_FOR = 0.25  # share of the cohort that the comparison patients' odds must add up to
MOST = 0.5  # share of the weight that one comparison patient may carry
TRIM = 0.995  # comparison patients with a score this high get no weight: R DRDID
SINGULAR = 1e-12  # reciprocal condition number, covariates centred and scaled
ITERATIONS = 50
TOLERANCE = 1e-6  # of a Newton step: what is left is its square


class NoEstimate(Exception):
    """A comparison that cannot be made; the message is the reason, a plain phrase.

    `beyond` counts, for each covariate, the cohort's patients whose value lies outside those of the
    comparison patients; `n_treated` are all of them.
    """

    def __init__(self, reason: str, beyond: tuple[int, ...] = (), n_treated: int = 0) -> None:
        super().__init__(reason)
        self.beyond, self.n_treated = beyond, n_treated

    def sentence(self, names: tuple[str, ...]) -> str:
        """Return the reason, and who is beyond comparison in which of the covariates `names`."""
        if not self.n_treated:
            return str(self)
        parts = [
            f"{count} patients of the {self.n_treated} patients of the cohort lie outside the "
            f"comparison patients' range of {name}"
            for name, count in zip(names, self.beyond, strict=False)
            if count
        ]
        where = "; ".join(parts) or "no single covariate does it, a combination of them does"
        return f"{self} ({where})"


@dataclass(frozen=True)
class Logit:
    """Fitted propensity score: coefficients and inverse information (k+1 × k+1)."""

    coefficients: Floats
    inverse_information: Floats


def predict(coefficients: Floats, x: Floats) -> Floats:
    """Return coefficients[0] + coefficients[1:]'x, one value a patient."""
    values: Floats = x[0] * coefficients[1]
    for slope, row in zip(coefficients[2:], x[1:], strict=True):
        values += slope * row
    values += coefficients[0]
    return values


def dot(a: Floats, b: Floats) -> float:
    """Inner product of two vectors; a single-threaded sum, so the machine's cores change no bit."""
    return float(np.einsum("i,i->", a, b))


def moment(x: Floats, values: Floats) -> Floats:
    """Return the sum over patients of values × (1, x)."""
    return np.array([values.sum(), *(dot(row, values) for row in x)])


def gram(x: Floats, weight: Floats) -> Floats:
    """Return the sum over patients of weight × (1, x)(1, x)'."""
    k = len(x)
    matrix = np.empty((k + 1, k + 1))
    matrix[0, 0] = weight.sum()
    for i in range(k):
        weighted = x[i] * weight
        matrix[0, i + 1] = matrix[i + 1, 0] = weighted.sum()
        for j in range(i + 1):
            matrix[i + 1, j + 1] = matrix[j + 1, i + 1] = dot(weighted, x[j])
    return matrix


def invert(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def inverse_gram(x: Floats, weight: Floats, who: str) -> Floats:
    """Invert `gram`; raises NoEstimate where the covariates are collinear among these patients."""
    matrix = gram(x, weight)
    if x.shape[1] < len(matrix) or not np.linalg.cond(matrix) < 1 / SINGULAR:
        raise NoEstimate(
            f"the covariates cannot be told apart among the {who} (too few, or collinear)"
        )
    return invert(matrix)


def logit(
    x_treated: Floats,
    x_control: Floats,
    w_treated: Floats,
    w_control: Floats,
    start: Floats | None = None,
) -> tuple[Logit, Floats, Floats]:
    """Maximum likelihood by Newton's method; returns the fit and the scores of treated and
    comparison.

    The practice jackknife refits this hundreds of times, from the last solution: statsmodels' Logit
    takes many times as long, and a test pins the two to each other.

    Raises:
        NoEstimate: separation, no convergence, or no overlap.
    """
    x = np.concatenate((x_treated, x_control), axis=1)
    weight = np.concatenate((w_treated, w_control))
    n_treated = x_treated.shape[1]
    if start is None:
        start = np.zeros(len(x) + 1)
        start[0] = np.log(w_treated.sum() / w_control.sum())
    beta = start.copy()
    target = moment(x_treated, w_treated)
    for _ in range(ITERATIONS):
        score = expit(predict(beta, x))
        fitted = weight * score
        information = gram(x, fitted * (1 - score))
        if not np.linalg.cond(information) < 1 / SINGULAR:
            break
        step = np.linalg.solve(information, target - moment(x, fitted))
        beta += step * min(1.0, 4.0 / float(np.abs(step).max() or 4.0))
        if np.abs(step).max() <= TOLERANCE:
            score = expit(predict(beta, x))
            own, other = score[:n_treated], score[n_treated:]
            _check_overlap(w_treated, w_control, other, x_treated, x_control)
            information = gram(x, weight * score * (1 - score))
            return Logit(beta, invert(information)), own, other
    raise no_overlap(
        "the covariates separate treated from comparison patients", x_treated, x_control
    )


def _check_overlap(
    w_treated: Floats, w_control: Floats, score: Floats, x_treated: Floats, x_control: Floats
) -> None:
    """Refuse comparison patients who cannot stand for the cohort, by their odds of treatment.

    The odds are the weights with which they stand for it and add up to about its size. Too few of
    them in all, or most of them on one patient, is a cohort that nobody is comparable to. The
    scores of the treated are not asked: one who is certain to be treated takes nobody's weight.
    """
    if score.max() >= OVERLAP:
        why = f"a comparison patient's propensity score reaches {OVERLAP}"
        raise no_overlap(why, x_treated, x_control)
    odds = w_control * score / (1 - score)
    total = float(odds.sum())
    if total < STANDS_FOR * float(w_treated.sum()):
        why = f"the comparison patients stand for less than {100 * STANDS_FOR:g} % of the cohort"
        raise no_overlap(why, x_treated, x_control)
    if len(odds) > 2 and odds.max() > MOST * total:
        why = "one comparison patient would carry more than half of the weight"
        raise no_overlap(why, x_treated, x_control)


def no_overlap(why: str, x_treated: Floats, x_control: Floats) -> NoEstimate:
    """Return the refusal of a comparison, with who lies beyond the comparison patients."""
    low, high = x_control.min(axis=1)[:, None], x_control.max(axis=1)[:, None]
    beyond = ((x_treated < low) | (x_treated > high)).sum(axis=1)
    return NoEstimate(
        f"no overlap in the covariates: {why} (propensity score), so nobody is comparable",
        tuple(int(count) for count in beyond),
        x_treated.shape[1],
    )
