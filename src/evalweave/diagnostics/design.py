"""How much of a least-squares estimate each practice carries (MacKinnon, Nielsen & Webb 2023,
summclust; Carter, Schnepel & Steigerwald 2017).

With M = (sum_g X_g'X_g)^-1 and a = Mc for the term c'beta,

    leverage_g = tr(X_g M X_g'),      partial leverage_g = a'X_g'X_g a / c'Mc      (sums to 1),
    effective practices = G / (1 + mean((p_g / mean p - 1)^2)),      p_g the partial leverage.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.fits.result import Fit
from evalweave.inference.cluster_robust import JACKKNIFE, adjusted, contrasts, spectrum, sufficient


def design(fit: Fit) -> dict[str, Any]:
    """Return leverage (G, sorted, without names) and, for each term, its partial leverages, largest
    share, effective number of practices and cr3's Satterthwaite degrees of freedom."""
    ls, spectra = sufficient(fit), spectrum(fit)
    towards = contrasts(fit) @ np.linalg.inv(ls.xx.sum(axis=0))  # K x P
    _, dof = adjusted(spectra, JACKKNIFE)
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
        }
    return {
        "practices": len(ls.xx),
        "leverage": np.sort(spectra.values.sum(axis=1))[::-1].tolist(),
        "terms": terms,
    }
