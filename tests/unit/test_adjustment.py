"""Fixed covariates by period from moments are the columns written out, whatever is asked."""

from __future__ import annotations

import numpy as np
import pytest

from evalweave.estimators.adjustment import Adjustment, adjustment
from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.treatment import by_level, started
from evalweave.inference.registry import infer
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("subgroup", [None, "white"])
def test_moments_of_fixed_covariates_are_those_of_the_columns_written_out(weight, subgroup):
    frame = panel(seed=91, units=140)
    number = frame["patient_id"].str[1:].astype(int)
    frame["age"], frame["sex"] = 40.0 + number % 31, np.where(number % 5 > 2, "F", "M")
    options = AnalysisOptions.model_validate(
        {
            "name": "a",
            "estimator": "twfe",
            "covariates": ["age", "sex", "x"],
            "subgroup": subgroup,
            "inference": ["cr1", "cr2", "unit", "randomisation"],
            "draws": 199,
        }
    )
    data = panel_data(frame, Columns(outcome="y", weight=weight), options)
    short = adjustment(data)
    assert set(short.steady) == {"age", "sex=M"} and set(short.columns) == {"x"}
    written = Adjustment(short.written_out(data), short.of, short.fixed)
    levels = [0, 1] if subgroup else []
    terms, cells = (("one", "other"), by_level(levels)) if levels else (("att",), started)
    fits = []
    for adjusts in (short, written):
        solved = solve(data, terms, cells, adjusts)
        unit = np.eye(len(solved.names))
        contrasts = {name: unit[j] for j, name in enumerate(solved.names)}
        fits.append(fit_of(data, solved, contrasts, options, ""))
    one, other = fits
    assert one.convention == other.convention == "; adjusted for age × period, sex × period, x"
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9)
    np.testing.assert_allclose(one.influence, other.influence, rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(one.unit_covariance, other.unit_covariance, rtol=1e-8)
    for method in ("cr1", "cr2", "randomisation"):
        here, there = infer(one, method, options), infer(other, method, options)
        np.testing.assert_allclose(here.std_error, there.std_error, rtol=1e-7)
        np.testing.assert_allclose(here.p_value, there.p_value, rtol=1e-7)
        np.testing.assert_allclose(here.ci_low, there.ci_low, rtol=1e-5)
