"""Who is treated when, as columns of a least-squares design, and designs in which nobody can be
compared."""

from __future__ import annotations

import numpy as np

from evalweave.errors import DataError
from evalweave.estimators.design_columns import Cells
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions

FEWEST = 4  # practices per arm below which a subgroup level is refused
CONVENTION = "patient effects absorbed, period effects explicit; patients seen once stay in N"
OF_SECTIONS = "practice effects absorbed, period effects explicit; every row another person"


def started(cohort: float, level: int, periods: Ints) -> Floats:
    """Return D by period (T x 1)."""
    return np.asarray((periods >= cohort)[:, None], dtype=np.float64)


def by_level(levels: list[int]) -> Cells:
    """Return D interacted with each subgroup level (T x S)."""

    def cells(cohort: float, level: int, periods: Ints) -> Floats:
        table = np.zeros((len(periods), len(levels)))
        if level in levels:
            table[:, levels.index(level)] = periods >= cohort
        return table

    return cells


def convention(panel: PanelData) -> str:
    """Return the words for the `convention` column."""
    return (OF_SECTIONS if panel.sections else CONVENTION) + (
        "; weighted (cr2 takes weights as inverse variances)" if panel.weighted else ""
    )


def check_varies(panel: PanelData) -> None:
    """Raise `DataError` where the outcome is the same wherever it was measured."""
    measured = panel.y[~np.isnan(panel.y)]
    if len(measured) and measured.min() == measured.max():
        raise DataError("The outcome is the same in every row: there is no change to compare.")


def check_starts(panel: PanelData) -> None:
    """Raise `DataError` where nobody starts within the panel."""
    if not np.isfinite(panel.first_treated).any():
        raise DataError(
            "Nobody is treated within the panel: every first treated period is blank (or another "
            "word for never) or lies after the last period."
        )


def check_treated(panel: PanelData) -> None:
    """Raise `DataError` where no difference in differences exists at all, and say why."""
    treated = panel.period >= panel.first_treated
    if not treated.any():
        raise DataError("Nobody is treated within the panel.")
    if treated.all():
        raise DataError(
            "Everybody is treated from the first period on: there is no untreated period to "
            "compare with."
        )


def reference_before(analysis: AnalysisOptions) -> tuple[int, tuple[str, ...]]:
    """Return the event time that others refer to, before all anticipation, and a note where that
    moved it."""
    latest = -1 - analysis.anticipation
    if analysis.reference <= latest:
        return analysis.reference, ()
    note = (
        f"The reference is {latest} instead of {analysis.reference}: in the "
        f"{analysis.anticipation} before the start effects may already show (anticipation)."
    )
    return latest, (note,)
