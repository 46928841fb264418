"""Callaway–Sant'Anna against R did 2.5.1 on mpdta (data/ORIGIN-did.md): every estimate and analytic
error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalweave.estimators.callaway_santanna import callaway_santanna
from evalweave.estimators.panel_data import panel_data
from evalweave.inference.multiplier_bootstrap import multiplier_bootstrap
from evalweave.study.analyses import AnalysisOptions, Columns

DATA = Path(__file__).parent / "data"
R = json.loads((DATA / "did_mpdta.json").read_text())
MPDTA = pd.read_csv(DATA / "mpdta.csv")
ANALYTIC = [name for name in R if "bootstrap" not in name]
BOOTSTRAP = [name for name in R if "bootstrap" in name]
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}
TERMS = {"group": "group", "dynamic": "event", "calendar": "calendar"}


def fit(name, **more):
    options = R[name]["options"]
    frame = MPDTA[MPDTA["first.treat"] > 0] if "only_evertreated" in name else MPDTA
    analysis = AnalysisOptions(
        name="cs",
        estimator="callaway_santanna",
        method=options["est_method"],
        control=CONTROL[options["control_group"]],
        covariates=[] if options["xformla"] == "~1" else ["lpop"],
        anticipation=options.get("anticipation", 0),
        base=options.get("base_period", "varying"),
        balance=1 if "balance_e1" in name else None,
        **more,
    )
    columns = Columns(
        unit="countyreal",
        period="year",
        cluster=options.get("clustervars", "countyreal"),
        outcome="lemp",
        first_treated="first.treat",
    )
    return callaway_santanna(panel_data(frame, columns, analysis), analysis)


def expected(name):
    """(term, estimate, error) of everything R printed; no error for a base period."""
    r = R[name]
    for g, t, estimate, error in zip(
        *(r["att_gt"][key] for key in ("group", "t", "att", "se")), strict=True
    ):
        yield f"att_gt[{g},{t}]", estimate, error
    yield "simple", r["simple"]["overall_att"], r["simple"]["overall_se"]
    for kind, word in TERMS.items():
        yield f"{word}[overall]", r[kind]["overall_att"], r[kind]["overall_se"]
        for at, estimate, error in zip(
            *(r[kind][key] for key in ("egt", "att_egt", "se_egt")), strict=True
        ):
            yield f"{word}[{at}]", estimate, error


@pytest.mark.parametrize("name", ANALYTIC)
def test_every_number(name):
    found = fit(name)
    error = dict(zip(found.terms, np.sqrt((found.influence**2).sum(axis=0)), strict=True))
    theta = dict(zip(found.terms, found.theta, strict=True))
    rows = list(expected(name))
    assert {term for term, _, _ in rows} == set(found.terms)
    assert found.n_patients == R[name]["n"]
    for term, estimate, se in rows:
        assert theta[term] == pytest.approx(estimate, rel=1e-6, abs=1e-15), term
        assert error[term] == pytest.approx(se or 0.0, rel=1e-6, abs=1e-15), term


@pytest.mark.parametrize("name", [name for name in ANALYTIC if "cluster" not in name])
def test_unclustered_covariance_is_that_of_the_influence_by_county(name):
    found = fit(name, inference=["unit"])
    np.testing.assert_allclose(
        found.unit_covariance, found.influence.T @ found.influence, rtol=1e-9, atol=1e-18
    )


@pytest.mark.parametrize("name", BOOTSTRAP)
def test_multiplier_bootstrap_within_simulation_error(name):
    """25,000 draws on both sides: an interquartile range is known to about 1 %, a 95 % quantile to
    1 %."""
    found = fit(name)
    r = R[name]
    boot = multiplier_bootstrap(found, 25_000, seed=20, level=0.95)
    at = {term: k for k, term in enumerate(found.terms)}
    for term, _, error in expected(name):
        assert boot.std_error[at[term]] == pytest.approx(error, rel=0.045), term
    assert boot.critical[0] == pytest.approx(r["crit_val"], rel=0.02)
    for kind, word in TERMS.items():
        first = at[f"{word}[{r[kind]['egt'][0]}]"]
        assert boot.critical[first] == pytest.approx(r[kind]["crit_val_egt"], rel=0.02)
