"""Repeated cross-sections on an unbalanced staggered panel against csdid 0.4.3
(data/ORIGIN-did.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.estimators.callaway_santanna import callaway_santanna
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns

DATA = Path(__file__).parent / "data"
CSDID = json.loads((DATA / "csdid_unbalanced.json").read_text())
PANEL = pd.read_csv(DATA / "unbalanced_panel.csv")
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}


@pytest.mark.parametrize("name", CSDID)
def test_every_number(name):
    given, rows = CSDID[name]["options"], CSDID[name]["rows"]
    analysis = AnalysisOptions(
        name="cs",
        estimator="callaway_santanna",
        method=given["method"],
        control=CONTROL[given["control"]],
        base=given.get("base", "varying"),
        anticipation=given.get("anticipation", 0),
        unbalanced="repeated_cross_section",
        covariates=["z"],
    )
    columns = Columns(
        unit="patient_id",
        period="period",
        cluster=given.get("cluster", "patient_id"),
        outcome="y",
        first_treated="first_treated",
        weight=given.get("weight"),
    )
    fit = callaway_santanna(panel_data(PANEL, columns, analysis), analysis)
    error = np.sqrt((fit.influence**2).sum(axis=0))
    found = dict(zip(fit.terms, zip(fit.theta, error, strict=True), strict=True))
    assert set(found) == set(rows)
    for term, (estimate, se) in rows.items():
        assert found[term] == pytest.approx((estimate, se or 0.0), rel=1e-6, abs=1e-12), term
