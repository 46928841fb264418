"""How much of an estimate each practice carries (MacKinnon, Nielsen & Webb 2023, summclust; Carter,
Schnepel & Steigerwald 2017).

With M = (sum_g X_g'X_g)^-1 and a = Mc for the term c'beta,

    leverage_g = tr(X_g M X_g'),      partial leverage_g = a'X_g'X_g a / c'Mc      (sums to 1),
    effective practices = G / (1 + mean((p_g / mean p - 1)^2)),      p_g the partial leverage.

For estimators that are not least squares X_g has two columns, one an arm, which are 1 for each of
the practice's patients: what its size makes it carry of a difference between two arms. Where every
practice counts alike (practice means) they are 1 once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalweave.fits.result import Fit, LeastSquares, PanelData
from evalweave.inference.cluster_robust import (
    JACKKNIFE,
    adjusted,
    contrasts,
    essential_practices,
    spectrum,
    sufficient,
)

BY_MODEL, BY_SIZE, BY_ARM = "the model", "patients by arm", "practices by arm"


def design(panel: PanelData, fit: Fit) -> dict[str, Any]:
    """Return leverage (G, sorted, without names) and, for each term, its partial leverages, largest
    share, effective number of practices, cr3's Satterthwaite degrees of freedom, the practices that
    it is lost without, and the largest share of its squared influence that one practice has.

    Nothing is known ({}) of influence-based estimators where an arm is empty.
    """
    measured, basis = fit, BY_MODEL
    if fit.least_squares is None:
        by_size = _by_size(panel, fit)
        if by_size is None:
            return {}
        measured, basis = by_size, BY_SIZE if fit.placebo is None else BY_ARM
    ls, spectra = sufficient(measured), spectrum(measured)
    towards = contrasts(measured) @ np.linalg.inv(ls.xx.sum(axis=0))  # K x P
    _, dof = adjusted(spectra, JACKKNIFE)
    lost = essential_practices(measured, spectra)
    square = fit.influence**2
    terms: dict[str, Any] = {}
    for k, term in enumerate(fit.terms):
        own = np.einsum("p,gpq,q->g", towards[k], ls.xx, towards[k])
        share = np.sort(own / own.sum())[::-1]
        spread = float(((share * len(share) - 1) ** 2).mean())
        terms[term] = {
            "partial_leverage": share.tolist(),
            "largest_share": float(share[0]),
            "effective_practices": len(share) / (1 + spread),
            "dof": float(dof[k]),
            "lost_without": int(lost[k]),
            "largest_influence": float(square[:, k].max() / max(square[:, k].sum(), 1e-300)),
        }
    return {
        "practices": len(ls.xx),
        "basis": basis,
        "leverage": np.sort(spectra.values.sum(axis=1))[::-1].tolist(),
        "terms": terms,
    }


def _by_size(panel: PanelData, fit: Fit) -> Fit | None:
    """Return `fit` with the sufficient statistics of two arm means; None where an arm is empty.

    The comparison arm is who is never treated, or without such people the last to start.
    """
    last = panel.first_treated.max()
    compared = panel.first_treated == last
    who = np.arange(len(panel.y)) if panel.sections else panel.unit
    unit = np.zeros((int(who.max()) + 1, 2))
    unit[who, compared.astype(int)] = 1.0
    practice = np.zeros(len(unit), dtype=np.int64)
    practice[who] = panel.cluster
    sizes = np.zeros((panel.n_clusters, 2))
    np.add.at(sizes, practice, unit)
    sizes = sizes[sizes.any(axis=1)]
    if fit.placebo is not None:  # practice means, each of which counts once
        sizes = (sizes > 0).astype(np.float64)
    if not sizes.any(axis=0).all():
        return None
    g = len(sizes)
    arms = LeastSquares(
        xx=sizes[:, :, None] * np.eye(2),
        xy=np.zeros((g, 2)),
        yy=np.zeros(g),
        columns=("programme", "comparison"),
        n_obs=len(unit),
        n_parameters=2,
    )
    contrast = np.tile([1.0, -1.0], (len(fit.terms), 1))
    return replace(fit, least_squares=arms, contrast=contrast)
