"""Counts, costs, and yes or no: against statsmodels with every dummy written out, and what must
hold whatever the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.catalogue import calls
from evalweave.errors import DataError, StudyError
from evalweave.estimators.panel_data import panel_data
from evalweave.estimators.registry import estimator
from evalweave.estimators.separation import separated_rows
from evalweave.study.analyses import AnalysisOptions, Columns
from helpers.did_panels import panel


def outcomes(seed: int = 7, **more: object) -> pd.DataFrame:
    """Return an unbalanced panel with a count, a yes or no, a cost and person-time."""
    frame = panel(seed=seed, units=240, practices=10, treated=5, **more)
    random = np.random.default_rng(seed + 1000)
    n = len(frame)
    level = random.normal(size=240)[frame["patient_id"].str[1:].astype(int)]
    done = (frame["period"] >= frame["first_treated"]).to_numpy(float)
    index = 0.5 * level - 0.3 * done + 0.1 * (frame["period"] - 2011) + 0.2 * frame["x"]
    frame["years"] = random.uniform(0.3, 1.0, n)
    frame["count"] = random.poisson(frame["years"] * np.exp(index))
    frame["yes"] = (random.random(n) < 1 / (1 + np.exp(-index))).astype(float)
    frame["cost"] = random.gamma(0.7, np.exp(index + 5)) * (random.random(n) < 0.6)
    return frame


FRAME = outcomes()


def fit_of(name: str, frame: pd.DataFrame, outcome: str, **options: object):
    columns = {k: options.pop(k) for k in ("weight", "exposure") if k in options}
    analysis = AnalysisOptions.model_validate({"name": name, "estimator": name, **options})
    read = panel_data(frame, Columns(outcome=outcome, **columns), analysis)
    return estimator(name)(read, analysis)


def design(frame: pd.DataFrame, effect: str, extra: tuple[str, ...] = ()) -> np.ndarray:
    """Return treated, extra columns, periods but one and every dummy of `effect`."""
    treated = (frame["period"] >= frame["first_treated"]).to_numpy(float)
    columns = [treated, *(frame[name].to_numpy(float) for name in extra)]
    columns += [
        (frame["period"] == t).to_numpy(float) for t in sorted(frame["period"].unique())[1:]
    ]
    columns += [(frame[effect] == u).to_numpy(float) for u in sorted(frame[effect].unique())]
    return np.column_stack(columns)


@pytest.mark.parametrize("exposure", [None, "years"])
@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_poisson_with_patient_effects_equals_statsmodels_with_every_dummy(exposure, covariates):
    import statsmodels.api as sm

    frame = FRAME[FRAME["patient_id"] < "p0080"]
    some = frame.groupby("patient_id")["count"].transform("sum") > 0
    offset = np.log(frame.loc[some, exposure]) if exposure else None
    x = design(frame[some], "patient_id", tuple(covariates))
    theirs = sm.GLM(frame.loc[some, "count"], x, sm.families.Poisson(), offset=offset).fit(
        cov_type="cluster",
        cov_kwds={
            "groups": pd.factorize(frame.loc[some, "practice_id"])[0],
            "use_correction": False,
        },
        tol=1e-12,
    )
    ours = fit_of("poisson", frame, "count", covariates=covariates, exposure=exposure)
    place = ours.terms.index("ratio")
    assert ours.theta[place] == pytest.approx(theirs.params.iloc[0], rel=1e-6)
    assert np.sqrt((ours.influence[:, place] ** 2).sum()) == pytest.approx(
        theirs.bse.iloc[0], rel=1e-5
    )
    treated = frame["period"] >= frame["first_treated"]
    size = frame.loc[treated, exposure].sum() if exposure else treated.sum()
    mean = frame.loc[treated, "count"].sum() / size  # patients with only zeros are among them
    expected = mean * (1 - np.exp(-theirs.params.iloc[0]))
    assert ours.theta[ours.terms.index("att")] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "outcome", "family"), [("logit", "yes", "Binomial"), ("gamma_log", "cost", "Gamma")]
)
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_practice_effects_equal_statsmodels_and_its_predictions(name, outcome, family, covariates):
    import statsmodels.api as sm

    frame = FRAME[FRAME[outcome] > 0].reset_index(drop=True) if family == "Gamma" else FRAME
    link = {"link": sm.families.links.Log()} if family == "Gamma" else {}
    x = design(frame, "practice_id", covariates)
    theirs = sm.GLM(frame[outcome], x, getattr(sm.families, family)(**link)).fit(tol=1e-13)
    treated = x[:, 0] == 1
    without = x[treated].copy()
    without[:, 0] = 0.0
    one, nil = theirs.predict(x[treated]).mean(), theirs.predict(without).mean()
    ours = fit_of(name, frame, outcome, covariates=list(covariates))
    assert ours.theta == pytest.approx([one - nil, np.log(one / nil)], rel=1e-6)


def test_two_part_is_the_product_of_its_parts():
    import statsmodels.api as sm

    x = design(FRAME, "practice_id")
    some = (FRAME["cost"] > 0).to_numpy()
    first = sm.GLM(some.astype(float), x, sm.families.Binomial()).fit(tol=1e-13)
    log = sm.families.links.Log()
    second = sm.GLM(FRAME.loc[some, "cost"], x[some], sm.families.Gamma(link=log)).fit(tol=1e-13)
    treated = x[x[:, 0] == 1]
    without = treated.copy()
    without[:, 0] = 0.0
    one, nil = (first.predict(z) * second.predict(z) for z in (treated, without))
    any_cost = (first.predict(treated) - first.predict(without)).mean()
    ours = fit_of("two_part", FRAME, "cost")
    expected = [
        (one - nil).mean(),
        np.log(one.mean() / nil.mean()),
        any_cost,
        second.params.iloc[0],
    ]
    assert ours.terms == ("att", "ratio", "att_any", "ratio_if_any")
    assert ours.theta == pytest.approx(expected, rel=1e-6)


CASES = [
    ("poisson", "count", {"exposure": "years"}),
    ("poisson", "count", {"effects": "practice"}),
    ("poisson", "count", {"effects": "cohort", "covariates": ["x"]}),
    ("poisson", "count", {"subgroup": "white"}),
    ("logit", "yes", {"covariates": ["x"]}),
    ("gamma_log", "cost", {"effects": "cohort"}),
    ("two_part", "cost", {}),
    ("nonlinear_etwfe", "count", {"covariates": ["x"]}),
    ("nonlinear_etwfe", "count", {"effects": "patient"}),
    ("nonlinear_etwfe", "yes", {"family": "logit"}),
]


@pytest.mark.parametrize(("name", "outcome", "options"), CASES)
def test_influence_is_what_more_weight_on_a_practice_does(name, outcome, options):
    """The derivative of every estimate by a practice's weight, taken by estimating again."""
    frame = outcomes(seed=8, staggered=name.startswith("nonlinear"))
    step = 1e-4
    of = frame["practice_id"] == "g03"
    moved = [
        fit_of(name, frame.assign(weight=1 + sign * step * of), outcome, weight="weight", **options)
        for sign in (1, -1)
    ]
    fit = fit_of(name, frame, outcome, **options)
    assert moved[0].terms == fit.terms
    slope = (moved[0].theta - moved[1].theta) / (2 * step)
    own = fit.influence[fit.cluster_names.index("g03")]
    assert own == pytest.approx(slope, rel=2e-5, abs=1e-7 * np.abs(fit.influence).max())


@pytest.mark.parametrize(("name", "outcome", "options"), CASES)
def test_estimating_again_without_a_practice_is_a_fit_of_the_others(name, outcome, options):
    frame = outcomes(seed=8, staggered=name.startswith("nonlinear"))
    fit = fit_of(name, frame, outcome, **options)
    keep = np.array([cluster != "g00" for cluster in fit.cluster_names])
    alone = fit_of(name, frame[frame["practice_id"] != "g00"], outcome, **options)
    again = dict(zip(fit.terms, fit.refit(keep), strict=True))
    for term, value in zip(alone.terms, alone.theta, strict=True):
        assert again[term] == pytest.approx(value, rel=1e-6), term


def test_poisson_with_patient_or_cohort_effects_is_the_same_on_a_balanced_panel():
    """Wooldridge (2023): no covariates, nobody missing."""
    frame = outcomes(seed=9, seen=1.1)
    by = [fit_of("nonlinear_etwfe", frame, "count", effects=e) for e in ("patient", "cohort")]
    assert by[0].theta[by[0].terms.index("ratio")] == pytest.approx(
        by[1].theta[by[1].terms.index("ratio")], rel=1e-8
    )


def test_weights_are_copies_and_a_constant_exposure_changes_only_the_unit():
    frame = outcomes(seed=10)
    frame["weight"] = frame.groupby("patient_id")["weight"].transform("first")
    copies = [
        frame[frame["weight"] > k].assign(patient_id=lambda d, k=k: d["patient_id"] + f"_{k}")
        for k in range(3)
    ]
    weighted = fit_of("poisson", frame, "count", weight="weight")
    copied = fit_of("poisson", pd.concat(copies, ignore_index=True), "count")
    assert weighted.theta == pytest.approx(copied.theta, rel=1e-9)
    half = fit_of("poisson", frame.assign(half=0.5), "count", exposure="half")
    plain = fit_of("poisson", frame, "count")
    assert half.theta == pytest.approx([2 * plain.theta[0], plain.theta[1]], rel=1e-9)


def test_row_order_and_people_without_events_change_no_ratio():
    frame = outcomes(seed=11)
    plain = fit_of("poisson", frame, "count")
    shuffled = fit_of("poisson", frame.sample(frac=1, random_state=1), "count")
    assert (shuffled.theta == plain.theta).all()
    empty = frame.iloc[:60].assign(count=0, patient_id=lambda d: "z" + d["patient_id"])
    more = fit_of("poisson", pd.concat([empty, frame], ignore_index=True), "count")
    assert more.theta[1] == pytest.approx(plain.theta[1], rel=1e-10)
    assert abs(more.theta[0]) < abs(plain.theta[0])
    n = empty["patient_id"].nunique() + (frame.groupby("patient_id")["count"].sum() == 0).sum()
    assert any(note.startswith(f"{n} of ") for note in more.notes)


def test_separation_is_found_and_what_is_left_is_estimated():
    frame = outcomes(seed=12)
    frame.loc[frame["period"] == 2011, "count"] = 0  # a period effect of minus infinity
    fit = fit_of("poisson", frame, "count")
    rest = fit_of("poisson", frame[frame["period"] > 2011], "count")
    assert fit.theta[fit.terms.index("ratio")] == pytest.approx(rest.theta[1], rel=1e-7)
    assert any("separated" in note for note in fit.notes)
    gone = frame["period"] >= frame["first_treated"]
    with pytest.raises(DataError, match="cannot be estimated"):
        fit_of("poisson", frame.assign(count=frame["count"].where(~gone, 0)), "count")


def test_a_practice_of_noes_tells_a_logit_nothing_and_counts_in_its_average():
    frame = outcomes(seed=13)
    frame.loc[frame["practice_id"] == "g01", "yes"] = 0.0
    fit = fit_of("logit", frame, "yes")
    rest = fit_of("logit", frame[frame["practice_id"] != "g01"], "yes")
    treated = frame["period"] >= frame["first_treated"]
    share = (treated & (frame["practice_id"] != "g01")).sum() / treated.sum()
    assert fit.theta[0] == pytest.approx(rest.theta[0] * share, rel=1e-8)
    assert fit.theta[1] == pytest.approx(rest.theta[1], rel=1e-8)


def test_separated_rows_of_a_worked_case():
    # y > 0 wherever x2 = 0; with x2 = 1 only zeros: the coefficient of x2 runs to minus infinity
    x = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    y = np.array([2.0, 0.0, 0.0, 0.0, 1.0])
    gone = separated_rows(x, y, np.ones(5), None, bounded=False)
    assert gone.tolist() == [False, False, True, True, False]


def test_all_yes_is_separated_upwards():
    # x2 = 1 comes with nothing but yes, its coefficient runs to plus infinity
    x = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    size = np.array([4.0, 3.0, 2.0])
    gone = separated_rows(x, np.array([2.0, 1.0, 2.0]), size, None, bounded=True)
    assert gone.tolist() == [False, False, True]
    both = separated_rows(
        np.vstack([x, [1.0, 1.0]]),
        np.array([2.0, 1.0, 2.0, 0.0]),
        np.array([4.0, 3, 2, 2]),
        None,
        True,
    )
    assert not both.any()  # a yes and a no share their columns: the coefficient is finite


def test_effects_of_levels_are_fits_of_their_own_and_their_ratios_divide():
    result = evalweave.poisson(
        FRAME, outcome="count", subgroup="white", inference=["jackknife"], diagnostics=False
    )
    found = result.tidy().set_index("term")["estimate"]
    for level in (0, 1):
        alone = fit_of("poisson", FRAME[FRAME["white"] == level], "count")
        assert found[f"att[white={level}]"] == pytest.approx(alone.theta[0], rel=1e-7)
        assert found[f"ratio[white={level}]"] == pytest.approx(np.exp(alone.theta[1]), rel=1e-7)
    assert found["ratio_of_ratios[white=1-0]"] == pytest.approx(
        found["ratio[white=1]"] / found["ratio[white=0]"]
    )
    assert found["difference[white=1-0]"] == pytest.approx(
        found["att[white=1]"] - found["att[white=0]"]
    )


def test_ratios_have_intervals_of_their_logarithm_and_levels_stand_beside():
    result = evalweave.poisson(FRAME, outcome="count", inference=["cr1"], diagnostics=False)
    rows = result.tidy().set_index("term")
    ratio = rows.loc["ratio"]
    assert ratio["ci_low"] * ratio["ci_high"] == pytest.approx(ratio["estimate"] ** 2)
    assert ratio["ci_low"] > 0
    linear = evalweave.twfe(FRAME, outcome="count", inference=["cr1"], diagnostics=False).tidy()
    assert rows.loc["att_additive", "estimate"] == linear["estimate"].iloc[0]
    assert "Parallel trends of ratios" in result.diagnostics["poisson"]["assumes"]


def test_linear_estimators_count_a_unit_of_exposure():
    plain = evalweave.twfe(
        FRAME.assign(rate=FRAME["count"] / FRAME["years"]),
        outcome="rate",
        weight="years",
        inference=["cr1"],
        diagnostics=False,
    ).tidy()
    exposed = evalweave.twfe(
        FRAME, outcome="count", exposure="years", inference=["cr1"], diagnostics=False
    ).tidy()
    assert exposed["estimate"].iloc[0] == pytest.approx(plain["estimate"].iloc[0], rel=1e-12)
    assert exposed["std_error"].iloc[0] == pytest.approx(plain["std_error"].iloc[0], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "outcome", "change", "words"),
    [
        ("poisson", "count", {"count": -1.0}, "below zero"),
        ("logit", "yes", {"yes": 0.5}, "other than 0 and 1"),
        ("two_part", "cost", {"cost": -2.0}, "below zero"),
    ],
)
def test_outcomes_that_a_model_cannot_have_are_refused(name, outcome, change, words):
    frame = FRAME.copy()
    for column, value in change.items():
        frame.loc[3, column] = value
    with pytest.raises(DataError, match=words):
        getattr(evalweave, name)(frame, outcome=outcome, diagnostics=False)


def test_calls_that_have_no_meaning_are_refused():
    with pytest.raises(StudyError, match="takes no exposure"):
        evalweave.logit(FRAME, outcome="yes", exposure="years")
    for name in ("logit", "gamma_log", "two_part"):
        wrong = AnalysisOptions.model_validate(
            {"name": "a", "estimator": name, "effects": "patient"}
        )
        assert "incidental parameters" in " ".join(calls.refusals(wrong))
    with pytest.raises(DataError, match="negative exposure"):
        evalweave.poisson(FRAME.assign(years=-1.0), outcome="count", exposure="years")


def test_rows_without_person_time_are_left_out_and_counted():
    frame = FRAME.copy()
    frame.loc[[0, 5], "years"] = 0.0
    frame.loc[9, "years"] = np.nan
    result = evalweave.poisson(frame, outcome="count", exposure="years", diagnostics=False)
    notes = " ".join(result.diagnostics["poisson"]["notes"])
    assert "2 rows with an exposure of zero" in notes and "1 rows without years" in notes
    rest = evalweave.poisson(
        FRAME.drop([0, 5, 9]), outcome="count", exposure="years", diagnostics=False
    )
    assert result.tidy()["estimate"].tolist() == rest.tidy()["estimate"].tolist()


def test_where_every_row_is_another_person_the_effects_are_those_of_practices():
    plain = evalweave.poisson(FRAME, outcome="count", effects="practice", diagnostics=False)
    rows = evalweave.poisson(FRAME, outcome="count", unit=None, diagnostics=False)
    ours = [
        r.tidy().set_index("term").loc[["att", "ratio"], "estimate"].tolist() for r in (plain, rows)
    ]
    assert ours[0] == pytest.approx(ours[1], rel=1e-9)
    with pytest.raises(DataError, match="use effects: practice"):
        evalweave.poisson(FRAME, outcome="count", unit=None, effects="patient")


@pytest.mark.parametrize(
    ("kind", "outcome", "value", "expected"),
    [
        ("binary", "yes", 2.0, "0 or 1"),
        ("count", "count", 1.5, "whole numbers of 0 or more"),
        ("cost", "cost", -1.0, "0 or more"),
        ("utility", "yes", 1.2, "at most 1"),
    ],
)
def test_values_that_a_kind_of_outcome_cannot_have_are_refused(kind, outcome, value, expected):
    analysis = {"name": "a", "estimator": "twfe", "diagnostics": False, "inference": ["cr1"]}
    spec = {"columns": {"outcome": outcome, "kind": kind}, "analyses": [analysis]}
    evalweave.fit(FRAME, spec)
    frame = FRAME.astype({outcome: float})
    frame.loc[4, outcome] = value
    with pytest.raises(DataError, match=rf"row 6, column {outcome}: .*expected {expected}"):
        evalweave.fit(frame, spec)
    frame.loc[4, outcome] = np.nan  # a blank is missing, not wrong
    evalweave.fit(frame, spec)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("poisson", "count"), ("logit", "yes"), ("gamma_log", "cost"), ("two_part", "cost")],
)
def test_periods_of_anticipation_are_set_aside_in_both_arms(name, outcome):
    ahead = getattr(evalweave, name)(FRAME, outcome=outcome, anticipation=1, inference=["cr1"])
    rest = FRAME[FRAME["period"] != 2013]
    without = getattr(evalweave, name)(rest, outcome=outcome, inference=["cr1"])
    columns = ["term", "estimate", "std_error"]
    pd.testing.assert_frame_equal(ahead.tidy()[columns], without.tidy()[columns])
    assert any("anticipation" in note for note in ahead.diagnostics[name]["notes"])


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("poisson", "count"),
        ("logit", "yes"),
        ("gamma_log", "cost"),
        ("two_part", "cost"),
        ("nonlinear_etwfe", "count"),
    ],
)
@pytest.mark.parametrize("shift", [-2013, -2016])
def test_periods_below_zero_are_periods(name: str, outcome: str, shift: int) -> None:
    frame = FRAME[FRAME["cost"] > 0] if name == "gamma_log" else FRAME
    moved = frame.assign(
        period=frame["period"] + shift, first_treated=frame["first_treated"] + shift
    )
    known, again = (fit_of(name, one, outcome) for one in (frame, moved))
    assert again.theta == pytest.approx(known.theta, rel=1e-9)
    assert again.influence == pytest.approx(known.influence, rel=1e-7, abs=1e-12)


def test_gamma_takes_costs_a_unit_of_exposure_weighted_by_exposure():
    import statsmodels.api as sm

    columns = {"outcome": "cost", "exposure": "years", "diagnostics": False}
    result = evalweave.gamma_log(FRAME, **columns, inference=["cr1"])
    assert any("a unit of exposure" in n for n in result.diagnostics["gamma_log"]["notes"])
    x = design(FRAME, "practice_id")
    family = sm.families.Gamma(sm.families.links.Log())
    rate = FRAME["cost"] / FRAME["years"]
    theirs = sm.GLM(rate, x, family, var_weights=FRAME["years"]).fit(tol=1e-12, maxiter=200)
    ours = result.tidy().set_index("term").loc["ratio", "estimate"]
    assert ours == pytest.approx(np.exp(theirs.params.iloc[0]), rel=1e-6)


def test_a_logit_by_cohorts_takes_no_exposure():
    with pytest.raises(StudyError, match="family: logit takes no exposure"):
        evalweave.nonlinear_etwfe(FRAME, outcome="yes", exposure="years", family="logit")


@pytest.mark.parametrize("family", ["poisson", "logit"])
def test_one_treated_practice_has_an_estimate_and_no_traceback(family):
    frame = outcomes(seed=12)
    frame["first_treated"] = np.where(frame["practice_id"] == "g00", 2014.0, np.nan)
    outcome = "count" if family == "poisson" else "yes"
    found = evalweave.nonlinear_etwfe(frame, outcome=outcome, family=family, diagnostics=False)
    assert np.isfinite(found.tidy().set_index("term").loc["att", "estimate"])


def test_a_ratio_and_a_share_do_not_depend_on_the_unit_of_money():
    """Costs in a small coin, or in thousands of millions of it."""
    frame = outcomes(seed=13)
    in_pounds = evalweave.two_part(frame, outcome="cost", diagnostics=False).tidy()
    scaled = frame.assign(cost=frame["cost"] * 1e10)
    in_coins = evalweave.two_part(scaled, outcome="cost", diagnostics=False).tidy()
    pure = ["ratio", "att_any", "ratio_if_any"]
    columns = ["estimate", "std_error", "ci_low", "ci_high"]
    one, other = (t.set_index("term").loc[pure, columns] for t in (in_pounds, in_coins))
    assert other.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-5)
