"""Incremental effect and cost with their joint jackknife over practices.

Both are estimated again without each practice in turn, from the same practices, so that

    V = (G - 1)/G sum over g of d_g d_g',      d_g = (effect, cost without g) - (effect, cost)

holds their covariance too: a practice that helps more may cost more. G - 1 degrees of freedom, as
the single estimates have (MacKinnon, Nielsen & Webb 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import JACKKNIFE, adjusted, essential_practices, spectrum
from evalweave.inference.jackknife import re_estimated


@dataclass(frozen=True)
class Joint:
    """Two estimates.

    Attributes:
        effect, cost: a treated person and period; more effect is better.
        without: the two without each practice in turn (G x 2).
        influence: practices' influence on the two (G x 2), for the bootstrap beside.
    """

    effect: float
    cost: float
    without: Floats
    influence: Floats

    @property
    def dof(self) -> float:
        return len(self.without) - 1.0

    @property
    def covariance(self) -> Floats:
        """Return V (2 x 2), effect first."""
        g = len(self.without)
        moved = self.without - np.array([self.effect, self.cost])
        return np.asarray(moved.T @ moved * (g - 1) / g)


@dataclass(frozen=True)
class Leaving:
    """A contrast of a fit's terms: its value, without each practice (G), its influence (G)."""

    value: float
    without: Floats
    influence: Floats
    clusters: tuple[str, ...]


def contrast(fit: Fit, weights: dict[str, float], what: str) -> Leaving:
    """Return the sum of terms times `weights`, with each practice left out.

    Raises:
        DataError: where a term has no estimate, or is lost without some practice.
    """
    absent = [term for term in weights if term not in fit.terms]
    if absent:
        reasons = "; ".join(f"{term}: {fit.absent.get(term, 'not estimated')}" for term in absent)
        raise DataError(f"{what} has no estimate of {', '.join(absent)} ({reasons}).")
    row = np.array([weights.get(term, 0.0) for term in fit.terms])
    used = row != 0
    if fit.least_squares is not None:
        spectra = spectrum(fit)
        moved, _ = adjusted(spectra, JACKKNIFE)
        without = fit.theta - moved
        lost = int(essential_practices(fit, spectra)[used].max(initial=0))
    elif fit.refit is not None:
        without = re_estimated(fit)
        lost = int(np.isnan(without[:, used]).any(axis=1).sum())
    else:
        raise DataError(f"{what}: {fit.estimator} cannot be estimated again without a practice.")
    if lost:
        raise DataError(
            f"{what} cannot be estimated without {lost} of the {len(without)} practices, so that "
            "costs and effects have no practice-level interval."
        )
    return Leaving(
        float(fit.theta[used] @ row[used]),
        np.asarray(without[:, used] @ row[used]),
        np.asarray(fit.influence[:, used] @ row[used]),
        fit.cluster_names,
    )


def joint(effect: Leaving, cost: Leaving) -> Joint:
    """Return both over all practices; one that only one of them has moves the other by nothing."""
    names = tuple(sorted({*effect.clusters, *cost.clusters}))
    columns, influences = [], []
    for part in (effect, cost):
        place = {name: k for k, name in enumerate(part.clusters)}
        rows = [place.get(name) for name in names]
        columns.append([part.value if k is None else part.without[k] for k in rows])
        influences.append([0.0 if k is None else part.influence[k] for k in rows])
    return Joint(effect.value, cost.value, np.array(columns).T, np.array(influences).T)
