"""Goodman-Bacon weights against R bacondecomp on mpdta (data/ORIGIN-twfe.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.diagnostics.goodman_bacon import by_kind, goodman_bacon
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns

DATA = Path(__file__).parent / "data"
R = json.loads((DATA / "twfe_mpdta.json").read_text())["bacon_mpdta"]
KINDS = {
    "earlier_vs_later_treated": "Earlier vs Later Treated",
    "later_vs_earlier_treated": "Later vs Earlier Treated",
    "treated_vs_untreated": "Treated vs Untreated",
}


@pytest.fixture(scope="module")
def table():
    analysis = AnalysisOptions(name="bacon", estimator="twfe")
    columns = Columns(
        unit="countyreal",
        period="year",
        cluster="state",
        outcome="lemp",
        first_treated="first.treat",
    )
    found, notes = goodman_bacon(panel_data(pd.read_csv(DATA / "mpdta.csv"), columns, analysis))
    assert notes == ()
    return found


def test_every_comparison(table):
    keys = ["treated", "untreated", "estimate", "weight"]
    expected = pd.DataFrame({key: R[key] for key in keys}).sort_values(keys[:2], ignore_index=True)
    np.testing.assert_allclose(
        table[["treated", "comparison"]], expected[["treated", "untreated"]].astype(float)
    )
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(table["weight"], expected["weight"], rtol=1e-9)


def test_sum_is_the_two_way_coefficient(table):
    assert table["weight"].sum() == pytest.approx(1)
    assert (table["weight"] * table["estimate"]).sum() == pytest.approx(R["twfe"], rel=1e-9)


def test_by_kind(table):
    for row in by_kind(table).itertuples():
        assert row.weight == pytest.approx(R["by_type"][KINDS[row.kind]], rel=1e-9)
        assert row.estimate == pytest.approx(R["by_type_avg"][KINDS[row.kind]], rel=1e-9)
