"""Imputation against least squares by hand, R didimputation and R did2s on mpdta
(data/ORIGIN-did.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.estimators.imputation import imputation
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns

DATA = Path(__file__).parent / "data"
R = json.loads((DATA / "imputation_mpdta.json").read_text())
MPDTA = pd.read_csv(DATA / "mpdta.csv")


@pytest.fixture(scope="module")
def fit():
    analysis = AnalysisOptions(name="bjs", estimator="imputation", inference=["unit"])
    columns = Columns(
        unit="countyreal",
        period="year",
        cluster="countyreal",
        outcome="lemp",
        first_treated="first.treat",
    )
    found = imputation(panel_data(MPDTA, columns, analysis), analysis)
    error = np.sqrt((found.influence**2).sum(axis=0))
    return found, dict(zip(found.terms, zip(found.theta, error, strict=True), strict=True))


def test_least_squares_by_hand(fit):
    hand = R["imputation_by_hand_lm"]
    assert fit[1]["att"][0] == pytest.approx(hand["overall"], rel=1e-9)
    for e, estimate in zip(hand["event"], hand["att_event"], strict=True):
        assert fit[1][f"event[{e}]"][0] == pytest.approx(estimate, rel=1e-9)


def test_didimputation(fit):
    static, event = R["didimputation_static"], R["didimputation_event"]
    assert fit[1]["att"] == pytest.approx((static["estimate"], static["std.error"]), rel=1e-6)
    for term, estimate, error in zip(
        event["term"], event["estimate"], event["std.error"], strict=True
    ):
        found = fit[1][f"event[{term}]"]
        assert found[0] == pytest.approx(estimate, rel=1e-6)
        # leads: fixest's factor, 500 clusters, 2,209 untreated rows, 5 periods and 3 leads
        factor = np.sqrt(500 / 499 * 2208 / 2201) if int(term) < 0 else 1.0
        assert found[1] * factor == pytest.approx(error, rel=1e-6)


def test_did2s_estimates(fit):
    assert fit[1]["att"][0] == pytest.approx(R["did2s_static"]["estimate"], rel=1e-6)


def test_unclustered_covariance(fit):
    np.testing.assert_allclose(
        fit[0].unit_covariance, fit[0].influence.T @ fit[0].influence, rtol=1e-9
    )
