"""TWFE and its event study against R fixest and clubSandwich on mpdta (data/ORIGIN-twfe.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import evalweave

DATA = Path(__file__).parent / "data"
R = json.loads((DATA / "twfe_mpdta.json").read_text())
MPDTA = pd.read_csv(DATA / "mpdta.csv")
COLUMNS = {
    "outcome": "lemp",
    "unit": "countyreal",
    "period": "year",
    "first_treated": "first.treat",
}


def row(cluster, method, estimator="twfe"):
    table = getattr(evalweave, estimator)(
        MPDTA, cluster=cluster, inference=[method], diagnostics=False, **COLUMNS
    ).tidy()
    return table.set_index("term")


@pytest.mark.parametrize(
    ("cluster", "method", "key"),
    [
        ("countyreal", "cr1", "cluster_countyreal"),
        ("countyreal", "cr0", "cluster_countyreal_noadj_CR0"),
        ("state", "cr1", "cluster_state"),
        ("state", "cr0", "cluster_state_noadj_CR0"),
    ],
)
def test_fixest_clustered(cluster, method, key):
    found, expected = row(cluster, method).loc["att"], R["mpdta_twfe"][key]
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
    assert found["std_error"] == pytest.approx(expected["se"], rel=1e-6)
    assert found["p_value"] == pytest.approx(expected["p"], rel=1e-6)
    assert found["ci_low"] == pytest.approx(expected["ci_lo"], rel=1e-6)
    assert found["ci_high"] == pytest.approx(expected["ci_hi"], rel=1e-6)
    assert found["dof"] == expected["df_t"]
    assert found["n_obs"] == expected["nobs"]


def test_clubsandwich_cr2_with_satterthwaite():
    found, expected = row("state", "cr2").loc["att"], R["mpdta_twfe_clubSandwich_state"]["CR2"]
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
    assert found["std_error"] == pytest.approx(expected["se"], rel=1e-6)
    assert found["dof"] == pytest.approx(expected["df_satt"], rel=1e-4)
    assert found["p_value"] == pytest.approx(expected["p_satt"], rel=1e-5)
    assert found["ci_low"] == pytest.approx(expected["ci_lo"], rel=1e-5)
    assert found["ci_high"] == pytest.approx(expected["ci_hi"], rel=1e-5)


def test_clubsandwich_dof_without_adjustment():
    from evalweave.inference.cluster_robust import adjusted, spectrum

    fit = evalweave.twfe(MPDTA, cluster="state", diagnostics=False, **COLUMNS).fits["twfe"]
    _, dof = adjusted(spectrum(fit), 0.0)
    assert dof[0] == pytest.approx(R["mpdta_twfe_clubSandwich_state"]["CR0"]["df_satt"], rel=1e-4)


def test_fixest_event_study():
    found, expected = row("countyreal", "cr1", "event_study"), R["mpdta_event_twfe"]
    for j, name in enumerate(expected["term"]):
        term = f"event[{name.removeprefix('rel::')}]"
        for ours, theirs in (
            ("estimate", "estimate"),
            ("std_error", "se"),
            ("p_value", "p"),
            ("ci_low", "ci_lo"),
        ):
            assert found.loc[term, ours] == pytest.approx(expected[theirs][j], rel=1e-6), term
