"""The values that a ratio of two estimates may have (Fieller 1954; Anderson & Rubin 1949)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from evalweave.fits.result import Floats

Form = Literal["interval", "outside", "everything"]


@dataclass(frozen=True)
class RatioSet:
    """`interval`: low to high. `outside`: up to low, and from high on. `everything`: any value."""

    form: Form
    low: float = math.nan
    high: float = math.nan


def ratio_set(top: float, bottom: float, variance: Floats, critical: float) -> RatioSet:
    """Return {b: (top - b bottom)^2 <= c^2 (v11 - 2 b v12 + b^2 v22)}, `variance` being that of
    (top, bottom), 2 x 2, and c = `critical`."""
    a = bottom**2 - critical**2 * float(variance[1, 1])
    b = -2 * (top * bottom - critical**2 * float(variance[0, 1]))
    c = top**2 - critical**2 * float(variance[0, 0])
    inside = b**2 - 4 * a * c
    if a == 0 or (a < 0 and inside <= 0):
        return RatioSet("everything")
    root = math.sqrt(max(inside, 0.0))
    ends = sorted(((-b - root) / (2 * a), (-b + root) / (2 * a)))
    return RatioSet("interval" if a > 0 else "outside", *ends)
