"""Several analyses of one panel: each is what it would be alone, and says what was done."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evalweave.errors import DataError
from evalweave.fitting import fit, named
from helpers.did_panels import panel


def run(frame, *analyses, **more):
    given = [
        {"name": f"a{place}", "diagnostics": False, **analysis}
        for place, analysis in enumerate(analyses)
    ]
    return fit(frame, {"columns": {"outcome": "y"}, "analyses": given}, **more)


@pytest.mark.parametrize(
    "analyses",
    [
        [{"estimator": "twfe", "subgroup": "white"}, {"estimator": "twfe"}],
        [
            {"estimator": "imputation"},
            {"estimator": "imputation", "anticipation": 1},
        ],
    ],
    ids=["subgroup", "anticipation"],
)
def test_an_analysis_among_others_is_what_it_is_alone(analyses):
    frame = panel(seed=341, units=120)
    late = frame["practice_id"] == "g07"  # counts as treated where effects are anticipated
    frame["first_treated"] = frame["first_treated"].mask(late, 2017)
    together = run(frame, *analyses).tidy().drop(columns="analysis")
    alone = [run(frame, analysis).tidy().drop(columns="analysis") for analysis in analyses]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))


def test_how_the_frame_was_read_stands_first_among_the_notes():
    result = run(panel(seed=342), {"estimator": "twfe"}, notes=["read as text."])
    assert result.diagnostics["a0"]["notes"][0] == "read as text."


def test_practice_means_have_the_level_that_was_asked_for():
    table = run(
        panel(seed=343), {"estimator": "did_2x2", "collapse": "practice", "level": 0.8}
    ).tidy()
    found = table.set_index("term").loc["practices_equal"]
    half = stats.t.ppf(0.9, found["dof"]) * found["std_error"]
    assert found["ci_high"] == pytest.approx(found["estimate"] + half)


def test_a_method_that_cannot_answer_leaves_the_others():
    frame = panel(seed=344)
    mixed = frame["patient_id"] == frame["patient_id"].iloc[0]
    frame["first_treated"] = frame["first_treated"].mask(mixed, 2015)
    result = run(frame, {"estimator": "twfe", "inference": ["randomisation", "cr1"]})
    assert list(result.tidy()["inference"]) == ["cr1"]
    remark = result.diagnostics["a0"]["inference"]["randomisation"]["error"]
    assert "patients start at different dates" in remark


def test_an_outcome_that_never_changes_is_said():
    with pytest.raises(DataError, match="The outcome is the same in every row"):
        run(panel(seed=345).assign(y=1.0), {"estimator": "twfe"})
    with pytest.raises(DataError, match="Nobody is treated within the panel"):
        run(panel(seed=345).assign(first_treated=np.nan), {"estimator": "twfe"})


def test_a_period_of_another_name_says_how_to_pass_it() -> None:
    frame = panel().rename(columns={"period": "year"})
    with pytest.raises(DataError, match=r'no column "period"\. Pass period="year"'):
        named("twfe")(frame, outcome="y")
