"""Rambachan–Roth bounds against R HonestDiD on the Medicaid expansion (data/ORIGIN-did.md).

1e-3 of the outcome's unit throughout: R simulates critical values (1,000 draws; ours 25,000) and
the quantile of the folded normal (ours is exact), and its C-LF grid has steps of 4e-4.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evalweave.diagnostics.honest_did import breakdown_value, honest_did

R = json.loads((Path(__file__).parent / "data" / "honestdid_ehec.json").read_text())["ehec"]
BETA, SIGMA = np.array(R["betahat"]), np.array(R["sigma"])
CASES = {
    "RM_CLF_first_Mbar0.5to2_gridPoints1000": ("first", "relative", "c_lf", "Mbar"),
    "RM_CLF_avg_Mbar0to2": ("average", "relative", "c_lf", "Mbar"),
    "RM_Conditional_first_Mbar0.5to2": ("first", "relative", "conditional", "Mbar"),
    "SD_FLCI_first_M0to0.05": ("first", "smoothness", "flci", "M"),
    "SD_FLCI_avg_M0to0.05": ("average", "smoothness", "flci", "M"),
    "SD_CLF_first_M0to0.05": ("first", "smoothness", "c_lf", "M"),
}


@pytest.mark.parametrize("name", CASES)
def test_bounds(name):
    target, kind, method, key = CASES[name]
    table = honest_did(BETA, SIGMA, 5, 2, target, kind, grid=R[name][key], method=method).iloc[1:]
    np.testing.assert_allclose(table["ci_low"], R[name]["lb"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(table["ci_high"], R[name]["ub"], rtol=0, atol=1e-3)


def test_conditional_bounds_without_simulation_are_the_same_grid_points():
    name = "RM_Conditional_first_Mbar0.5to2"
    table = honest_did(BETA, SIGMA, 5, 2, grid=R[name]["Mbar"], method="conditional").iloc[1:]
    np.testing.assert_allclose(table["ci_low"], R[name]["lb"], rtol=1e-9)
    np.testing.assert_allclose(table["ci_high"], R[name]["ub"], rtol=1e-9)


@pytest.mark.parametrize(("target", "key"), [("first", "original"), ("average", "original_avg")])
def test_under_parallel_trends(target, key):
    row = honest_did(BETA, SIGMA, 5, 2, target, grid=[]).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((R[key]["lb"], R[key]["ub"]), rel=1e-6)


def test_breakdown_lies_where_the_bound_crosses_zero():
    """R's lower bounds change sign between Mbar 1.5 and 2, and between M 0.02 and 0.03."""
    assert 1.5 < breakdown_value(BETA, SIGMA, 5, 2) < 2
    assert 0.02 < breakdown_value(BETA, SIGMA, 5, 2, kind="smoothness") < 0.03
