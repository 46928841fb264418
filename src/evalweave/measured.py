"""Did the programme change who is seen at all?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.catalogue.inferences import AUTO
from evalweave.errors import DataError
from evalweave.fits.fit_result import FitResult
from evalweave.fitting import fit
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec


def measured_did(
    frame: pd.DataFrame, columns: Columns, measured: str, inference: tuple[str, ...] = (AUTO,)
) -> FitResult:
    """Return TWFE of `measured` (1 = has a value, 0 = none) on availability: a linear probability
    model.

    `frame` has one row for every patient-period in follow-up, measured or not. A programme that
    changes who is measured biases the outcome's estimate; the effect is in probability of being
    measured a period.

    Raises:
        DataError: if `measured` holds anything but 0 and 1, or the panel is at fault.
    """
    if measured in frame and not frame[measured].dropna().isin([0, 1]).all():
        raise DataError(
            f"the panel, column {measured}: found other values, expected 1 (measured) and 0 (not)."
        )
    analysis = AnalysisOptions.model_validate(
        {
            "name": "measured",
            "estimator": "twfe",
            "inference": list(inference),
            "diagnostics": False,
        }
    )
    return fit(
        frame,
        FitSpec(columns=columns.model_copy(update={"outcome": measured}), analyses=[analysis]),
    )


def measured_effect(frame: pd.DataFrame, columns: Columns, measured: str) -> dict[str, Any]:
    """Return the `att` of `measured_did` with its default interval for diagnostics.json, or why
    there is none."""
    try:
        row = measured_did(frame, columns, measured).rows[0]
    except DataError as error:
        return {"absent": str(error)}
    return {
        name: row[name]
        for name in ("estimate", "std_error", "ci_low", "ci_high", "p_value", "inference")
    }
