"""The tables that are released beside the page, every count through the disclosure profile."""

from __future__ import annotations

import pandas as pd

from evalweave.release.notes import released_words
from evalweave.release.voices import released_theme_numbers
from evalweave.report import checks, flow_table, regression
from evalweave.report.data import ReportData
from evalweave.report.terms import in_words
from evalweave.report.whom import released_deaths, released_measured
from evalweave.tables.joint import JOINT_DISPLAY
from evalweave.tables.qualitative import THEME_COUNTS

PRIVATE = ("segment_id", "participant_id", "patient_id", "practice_id", "source_id", "coder_id")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def released_tables(data: ReportData) -> dict[str, pd.DataFrame]:
    """Return name -> table: those that count people, and costs against effects, which counts
    none."""
    tables = dict(data.remembered(counting_tables))
    if data.released_economics is not None:
        tables["economics"] = _public(data.released_economics.table)
    return tables


def counting_tables(data: ReportData) -> dict[str, pd.DataFrame]:
    """Return name -> table: estimates, flow, baseline, balance (of weights), who was measured,
    deaths, new cases and those of the qualitative strand.

    What a study did not have is left out.
    """
    tables = {"estimates": labelled(data, data.released_estimates), "flow": flow_table.table(data)}
    tables["checks"] = checks.released(data)
    tables[regression.NAME] = regression.frame(data)
    if data.released_baseline is not None:
        tables["baseline"] = data.released_baseline
    if data.released_balance is not None:
        tables["balance"] = data.released_balance
    if (measured := released_measured(data)) is not None:
        tables["measured"] = measured
    if (deaths := released_deaths(data)) is not None:
        tables["death_rates"] = deaths
    if data.released_incidence is not None:
        tables["incidence_rates"] = data.released_incidence
    if data.theme_counts is not None:
        tables["theme_counts"] = data.profile.count_frame(data.theme_counts, THEME_COUNTS)
    if data.theme_counts is not None and data.theme_numbers is not None:
        tables["theme_numbers"] = released_theme_numbers(
            data.profile, data.theme_numbers, data.theme_counts
        )
    if data.released_joint is not None:
        tables["joint_display"] = _joint(data, data.released_joint)
    return {name: _public(frame) for name, frame in tables.items()}


def _joint(data: ReportData, joint: pd.DataFrame) -> pd.DataFrame:
    """Return the joint display with every count released, those in the analysts' words too."""
    frame = data.profile.count_frame(joint, JOINT_DISPLAY)
    for name in ("analyst_reason", "meta_inference"):
        words = frame[name].fillna("")
        frame[name] = [released_words(data.profile, said) or None for said in words]
    return frame


def _public(frame: pd.DataFrame) -> pd.DataFrame:
    return neutral(frame.drop(columns=[name for name in PRIVATE if name in frame]))


def as_text(data: ReportData) -> dict[str, list[dict[str, str]]]:
    """Return name → rows of everything that is released with counts of its own, as a reader of the
    files has it."""
    tables = dict(data.remembered(counting_tables))
    if data.released_trends is not None:
        tables["figures/raw-means"] = data.released_trends
    return {
        name: frame.astype(object).where(frame.notna(), "").astype(str).to_dict("records")
        for name, frame in tables.items()
    }


def labelled(data: ReportData, estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates with `term_label` beside `term`: the same in words, periods by their
    names (2018 Q1)."""
    known = {analysis.name: analysis for analysis in data.study.analyses}
    pairs = estimates[["analysis", "term"]].drop_duplicates()
    words = {
        (name, term): in_words(data, known[name], term) if name in known else term
        for name, term in pairs.astype(str).itertuples(index=False, name=None)
    }
    keys = estimates[["analysis", "term"]].astype(str).itertuples(index=False, name=None)
    labels = pd.Series([words[key] for key in keys], index=estimates.index, dtype="string")
    frame = estimates.copy()
    frame.insert(list(frame.columns).index("term") + 1, "term_label", labels)
    return frame


def neutral(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose text cells cannot be taken for a formula by a spreadsheet."""
    frame = frame.copy()
    for place, (name, kind) in enumerate(frame.dtypes.items()):
        if kind in ("string", "object"):
            cells = [_guarded(each) for each in frame.iloc[:, place]]
            frame[name] = pd.array(cells, dtype="string")
    return frame


def _guarded(cell: object) -> object:
    return f"'{cell}" if str(cell).startswith(FORMULA) and cell is not pd.NA else cell
