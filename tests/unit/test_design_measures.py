"""What each practice carries of an estimate, against row-by-row regressions."""

from __future__ import annotations

import numpy as np
import pytest

import evalweave
from helpers.did_panels import absorbed, panel


def test_leverages_and_effective_practices_equal_those_from_rows():
    frame = panel(seed=41, practices=8, treated=3)
    x, _, g = absorbed(frame)
    measured = evalweave.twfe(frame, outcome="y", inference=["cr3"])
    design = measured.diagnostics["twfe"]["design"]
    hat = np.diag(x @ np.linalg.inv(x.T @ x) @ x.T)
    leverage = [hat[g == practice].sum() for practice in np.unique(g)]
    assert design["leverage"] == pytest.approx(sorted(leverage, reverse=True), rel=1e-8)
    others = x[:, 1:]
    tested = x[:, 0] - others @ np.linalg.lstsq(others, x[:, 0], rcond=None)[0]
    share = np.array([(tested[g == p] ** 2).sum() for p in np.unique(g)]) / (tested**2).sum()
    term = design["terms"]["att"]
    assert term["partial_leverage"] == pytest.approx(sorted(share, reverse=True), rel=1e-8)
    assert term["effective_practices"] == pytest.approx(1 / (share**2).sum(), rel=1e-8)
    assert term["dof"] == pytest.approx(measured.rows[0]["dof"])
