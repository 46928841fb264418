"""Models of counts against programs by others, on mpdta (employment = exp(lemp)).

Wooldridge's nonlinear estimator: the results that R `etwfe` prints and tests itself
(inst/tinytest/test_etwfe.R and test_emfx.R, github.com/grantmcdermott/etwfe, MIT licence): Poisson,
covariate lpop, errors clustered by county, fixest's factors. Poisson with county and year effects:
pyfixest 0.60.0, `fepois("emp ~ D | countyreal + year", vcov={"CRV1": "countyreal"})`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.estimators.glm import solve_glm
from evalweave.estimators.glm_effects import average, means, scores
from evalweave.estimators.glm_rows import model_rows, treated_cells
from evalweave.estimators.panel_data import panel_data
from evalweave.study.analyses import AnalysisOptions, Columns

MPDTA = pd.read_csv(Path(__file__).parent / "data" / "mpdta.csv").assign(
    emp=lambda d: np.exp(d["lemp"])
)
COLUMNS = {
    "outcome": "emp",
    "unit": "countyreal",
    "period": "year",
    "first_treated": "first.treat",
    "cluster": "countyreal",
}
ETWFE_COEFFICIENTS = {
    "att_gt[2004,2004]": (-0.0309556552918575, 0.0176207591941838),
    "att_gt[2004,2005]": (-0.0662240386949426, 0.0255833352827062),
    "att_gt[2004,2006]": (-0.132971344933512, 0.0237253169390011),
    "att_gt[2004,2007]": (-0.117022779216096, 0.022500568035011),
    "att_gt[2006,2006]": (-0.00904940559832479, 0.0244213099833293),
    "att_gt[2006,2007]": (-0.0681486377022154, 0.025111336200421),
    "att_gt[2007,2007]": (-0.0399915656289664, 0.0168249306911585),
}
PYFIXEST = (-0.01468350490160723, 0.019709633116437208)  # coefficient, CRV1 error
EMFX_EVENTS = {  # differences in employment, thousands of people
    0: (-25.3497484355494, 15.8862762958862),
    1: (1.09175116997388, 40.2952222352926),
    2: (-75.1246321552693, 23.1541376499351),
    3: (-101.823979344829, 27.0877431076141),
}


@pytest.fixture(scope="module")
def fitted():
    analysis = AnalysisOptions(name="a", estimator="nonlinear_etwfe", covariates=["lpop"])
    panel = panel_data(MPDTA, Columns(**COLUMNS), analysis)
    rows = model_rows(panel, treated_cells(panel), "cohort", absorbed=True, one_term=False)
    return panel, solve_glm(rows, "poisson")


def factor(panel) -> float:
    """fixest's small-sample factor with the 30 coefficients of etwfe's model."""
    g, n = panel.n_clusters, len(panel.y)
    return float(np.sqrt(g / (g - 1) * (n - 1) / (n - 30)))


def test_coefficients_of_etwfe(fitted):
    panel, solution = fitted
    errors = np.sqrt((scores(solution, panel.n_clusters) ** 2).sum(axis=0)) * factor(panel)
    for name, (coefficient, error) in ETWFE_COEFFICIENTS.items():
        place = solution.rows.names.index(name)
        assert solution.beta[place] == pytest.approx(coefficient, rel=1e-6), name
        assert errors[place] == pytest.approx(error, rel=2e-5), name  # its tolerance


def test_effects_on_the_natural_scale_of_emfx(fitted):
    panel, solution = fitted
    at, by_practice = means(solution), scores(solution, panel.n_clusters)
    cells = np.array(solution.rows.cells)
    for event, (estimate, error) in EMFX_EVENTS.items():
        members = np.flatnonzero(cells[:, 1] - cells[:, 0] == event)
        mask = np.isin(solution.rows.cell, members)
        att, _ = average(solution, at, mask, by_practice)
        ours = np.sqrt((att.parameters**2).sum()) * factor(panel)  # emfx holds the treated fixed
        assert att.value == pytest.approx(estimate, rel=1e-5), event
        assert ours == pytest.approx(error, rel=2e-4), event


def test_the_estimator_reports_these_effects():
    result = evalweave.nonlinear_etwfe(
        MPDTA, covariates=["lpop"], inference=["cr1"], diagnostics=False, **COLUMNS
    )
    found = result.tidy().set_index("term")["estimate"]
    for event, (estimate, _) in EMFX_EVENTS.items():
        assert found[f"event[{event}]"] == pytest.approx(estimate, rel=1e-5)
    assert found["event[overall]"] == pytest.approx(np.mean([e for e, _ in EMFX_EVENTS.values()]))


def test_poisson_with_county_effects_is_pyfixests():
    result = evalweave.poisson(MPDTA, inference=["cr0"], diagnostics=False, **COLUMNS)
    ratio = result.tidy().set_index("term").loc["ratio"]
    assert np.log(ratio["estimate"]) == pytest.approx(PYFIXEST[0], rel=1e-6)
    n, parameters = len(MPDTA), 6  # D and the years; counties are nested in themselves
    clusters = MPDTA["countyreal"].nunique()
    small = np.sqrt(clusters / (clusters - 1) * (n - 1) / (n - parameters))
    error = ratio["std_error"] / ratio["estimate"] * small
    assert error == pytest.approx(PYFIXEST[1], rel=1e-4)
