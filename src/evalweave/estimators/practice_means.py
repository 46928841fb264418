"""A panel of people as a panel of practices: the (weighted) mean of each practice and period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.errors import DataError
from evalweave.fits.result import Floats, Ints, PanelData


@dataclass(frozen=True)
class PracticeMeans:
    """Practices that are seen in every period.

    Attributes:
        names: of the practices (G).   start: first treated period, inf = never (G).
        periods: consecutive labels of the periods that anybody has (T).   y: means (G x T).
        n_rows, n_patients: rows and people behind them.
        notes: what was left out.
    """

    names: tuple[str, ...]
    start: Floats
    periods: Ints
    y: Floats
    n_rows: int
    n_patients: int
    notes: tuple[str, ...]


def practice_means(panel: PanelData) -> PracticeMeans:
    """Return the means of the outcome by practice and period.

    A start after the last period is never. Practices that miss a period are left out and counted.

    Raises:
        DataError: where people of one practice have several starts, or no practice is seen in
            every period.
    """
    g = panel.n_clusters
    periods, column = np.unique(panel.period, return_inverse=True)
    start = np.where(panel.first_treated > periods[-1], np.inf, panel.first_treated)
    first = np.zeros(g)
    first[panel.cluster] = start
    mixed = np.unique(panel.cluster[first[panel.cluster] != start])
    if len(mixed):
        raise DataError(
            f"{len(mixed)} of {g} practices hold people of several starts; practice means need "
            "one start a practice. Give each person the start of the practice, or take an "
            "estimator of people (callaway_santanna)."
        )
    cell = panel.cluster * len(periods) + column
    weight = np.bincount(cell, panel.weight, g * len(periods)).reshape(g, -1)
    total = np.bincount(cell, panel.weight * panel.y, g * len(periods)).reshape(g, -1)
    whole = np.asarray((weight > 0).all(axis=1))
    if not whole.any():
        raise DataError("No practice is seen in every period, which practice means need.")
    notes: tuple[str, ...] = ()
    gone = ~whole
    if gone.any():
        treated = int((gone & np.isfinite(first)).sum())
        notes = (
            f"{int(gone.sum())} of {g} practices ({treated} of them treated) are not seen in every "
            "period and were left out.",
        )
    rows = whole[panel.cluster]
    return PracticeMeans(
        tuple(name for name, stays in zip(panel.cluster_names, whole, strict=True) if stays),
        first[whole],
        periods,
        total[whole] / weight[whole],
        int(rows.sum()),
        len(np.unique(panel.unit[rows])),
        notes,
    )
