"""Covariances of several terms at once, with the degrees of freedom that go with them.

What a joint statement about terms needs beside standard errors: cr1 as other software has it, and
the jackknife-type one that holds with few practices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import (
    JACKKNIFE,
    adjusted,
    cr1_covariance,
    essential_practices,
    spectrum,
)
from evalweave.inference.jackknife import re_estimated

MOST = 200  # practices that are left out one by one where each costs an estimation


@dataclass(frozen=True)
class JointCovariance:
    """A covariance of some terms (Q x Q); dof = inf stands for the normal; `words` begin a
    sentence."""

    name: str
    covariance: Floats
    dof: float
    words: str


def joint_covariances(fit: Fit, places: Sequence[int]) -> tuple[list[JointCovariance], str]:
    """Return cr1 (normal) and, last, that for few practices of the terms at `places`; and why the
    latter is missing, as the end of a paragraph."""
    few, why = few_practices(fit, places)
    place = np.ix_(places, places)
    plain = JointCovariance("cr1", cr1_covariance(fit)[place], np.inf, "Errors are those of cr1")
    return ([plain, few] if few else [plain]), (f" {why}" if why else "")


def few_practices(fit: Fit, places: Sequence[int]) -> tuple[JointCovariance | None, str]:
    """Return the jackknife-type covariance of the terms at `places`, or why there is none.

    Least squares: cr3 with the fewest of the terms' Satterthwaite degrees of freedom. Others: the
    jackknife by re-estimation with t(G - 1).
    """
    wanted, g = list(places), len(fit.influence)
    if fit.least_squares is not None:
        spectra = spectrum(fit)
        influence, dof = adjusted(spectra, JACKKNIFE)
        if essential_practices(fit, spectra)[wanted].any():
            return None, "cr3: a term cannot be estimated without some single practice."
        moved = influence[:, wanted]
        words = "Errors are those of cr3"
        return JointCovariance("cr3", moved.T @ moved, float(np.min(dof[wanted])), words), ""
    if fit.refit is None or g > MOST:
        return None, ""
    moved = (re_estimated(fit) - fit.theta)[:, wanted]
    if np.isnan(moved).any():
        return None, "jackknife: a term cannot be estimated without some single practice."
    words = "Errors are those of the practice jackknife"
    return JointCovariance("jackknife", (g - 1) / g * moved.T @ moved, g - 1.0, words), ""
