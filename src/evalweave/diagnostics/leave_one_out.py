"""How far the estimates move when one practice is left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import adjusted, essential_practices, spectrum
from evalweave.inference.jackknife import re_estimated


def leave_one_out(fit: Fit) -> dict[str, Any]:
    """Return, for each term, lowest and highest estimate and all G of them, sorted.

    The values carry no practice names. Of least squares, b_g = b - (cr3 influence of g), exactly
    the refit without practice g; of others, those that the jackknife estimated again.
    """
    without, lost = _estimates(fit)
    out: dict[str, Any] = {}
    for k, term in enumerate(fit.terms):
        if lost[k]:
            out[term] = {
                "refused": f"without {int(lost[k])} of the practices the term cannot be estimated"
            }
            continue
        values: Floats = np.sort(without[:, k])
        out[term] = {
            "low": float(values[0]),
            "high": float(values[-1]),
            "values": values.tolist(),
            "changes_sign": bool((np.sign(values) != np.sign(fit.theta[k])).any()),
        }
    return out


def _estimates(fit: Fit) -> tuple[Floats, Floats]:
    """Return the estimates without each practice (G x K), and by how many a term is lost."""
    if fit.least_squares is not None:
        found = spectrum(fit)
        return fit.theta - adjusted(found, 1.0)[0], essential_practices(fit, found)
    without = re_estimated(fit)
    return without, np.isnan(without).sum(axis=0).astype(float)
