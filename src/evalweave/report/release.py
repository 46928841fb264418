"""The tables that are released beside the page, every count through the disclosure profile."""

from __future__ import annotations

import pandas as pd

from evalweave import tables
from evalweave.report import flowchart
from evalweave.report.data import ReportData

PRIVATE = ("segment_id", "participant_id", "patient_id", "practice_id", "source_id", "coder_id")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def released_tables(data: ReportData) -> dict[str, pd.DataFrame]:
    """Return name -> table: estimates, flow, baseline, balance (of weights) and those of the qualitative strand.

    What a study did not have is left out.
    """
    found = {"estimates": data.released_estimates, "flow": flowchart.table(data)}
    if data.released_baseline is not None:
        found["baseline"] = data.released_baseline
    if data.released_balance is not None:
        found["balance"] = data.released_balance
    if data.theme_counts is not None:
        found["theme_counts"] = data.profile.count_frame(data.theme_counts, tables.THEME_COUNTS)
    if data.released_joint is not None:
        found["joint_display"] = data.profile.count_frame(data.released_joint, tables.JOINT_DISPLAY)
    return {
        name: neutral(frame.drop(columns=[c for c in PRIVATE if c in frame])) for name, frame in found.items()
    }


def neutral(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose text cells cannot be taken for a formula by a spreadsheet."""
    frame = frame.copy()
    for name in frame.columns:
        if frame[name].dtype == "string" or frame[name].dtype == object:
            cells = frame[name].astype("string")
            risky = cells.str.startswith(FORMULA).fillna(False)
            frame[name] = cells.mask(risky, "'" + cells)
    return frame
