"""The panels that the analyses of a SPEC are of, each read once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.errors import DataError
from evalweave.estimators.allocation import allocated
from evalweave.estimators.panel_columns import Problems, numbers
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.row_filter import kept_rows
from evalweave.fits.result import Ints, PanelData
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec


class Panels:
    """The panels that analyses are of, each read once."""

    def __init__(
        self,
        frame: pd.DataFrame,
        spec: FitSpec,
        file: str,
        notes: tuple[str, ...],
        area: str | None,
    ) -> None:
        self.frame, self.spec, self.file = frame, spec, file
        self.notes, self.area = notes, area
        self.read: dict[tuple[Any, ...], PanelData] = {}

    def of(
        self, analysis: AnalysisOptions, columns: Columns, more: tuple[str, ...] = ()
    ) -> PanelData:
        """Return the panel of an analysis and outcome, with `more` numeric columns.

        Raises:
            DataError: where the panel is at fault.
        """
        extra = (*calls.extra_columns(analysis), *more)
        if analysis.unaffected_population:
            analysis = analysis.model_copy(update={"subgroup": analysis.unaffected_population})
        names = analysis.subgroup, tuple(analysis.covariates), tuple(analysis.factors), extra
        key = (columns.outcome, analysis.where, *names, *_reading(analysis))
        if key not in self.read:
            frame, places, notes = self._rows(analysis)
            panel = panel_data(frame, columns, analysis, extra, self.file, places)
            panel = allocated(panel, frame, columns, self.spec.allocation, self.area, self.file)
            self.read[key] = replace(panel, notes=(*self.notes, *notes, *panel.notes))
        return self.read[key]

    def _rows(self, analysis: AnalysisOptions) -> tuple[pd.DataFrame, Ints | None, list[str]]:
        """Return the rows that an analysis is of, their places, and notes that count the others."""
        asked = [where for where in (self.spec.where, analysis.where) if where]
        if not asked:
            return self.frame, None, []
        filled = self._filled()
        masks, notes = zip(*(kept_rows(filled, w, self.file) for w in asked), strict=True)
        places = np.flatnonzero(np.all(masks, axis=0))
        if not len(places):
            raise DataError(f"{self.file}: no row meets both {' and '.join(asked)}.")
        return self.frame.iloc[places].reset_index(drop=True), places, list(notes)

    def _filled(self) -> pd.DataFrame:
        """Return the table as conditions see it: a blank outcome is zero where that is declared,
        so that `count < 5` holds for it."""
        columns = self.spec.columns
        if columns.missing != "zero":
            return self.frame
        problems, filled = Problems(self.file), {}
        for each in columns.each_outcome():
            if list(self.frame.columns).count(each.outcome) == 1:
                values = numbers(self.frame, each.outcome, problems)
                filled[each.outcome] = np.where(np.isnan(values), 0.0, values)
        problems.raise_all()
        return self.frame.assign(**filled)


def _reading(analysis: AnalysisOptions) -> tuple[Any, ...]:
    """Return the options that change how a panel is read."""
    blanks = bool(ESTIMATORS[analysis.estimator].blank_outcomes)
    return analysis.anticipation, analysis.unknown_covariates, blanks
