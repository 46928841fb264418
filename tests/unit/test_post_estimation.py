"""Covariance and influence that `fit` writes, used for a test of one's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import yaml
from typer.testing import CliRunner

import evalweave
from evalweave.cli import app
from evalweave.errors import StudyError
from evalweave.study.analyses import FitSpec
from evalweave.study.refusals import check_spec
from helpers.did_panels import panel

EVENTS = (-3, -2, 0, 1, 2)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An event study as `fit` writes it."""
    folder = tmp_path_factory.mktemp("fit")
    frame = panel(seed=91, units=150, practices=12, treated=6)
    frame.to_csv(folder / "panel.csv", index=False)
    analysis = {
        "name": "es",
        "estimator": "event_study",
        "inference": ["cr0", "cr3", "randomisation"],
    }
    spec = {
        "columns": {"outcome": "y"},
        "analyses": [{**analysis, "draws": 99, "diagnostics": False}],
    }
    arguments = ["fit", str(folder / "panel.csv"), "--spec", json.dumps(spec)]
    told = CliRunner().invoke(app, [*arguments, "--out", str(folder)])
    assert told.exit_code == 0, told.output
    return frame, folder


def test_a_wald_test_of_two_terms_from_what_is_written_is_that_of_least_squares(written):
    """As docs/your-own-panel.md does it: event[1] = event[2] = 0."""
    frame, folder = written
    terms = ["event[1]", "event[2]"]
    estimates = pd.read_csv(folder / "estimates.csv").query("inference == 'cr0'")
    b = estimates.set_index("term").loc[terms, "estimate"].to_numpy()
    table = pd.read_csv(folder / "covariance.csv").query("inference == 'cr0'")
    v = table.pivot(index="term", columns="with_term", values="covariance").loc[terms, terms]
    wald = b @ np.linalg.solve(v.to_numpy(), b) / 2
    wide = frame.assign(
        **{f"e{e + 3}": (frame["period"] - frame["first_treated"] == e).astype(int) for e in EVENTS}
    )
    names = " + ".join(f"e{e + 3}" for e in EVENTS)
    model = smf.ols(f"y ~ {names} + C(period) + C(patient_id)", wide).fit(
        cov_type="cluster",
        cov_kwds={"groups": pd.factorize(frame["practice_id"])[0], "use_correction": False},
    )
    assert wald == pytest.approx(float(model.f_test("e4 = 0, e5 = 0").fvalue), rel=1e-6)


def test_every_spec_of_the_page_is_one():
    page = (Path(__file__).parents[2] / "docs" / "your-own-panel.md").read_text(encoding="utf-8")
    specs = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(specs) == 4
    for spec in specs:
        check_spec(FitSpec.model_validate(yaml.safe_load(spec)))


def test_influence_gives_the_covariance_without_a_factor(written):
    _, folder = written
    influence = pd.read_parquet(folder / "influence.parquet")
    psi = influence.pivot(index="practice_id", columns="term", values="influence")
    table = pd.read_csv(folder / "covariance.csv").query("inference == 'cr0'")
    v = table.pivot(index="term", columns="with_term", values="covariance")
    assert len(psi) == 12
    assert np.allclose(psi.T @ psi, v.loc[psi.columns, psi.columns], rtol=1e-10)


def test_each_method_has_its_own_and_its_diagonal_is_the_squared_error(written):
    _, folder = written
    table = pd.read_csv(folder / "covariance.csv")
    estimates = pd.read_csv(folder / "estimates.csv")
    assert set(table["inference"]) == {"cr0", "cr3"}  # permutations have no covariance
    for method, part in table[table["term"] == table["with_term"]].groupby("inference"):
        own = estimates[estimates["inference"] == method].set_index("term")["std_error"]
        found = part.set_index("term")["covariance"]
        assert np.allclose(np.sqrt(found[own.index]), own)


def test_the_jackknife_of_re_estimated_terms_has_a_covariance_too():
    frame = panel(seed=92, units=90, staggered=True)
    fitted = evalweave.callaway_santanna(
        frame, outcome="y", inference=["jackknife"], diagnostics=False
    )
    table = fitted.covariance(inference="jackknife")
    errors = fitted.tidy().set_index("term")["std_error"]
    assert np.allclose(np.sqrt(np.diag(table)), errors[table.index])
    assert np.linalg.eigvalsh(table).min() > -1e-10
    with pytest.raises(StudyError, match="callaway_santanna by jackknife"):
        fitted.covariance(inference="cr2")


def test_the_page_tests_one_of_several_analyses(written, tmp_path, monkeypatch):
    """The snippet of docs/your-own-panel.md itself, beside a second analysis of the same terms."""
    _, folder = written
    (tmp_path / "out").mkdir()
    for name in ("estimates.csv", "covariance.csv"):
        table = pd.read_csv(folder / name)
        pd.concat([table, table.assign(analysis="other")]).to_csv(
            tmp_path / "out" / name, index=False
        )
    page = (Path(__file__).parents[2] / "docs" / "your-own-panel.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)[1], names)
    assert names["v"].shape == (2, 2)
    assert names["statistic"] > 0


def test_terms_whose_influence_is_not_known_are_left_out():
    frame = panel(seed=93, units=80, practices=8, treated=1, seen=1.1)
    fitted = evalweave.synthetic_did(frame, outcome="y", inference=["placebo"])
    assert fitted.fits["synthetic_did"].influence.size
    assert len(fitted.influence_rows()) == 0
    assert not fitted.tidy().empty
