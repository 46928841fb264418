"""What every inference method owes a term."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import evalweave
from evalweave.catalogue.calls import applies
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.catalogue.methods import PLACEBO
from evalweave.errors import StudyError
from evalweave.fits.result import Fit
from evalweave.inference.result import from_t
from helpers.did_panels import panel


def test_a_term_that_is_zero_by_construction_has_no_error() -> None:
    from evalweave import callaway_santanna

    rng = np.random.default_rng(3)
    rows = [
        {
            "patient_id": f"p{i}",
            "practice_id": f"g{i % 8}",
            "period": t,
            "y": rng.normal() + t,
            "first_treated": 3 if i % 8 < 4 else None,
        }
        for i in range(80)
        for t in range(1, 5)
    ]
    found = callaway_santanna(
        pd.DataFrame(rows),
        outcome="y",
        base="universal",
        inference=["cr0", "cr1", "jackknife", "unit"],
    )
    table = found.tidy().set_index("term")
    base = table.loc["event[-1]"]
    assert len(base) == 4
    assert (base["estimate"] == 0).all()
    assert base[["std_error", "ci_low", "ci_high", "p_value", "dof"]].isna().all(axis=None)
    assert table.loc["event[0]", "std_error"].notna().all()
    effects = found.diagnostics["callaway_santanna"]["minimum_detectable_effect"]["effects"]
    assert "event[-1]" not in effects


def test_a_term_that_happens_to_be_zero_keeps_its_error() -> None:
    influence = np.array([[0.0, 1.0], [0.0, -1.0]])
    fit = Fit("made", ("base", "null"), np.zeros(2), influence, ("a", "b"), 2, 2, 2, 1)
    found = from_t(fit, np.array([0.0, 2.0]), 5, 0.95, "")
    assert np.isnan(found.std_error[0])
    assert found.ci_high[1] == pytest.approx(2 * stats.t.ppf(0.975, 5))
    assert found.p_value[1] == 1.0


@pytest.mark.parametrize("method", [m.name for m in INFERENCES.values() if not m.band])
def test_a_method_without_a_band_refuses_to_pass_for_one(method):
    estimator = next(e.name for e in ESTIMATORS.values() if applies(INFERENCES[method], e))
    with pytest.raises(StudyError, match=f"{method} has no simultaneous band"):
        getattr(evalweave, estimator)(
            panel(seed=71), outcome="y", inference=[method], bands="simultaneous"
        )


def test_a_sampled_p_value_is_never_zero():
    """The observed statistic counts, however far beyond all draws it lies."""
    frame = panel(seed=72, units=160, practices=16, treated=8, effect=-400.0)
    sampled = [m.name for m in INFERENCES.values() if m.draws and m.needs != PLACEBO]
    table = evalweave.event_study(
        frame, outcome="y", inference=sampled, draws=99, diagnostics=False
    ).tidy()
    assert set(table["inference"]) == set(sampled)
    assert table["p_value"].min() >= 1 / 100 - 1e-12
