"""Rows that a model of counts or of yes and no would fit perfectly at an infinite coefficient.

With z = x'c, a set of zeros is separated where some c has z = 0 in every row with an outcome above
zero and z <= 0, not all 0, in the rows without: the likelihood rises for ever along c, the fitted
means of these rows go to zero, and the other coefficients are those without these rows. Of yes and
no, rows that are all yes have z >= 0 likewise. c solves a linear programme.

Source: Correia, Guimaraes & Zylkin (2020), Stata Journal 20(1), proposition 1; Albert & Anderson
(1984), Biometrika 71(1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalweave.fits.result import Floats, Ints

MOVED = 1e-7


def separated_rows(
    x: Floats, y: Floats, size: Floats, reference: Ints | None, bounded: bool
) -> NDArray[np.bool_]:
    """Return which rows are separated (R).

    x is R x P. `reference` gives, where an effect is absorbed, for each row one of its group with
    an outcome above zero (-1: none), from which z is counted; `bounded` is True where `size` is the
    largest that y can be.
    """
    none, every = y <= 0, np.zeros(len(y), dtype=bool)
    if bounded:
        every = y >= size * (1 - 1e-12)
    difference, inert = x, np.zeros(len(y), dtype=bool)
    if reference is not None:
        inert = reference < 0
        difference = x - x[np.where(inert, 0, reference)]
    signed = np.where(every[:, None], -difference, difference)
    free = (none | every) & ~inert
    fixed = ~(none | every) & ~inert
    if not free.any():
        return free
    return free & (np.abs(difference @ _direction(signed[free], difference[fixed])) > MOVED)


def _direction(free: Floats, fixed: Floats) -> Floats:
    """Return c within [-1, 1] that makes free @ c <= 0 as negative as it can be, fixed @ c = 0."""
    from scipy.optimize import linprog

    gain = free.sum(axis=0)
    least, most = np.unique(free, axis=0), np.unique(fixed, axis=0)
    solved = linprog(
        gain,
        A_ub=least,
        b_ub=np.zeros(len(least)),
        A_eq=most if len(most) else None,
        b_eq=np.zeros(len(most)) if len(most) else None,
        bounds=(-1.0, 1.0),
        method="highs",
    )
    return np.asarray(solved.x) if solved.status == 0 else np.zeros(free.shape[1])
