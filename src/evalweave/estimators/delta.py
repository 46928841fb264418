"""Delta adjustment: the estimate if those who were not measured differ from what was imputed.

By arm and period, and for all periods from the first start on together: by how much imputed values
are moved, what the estimate and its interval are then, and where they reach zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.estimators.start_means import Sums, divided
from evalweave.fits.result import Floats, Imputations, PanelData
from evalweave.fits.rubin import pooled

STEPS = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0)  # of a standard deviation to one digit
ARMS = ("programme", "comparison")
FARTHEST = 20.0  # standard deviations; beyond, nothing is a tipping point
HALVINGS = 60


def delta_table(
    sums: Sums,
    draws: Imputations,
    every: Floats,
    alone: list[Floats | None],
    panel: PanelData,
    measured: NDArray[np.bool_],
    level: float,
) -> list[dict[str, Any]]:
    """Return a line an arm and period (blank = all from the first start on), with the share of its
    person-periods that was imputed, the estimates under each delta, and the tipping points."""
    scale = float(np.nanstd(panel.y)) or 1.0
    after = panel.period >= panel.first_treated.min()
    programme = panel.first_treated <= panel.period.max()
    lines = []
    for arm, of_arm in zip(ARMS, (programme, ~programme), strict=True):
        for period in (None, *np.unique(panel.period[after])):
            here = of_arm & (after if period is None else panel.period == period)
            moved = here & ~measured
            if not here.any():
                continue
            unit, without = _moves(sums, every, alone, moved)
            deltas = [step * _one_digit(scale) for step in STEPS]
            shifted = [_at(draws, d, unit, without, level) for d in deltas]
            lines.append(
                {
                    "arm": arm,
                    "period": None if period is None else int(period),
                    "share_imputed": float(moved.sum() / here.sum()),
                    "estimate_is_zero_at": _zero(draws, unit),
                    "interval_reaches_zero_at": _reaches(draws, unit, without, level, scale),
                    "moved": [
                        {"delta": delta, "estimate": point, "ci_low": low, "ci_high": high}
                        for delta, (point, low, high) in zip(deltas, shifted, strict=True)
                    ],
                }
            )
    return lines


def _one_digit(value: float) -> float:
    """Return a number above 0 to its first digit: a round number that tells nothing of anybody."""
    return float(f"{value:.0e}")


def _moves(
    sums: Sums, every: Floats, alone: list[Floats | None], moved: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Return by how much the estimate moves a unit of delta, and so without each practice (G)."""
    share = sums.by_practice(moved.astype(np.float64))
    whole, total = share.sum(axis=0), sums.weight.sum(axis=0)
    unit = float(every @ np.nan_to_num(divided(whole, total)))
    without = np.full(len(alone), np.nan)
    for g, weights in enumerate(alone):
        if weights is not None:
            mean = divided(whole - share[g], total - sums.weight[g])
            without[g] = weights @ np.nan_to_num(mean)
    return unit, without


def _at(
    draws: Imputations, delta: float, unit: float, without: Floats, level: float
) -> tuple[float, float, float]:
    """Return estimate and interval where the imputed values are moved by delta."""
    one = Imputations(
        draws.theta[:, :1] + delta * unit,
        draws.without[:, :, :1] + (delta * without)[None, :, None],
        draws.complete_dof,
    )
    found = pooled(one, level)
    return float(found.theta[0]), float(found.low[0]), float(found.high[0])


def _zero(draws: Imputations, unit: float) -> float | None:
    return None if abs(unit) < 1e-12 else float(-draws.theta[:, 0].mean() / unit)


def _reaches(
    draws: Imputations, unit: float, without: Floats, level: float, scale: float
) -> float | None:
    """Return the delta nearest to 0 with which the interval reaches zero: 0 where it holds zero as
    it is, None where no delta within 20 standard deviations does."""
    if abs(unit) < 1e-12:
        return None
    estimate, low, high = _at(draws, 0.0, unit, without, level)
    if not (low > 0 or high < 0):
        return 0.0
    toward = -np.sign(estimate) * np.sign(unit)

    def excludes(size: float) -> bool:
        _, low, high = _at(draws, float(toward * size), unit, without, level)
        return low > 0 or high < 0

    near, far = 0.0, abs(estimate / unit)
    if far > FARTHEST * scale and excludes(FARTHEST * scale):
        return None
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if excludes(middle) else (near, middle)
    return float(toward * far)
