"""Person-time: what an estimator makes of the exposure of a row.

A count in part of a period is no count of a whole one. Poisson models take exposure as an offset;
the others take the outcome a unit of exposure, weighted by exposure; where neither has a meaning,
exposure is refused.
"""

from __future__ import annotations

from dataclasses import replace

from evalweave.catalogue.methods import ANNUALISED, OFFSET, Estimator
from evalweave.errors import StudyError
from evalweave.fits.result import PanelData


def with_exposure(panel: PanelData, estimator: Estimator) -> PanelData:
    """Return the panel as `estimator` takes exposure.

    Raises:
        StudyError: where it takes none.
    """
    if panel.exposure is None or estimator.exposure == OFFSET:
        return panel
    if estimator.exposure != ANNUALISED:
        raise StudyError(
            f"{estimator.name} takes no exposure: a yes or no in part of a period is not a part of "
            "a yes. Leave `exposure` out, or count events and use poisson."
        )
    note = "The outcome is counted a unit of exposure, and rows are weighted by exposure."
    return replace(annualised(panel), notes=(*panel.notes, note))


def annualised(panel: PanelData) -> PanelData:
    """Return a panel whose outcome is counted a unit of exposure and weighted by exposure."""
    if panel.exposure is None:
        return panel
    return replace(
        panel,
        y=panel.y / panel.exposure,
        weight=panel.weight * panel.exposure,
        weighted=True,
        exposure=None,
    )
