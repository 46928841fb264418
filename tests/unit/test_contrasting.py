"""Differences between groups, populations and outcomes, for every estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from evalweave.estimators import contrasting
from evalweave.estimators.panel_data import panel_data
from evalweave.inference.registry import infer
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel

EVERY = {
    "did_2x2": "att",
    "event_study": "event[overall]",
    "callaway_santanna": "simple",
    "sun_abraham": "att",
    "imputation": "att",
    "etwfe": "att",
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Ten practices that all hold both groups; another outcome and 1/0 populations."""
    made = panel(seed=31, units=260, practices=10, treated=5)
    random = np.random.default_rng(31)
    made["z"] = 20 + 0.4 * made["y"] + random.normal(size=len(made))
    return made


def rows(fitted) -> dict[tuple[str, str], dict]:
    return {(row["term"], row["inference"]): row for row in fitted.rows}


def stacked_by_hand(frame, estimator, term, key="white", low=0, high=1, **options):
    """Estimate both levels apart; the squared sum of influences' differences over practices."""
    psi, theta = {}, {}
    for level in (low, high):
        part = frame[frame[key] == level]
        fitted = getattr(evalweave, estimator)(part, outcome="y", inference=["cr0"], **options)
        one = fitted.fits[estimator]
        place = one.terms.index(term)
        psi[level] = pd.Series(one.influence[:, place], index=list(one.cluster_names))
        theta[level] = one.theta[place]
    apart = psi[high].sub(psi[low], fill_value=0.0)
    return theta[high] - theta[low], float(np.sqrt((apart**2).sum()))


@pytest.mark.parametrize(("estimator", "summary"), EVERY.items())
def test_a_difference_is_that_of_the_groups_with_joint_influence(frame, estimator, summary):
    fitted = getattr(evalweave, estimator)(
        frame, outcome="y", subgroup="white", inference=["cr0"], diagnostics=False
    )
    found = rows(fitted)
    difference, error = stacked_by_hand(frame, estimator, summary, diagnostics=False)
    row = found["difference[white=1-0]", "cr0"]
    assert row["estimate"] == pytest.approx(difference, rel=1e-9)
    assert row["std_error"] == pytest.approx(error, rel=1e-9)
    own = found["att[white=1]", "cr0"]["estimate"] - found["att[white=0]", "cr0"]["estimate"]
    assert own == pytest.approx(difference, rel=1e-9)


def test_other_terms_have_differences_of_their_own(frame):
    fitted = evalweave.callaway_santanna(
        frame, outcome="y", subgroup="white", inference=["cr0"], diagnostics=False
    )
    difference, error = stacked_by_hand(frame, "callaway_santanna", "event[1]", diagnostics=False)
    row = rows(fitted)["difference[event[1],white=1-0]", "cr0"]
    assert (row["estimate"], row["std_error"]) == pytest.approx((difference, error), rel=1e-9)
    assert ("event[1,white=1]", "cr0") in rows(fitted)
    assert not any(term.startswith("difference[att_gt") for term, _ in rows(fitted))


def test_twfe_stacked_is_the_model_with_interactions(frame):
    """Every method for least squares gives the same from either, to rounding."""
    analysis = AnalysisOptions(name="t", estimator="twfe", subgroup="white", draws=199)
    said = panel_data(frame, Columns(outcome="y"), analysis)
    joint = contrasting.estimated(said, analysis, None)
    apart = contrasting._by_level(said, analysis)
    terms = ("att[white=0]", "att[white=1]", "difference[white=1-0]")
    mine = [apart.terms.index(term) for term in terms]
    theirs = [joint.terms.index(term) for term in terms]
    methods = ("cr0", "cr1", "cr2", "cr3", "jackknife", "hansen", "wild_bootstrap", "randomisation")
    for method in methods:
        a, b = infer(apart, method, analysis), infer(joint, method, analysis)
        for column in ("std_error", "ci_low", "ci_high", "p_value", "dof"):
            left, right = getattr(a, column)[mine], getattr(b, column)[theirs]
            assert left == pytest.approx(right, rel=1e-6, nan_ok=True), (method, column)


def test_a_term_that_is_lost_without_a_practice_takes_no_other_along():
    """One practice starts in 2013: its cells are lost without it, those of 2014 are not."""
    early = panel(seed=35, units=260, practices=12, treated=6)
    early.loc[early["practice_id"] == "g00", "first_treated"] = 2013.0
    fitted = evalweave.callaway_santanna(
        early, outcome="y", subgroup="white", inference=["jackknife"], diagnostics=False
    )
    found = rows(fitted)
    for level in (0, 1):
        assert (f"att_gt[2013,2013,white={level}]", "jackknife") not in found
        assert found[f"att_gt[2014,2014,white={level}]", "jackknife"]["std_error"] > 0
    assert found["difference[group[2014],white=1-0]", "jackknife"]["std_error"] > 0
    assert ("difference[group[2013],white=1-0]", "jackknife") not in found


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation"])
def test_the_jackknife_leaves_a_practice_out_of_both_groups(frame, estimator):
    fitted = getattr(evalweave, estimator)(
        frame, outcome="y", subgroup="white", inference=["jackknife"], diagnostics=False
    )
    found = rows(fitted)["difference[white=1-0]", "jackknife"]
    again = []
    for practice in frame["practice_id"].unique():
        rest = frame[frame["practice_id"] != practice]
        values = {
            level: getattr(evalweave, estimator)(
                rest[rest["white"] == level],
                outcome="y",
                inference=["cr0"],
                diagnostics=False,
            ).rows
            for level in (0, 1)
        }
        first = {
            level: next(r["estimate"] for r in own if r["term"] in ("att", "simple"))
            for level, own in values.items()
        }
        again.append(first[1] - first[0])
    changes = np.array(again) - found["estimate"]
    assert found["std_error"] == pytest.approx(np.sqrt((changes**2).sum() * 9 / 10), rel=1e-8)


def test_synthetic_did_leaves_practices_out_with_the_weights_of_each_group(frame):
    options = {"outcome": "y", "inference": ["jackknife"], "diagnostics": False, "solver": "exact"}
    joint = evalweave.synthetic_did(frame, subgroup="white", **options)
    changes = {}
    for level in (0, 1):
        part = evalweave.synthetic_did(frame[frame["white"] == level], **options)
        one = part.fits["synthetic_did"]
        place, keep = one.terms.index("att"), ~np.eye(10, dtype=bool)
        changes[level] = np.array([one.refit(row)[place] for row in keep]) - one.theta[place]
    row = rows(joint)["difference[white=1-0]", "jackknife"]
    expected = np.sqrt(((changes[1] - changes[0]) ** 2).sum() * 9 / 10)
    assert row["std_error"] == pytest.approx(expected, rel=1e-8)


def test_hansen_and_bands_take_the_stacked_terms(frame):
    fitted = evalweave.callaway_santanna(
        frame, outcome="y", subgroup="white", inference=["hansen", "multiplier_bootstrap"],
        draws=99, bands="simultaneous", diagnostics=False,
    )  # fmt: skip
    found = rows(fitted)
    for method in ("hansen", "multiplier_bootstrap"):
        assert found["difference[white=1-0]", method]["std_error"] > 0


def test_a_level_in_few_practices_is_refused_and_more_levels_have_a_trend(frame):
    few = frame.assign(g=(frame["practice_id"].isin(["g00", "g05"])).astype(int))
    fitted = evalweave.imputation(few, outcome="y", subgroup="g", inference=["cr1"])
    assert "fewer than 4" in fitted.diagnostics["imputation"]["absent"]["att[g=1]"]
    assert "no estimate" in fitted.diagnostics["imputation"]["absent"]["difference[g=1-0]"]
    three = frame.assign(g=frame["patient_id"].str[1:].astype(int) % 3)
    found = rows(evalweave.imputation(three, outcome="y", subgroup="g", inference=["cr1"]))
    means = [found[f"att[g={level}]", "cr1"]["estimate"] for level in (0, 1, 2)]
    assert found["trend[g]", "cr1"]["estimate"] == pytest.approx((means[2] - means[0]) / 2)


@pytest.mark.parametrize("estimator", ["twfe", "callaway_santanna", "sun_abraham"])
def test_a_triple_difference_takes_the_unaffected_population_off(frame, estimator):
    fitted = getattr(evalweave, estimator)(
        frame, outcome="y", unaffected_population="white", inference=["cr0"], diagnostics=False
    )
    summary = "simple" if estimator == "callaway_santanna" else "att"
    expected = stacked_by_hand(frame, estimator, summary, diagnostics=False)
    row = rows(fitted)["triple", "cr0"]
    assert (row["estimate"], row["std_error"]) == pytest.approx(expected, rel=1e-9)


def test_a_triple_difference_is_the_textbook_regression(frame):
    """Olden & Møen: people and period × population effects, D, and D in the affected alone."""
    row = rows(
        evalweave.twfe(frame, outcome="y", unaffected_population="white", inference=["cr0"])
    )["triple", "cr0"]
    d = (frame["period"] >= frame["first_treated"]).astype(float)
    cells = pd.get_dummies(frame["period"].astype(str) + frame["white"].astype(str), dtype=float)
    table = pd.concat([d * frame["white"], d, cells, frame["y"]], axis=1)
    table = table - table.groupby(frame["patient_id"].to_numpy()).transform("mean")
    beta, *_ = np.linalg.lstsq(table.to_numpy()[:, :-1], table.to_numpy()[:, -1], rcond=None)
    assert row["estimate"] == pytest.approx(beta[0], rel=1e-8)


@pytest.mark.parametrize("estimator", ["twfe", "callaway_santanna", "imputation"])
def test_a_triple_difference_takes_the_unaffected_outcome_off(frame, estimator):
    """Of the same people seen alike it is the effect on the difference of the two outcomes."""
    options = {"inference": ["cr0", "jackknife"], "diagnostics": False}
    fitted = getattr(evalweave, estimator)(frame, outcome="y", unaffected_outcome="z", **options)
    apart = getattr(evalweave, estimator)(
        frame.assign(y=frame["y"] - frame["z"]), outcome="y", **options
    )
    summary = "simple" if estimator == "callaway_santanna" else "att"
    for method in ("cr0", "jackknife"):
        row, expected = rows(fitted)["triple", method], rows(apart)[summary, method]
        assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-9)
        assert row["std_error"] == pytest.approx(expected["std_error"], rel=1e-9)
        assert row["n_patients"] == expected["n_patients"]
    assert ("att[outcome=z]", "cr0") in rows(fitted)


def test_what_is_asked_must_be_one_question_of_two_populations(frame):
    with pytest.raises(StudyError, match="different questions"):
        evalweave.twfe(frame, outcome="y", subgroup="white", unaffected_outcome="z")
    three = frame.assign(g=frame["patient_id"].str[1:].astype(int) % 3)
    with pytest.raises(DataError, match="whom the programme can reach"):
        evalweave.twfe(three, outcome="y", unaffected_population="g")


def test_the_smaller_group_is_what_a_difference_of_any_term_rests_on():
    from evalweave.release.resting import people_behind

    levels = [{"level": "0", "n_patients": 40}, {"level": "1", "n_patients": 9}]
    terms = {
        "att[white=0]": 40, "event[2,white=1]": 9, "difference[event[2],white=1-0]": 9,
        "att_gt[3,4,white=1]": 9, "triple": 9, "triple[event[1]]": 9, "trend[white]": 9,
        "event[overall,white=0]": 40,
    }  # fmt: skip
    table = pd.DataFrame({"analysis": "a", "term": list(terms), "n_patients": 49})
    assert people_behind(table, {"a": {"levels": levels}}).tolist() == list(terms.values())


def test_imputation_has_an_effect_of_each_cohort():
    staggered = panel(seed=33, units=150, practices=12, treated=6, staggered=True)
    found = rows(evalweave.imputation(staggered, outcome="y", inference=["cr1"], diagnostics=False))
    for start in (2013, 2014, 2015):
        others = staggered["first_treated"].isna() | (staggered["first_treated"] == start)
        untreated = staggered[~(staggered["period"] >= staggered["first_treated"])]
        part = pd.concat([untreated, staggered[others & ~staggered.index.isin(untreated.index)]])
        alone = rows(evalweave.imputation(part, outcome="y", inference=["cr1"], diagnostics=False))
        assert found[f"group[{start}]", "cr1"]["estimate"] == pytest.approx(
            alone[f"group[{start}]", "cr1"]["estimate"]
        )


def test_both_outcomes_of_a_row_are_one_row_and_the_triple_comes_first():
    frame = panel(seed=71).assign(other=lambda f: f["x"])
    found = evalweave.callaway_santanna(
        frame, outcome="y", unaffected_outcome="other", inference=["cr1"], diagnostics=False
    )
    assert set(found.tidy()["n_obs"]) == {len(frame)}
    assert found.summary(shown=3).splitlines()[0].split()[1] == "triple"
    assumes = found.diagnostics["callaway_santanna"]["assumes"]
    assert assumes.startswith("Of triple: ")
