"""Who was measured and who died in the primary comparison, as released."""

from __future__ import annotations

import pandas as pd

from evalweave.release import measured
from evalweave.report.data import ReportData


def released_measured(data: ReportData) -> pd.DataFrame | None:
    """Return MEASURED of the outcomes with records of their own; None where there is none."""
    trends, known = data.trends.get(data.described), list(data.study.recorded)
    return None if trends is None else measured.released(data.profile, trends, known)


def released_deaths(data: ReportData) -> pd.DataFrame | None:
    """Return DEATH_RATES; None where deaths were not counted."""
    return None if data.deaths is None else measured.deaths(data.profile, data.deaths)
