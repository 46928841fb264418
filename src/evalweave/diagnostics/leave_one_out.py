"""How far the estimates move when one practice is left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.fits.result import Fit, Floats
from evalweave.inference.cluster_robust import adjusted, essential_practices, spectrum


def leave_one_out(fit: Fit) -> dict[str, Any]:
    """Return, for each term of a least-squares fit, lowest and highest estimate and all G of them,
    sorted.

    The values carry no practice names. b_g = b - (cr3 influence of g), exactly the refit without
    practice g.
    """
    found = spectrum(fit)
    influence, _ = adjusted(found, 1.0)
    lost = essential_practices(fit, found)
    out: dict[str, Any] = {}
    for k, term in enumerate(fit.terms):
        if lost[k]:
            out[term] = {
                "refused": f"without {int(lost[k])} of the practices the term cannot be estimated"
            }
            continue
        values: Floats = np.sort(fit.theta[k] - influence[:, k])
        out[term] = {
            "low": float(values[0]),
            "high": float(values[-1]),
            "values": values.tolist(),
            "changes_sign": bool((np.sign(values) != np.sign(fit.theta[k])).any()),
        }
    return out
