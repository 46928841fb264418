"""What every estimator returns: named estimates and each practice's influence on them.

With theta-hat (K) and unit influences summed to practices psi (G x K), scaled so that

    theta-hat - theta  ~  sum over g of psi_g,        Var_cr0(theta-hat) = psi' psi,

standard errors, covariances, contrasts, simultaneous bands, pre-trend tests and practice-level
multiplier bootstraps are written once, on a matrix with two dozen rows. Least-squares estimators
also return per-practice sufficient statistics, from which CR0-CR3, Bell-McCaffrey degrees of
freedom, the cluster jackknife and the wild cluster bootstrap follow without touching a patient row
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# What the estimates before the start of an event study deviate from (`Fit.leads`).
ONE_REFERENCE = "one reference"
MIXED_COHORTS = "one reference, for cohorts that start at several times"
UNIVERSAL_BASE = "one base period, which is 0 by construction"
VARYING_BASE = "the period before each"


@dataclass(frozen=True)
class Allocated:
    """How the programme was given out.

    Attributes:
        level: what it was given to, "practice" or "area".
        practices, practices_treated: how many there are.
        areas_with, areas_without, areas_mixed: areas whose practices all have the programme, all
        lack it, or differ; 0 where areas are not known.
        clusters: what the clusters of the panel are.    declared: whether the user said so.
        strata: code of each cluster's stratum (G), within which start dates may be permuted.
    """

    level: str
    practices: int
    practices_treated: int
    areas_with: int = 0
    areas_without: int = 0
    areas_mixed: int = 0
    clusters: str = "practice"
    strata: Ints | None = None
    declared: bool = True

    @property
    def alone(self) -> str:
        """The arm ("with" or "without" the programme) that is one area alone; '' = neither."""
        if self.areas_mixed or not self.areas_with:
            return ""
        if self.areas_with == 1:
            return "with"
        if self.areas_without == 1 or (not self.areas_without and self.areas_with == 2):
            return "without"
        return ""


@dataclass(frozen=True)
class PanelData:
    """A checked panel, sorted by unit and period; arrays have one entry a row (N rows).

    Attributes:
        exposure: person-time of a row, above zero, or None.
        unit: codes 0..n-1 of the units (patients); `unit_names` (n) are their identifiers.
        period: consecutive integers as given.
        cluster: codes 0..G-1 of the practices; every unit lies in one; `cluster_names` (G).
        y: outcome.
        first_treated: first treated period of the row's unit, inf for never.
        weight: one non-negative weight a row.
        covariates: name -> values (N).
        stands_for: covariate as named in the analysis -> its columns in `covariates`.
        subgroup: codes of subgroup levels (N) with -1 for unknown, or None; `subgroup_levels` names
        them.
        allocated: how the programme was given out, where that is known.
        sections: no person is followed; a unit is a cluster (and subgroup level), whose rows may be
        many in a period.
    """

    unit: Ints
    period: Ints
    cluster: Ints
    y: Floats
    first_treated: Floats
    weight: Floats
    unit_names: tuple[str, ...]
    cluster_names: tuple[str, ...]
    covariates: dict[str, Floats] = field(default_factory=dict)
    stands_for: dict[str, tuple[str, ...]] = field(default_factory=dict)
    subgroup: Ints | None = None
    subgroup_name: str | None = None
    subgroup_levels: tuple[str, ...] = ()
    weighted: bool = False
    notes: tuple[str, ...] = ()
    allocated: Allocated | None = None
    sections: bool = False
    exposure: Floats | None = None

    @property
    def n_clusters(self) -> int:
        return len(self.cluster_names)


@dataclass(frozen=True)
class LeastSquares:
    """Per-practice sufficient statistics of a least-squares fit after absorbing the patient
    effects.

    Patient effects are nested in practices, so they are absorbed first; the remaining P columns
    (tested regressors first, then covariates, then period dummies) stay explicit.

    Attributes:
        xx: X'WX of each practice (G x P x P).     xy: X'Wy (G x P).     yy: y'Wy (G).
        columns: names of the P columns; the first K are the terms of the fit.
        n_obs: N, including patients seen once.    n_parameters: the K of the small-sample factor.
    """

    xx: Floats
    xy: Floats
    yy: Floats
    columns: tuple[str, ...]
    n_obs: int
    n_parameters: int


@dataclass(frozen=True)
class Fit:
    """Estimates of one analysis, before any choice of inference.

    Attributes:
        terms: names of the K terms.                theta: estimates (K), in the outcome's unit.
        influence: practice sums of influence (G x K); `influence.T @ influence` is the cr0
        covariance.
        unit_covariance: unclustered analytic covariance (K x K), for `inference: unit`; None if
        undefined.
        least_squares: sufficient statistics, for estimators that are least squares.
        contrast: (K x P) map from the least-squares coefficients to theta; None = the first K
        columns.
        refit: recompute theta with some practices left out (a boolean keep-mask of length G); terms
        that
            cannot be estimated come back as nan. For the jackknife and randomisation of other
            estimators.
        absent: term -> why it has no estimate (goes to diagnostics.json).
        convention: weighting and forms that another implementation would need to know, in words.
        averages: (L x C) weights by which the last L terms are sums of the first C (cells).
        of_term: term -> what its own row must say beside the convention (what an average lost).
        notes: plain sentences about what was done to the data (goes to diagnostics.json).
        reassign: what the fit needs to be redone with other start dates for practices
        (randomisation).
        own: standard errors and degrees of freedom that belong to the estimate itself (practice
        means), for fits
            to which no other inference applies.
        beside: further fits that are printed beside this one (did_2x2: ANCOVA, practice means).
        details: facts for diagnostics.json.
        exponentiated: terms whose theta and influence are logarithms of what is reported.
        leads: what the terms before the start are, where a test may read them.
        imputations: estimates of each completed panel, where what was missing was imputed.
        placebo: how the terms come out when untreated practices are given the start dates.
    """

    estimator: str
    terms: tuple[str, ...]
    theta: Floats
    influence: Floats
    cluster_names: tuple[str, ...]
    n_obs: int
    n_patients: int
    n_practices: int
    n_practices_treated: int
    unit_covariance: Floats | None = None
    least_squares: LeastSquares | None = None
    contrast: Floats | None = None
    refit: Callable[[NDArray[np.bool_]], Floats] | None = None
    absent: dict[str, str] = field(default_factory=dict)
    convention: str = ""
    averages: Floats | None = None
    of_term: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reassign: Callable[[], Reassignment] | None = None
    own: OwnInference | None = None
    beside: tuple[Fit, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    leads: str = ""
    placebo: Placebo | None = None
    imputations: Imputations | None = None
    exponentiated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reassignment:
    """Sufficient statistics of every practice under every start date that occurs.

    Attributes:
        cohorts: the C distinct first treated periods.   observed: each practice's index into them
        (G).
        xx: G x C x P x P.   xy: G x C x P.   moved: X'x_k with x_k the observed tested column (G x
        C x P x K).
        strata: code of each practice's stratum (G), within which starts are permuted; None = one.
    """

    cohorts: Floats
    observed: Ints
    xx: Floats
    xy: Floats
    moved: Floats
    strata: Ints | None = None


@dataclass(frozen=True)
class Imputations:
    """Estimates of m completed panels (m x K), without each practice (m x G x K), and the degrees
    of freedom that a complete panel would have."""

    theta: Floats
    without: Floats
    complete_dof: float


@dataclass(frozen=True)
class OwnInference:
    """Standard errors (K) with their degrees of freedom, and a name for the `inference` column."""

    name: str
    std_error: Floats
    dof: float
    convention: str


@dataclass(frozen=True)
class Placebo:
    """Estimates with untreated practices in the place of the treated ones.

    Attributes:
        practices: how many are untreated.   sizes: treated practices of each start.
        estimate: theta (K) when the untreated practices with these numbers (sum of sizes, in the
        order of the starts) are given the starts.
        words: what a convention must say of it.
    """

    practices: int
    sizes: tuple[int, ...]
    estimate: Callable[[Ints], Floats]
    words: str
