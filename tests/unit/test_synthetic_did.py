"""Synthetic difference-in-differences: another solver, weighted least squares, the paper's
algorithms written out, and what must not change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from evalweave.estimators.synthetic_did import block
from evalweave.estimators.synthetic_weights import exact, frank_wolfe

GRID = {"practices": 12, "treated": 4, "periods": 8, "start": 2015}


def practices(seed: int = 1, starts: tuple[float, ...] = (2015.0,), **more: int) -> pd.DataFrame:
    """Return practices by year from 2010 on with trends of their own, one row each; the first
    `treated` start in turn, effect −2."""
    size = {**GRID, **more}
    random = np.random.default_rng(seed)
    rows = []
    for g in range(size["practices"]):
        start = starts[g % len(starts)] if g < size["treated"] else np.nan
        level, slope = random.normal(50, 5), random.normal(0, 0.5)
        for period in range(2010, 2010 + size["periods"]):
            y = level + slope * (period - 2010) + random.normal()
            y -= 2.0 * (period >= start)
            rows.append((f"g{g:02d}", f"p{g:02d}", period, start, y))
    return pd.DataFrame(rows, columns=["practice_id", "patient_id", "period", "first_treated", "y"])


def estimate(frame: pd.DataFrame, **options) -> pd.DataFrame:
    options = {"solver": "exact", **options}
    return evalweave.synthetic_did(frame, outcome="y", **options).tidy().set_index("term")


def weights(frame: pd.DataFrame, **options) -> dict:
    options = {"solver": "exact", **options}
    result = evalweave.synthetic_did(frame, outcome="y", **options)
    return result.diagnostics["synthetic_did"]["weights"][0]


@pytest.mark.parametrize("zeta", [0.05, 1.0])
def test_both_solvers_reach_the_minimum_of_another(zeta):
    from scipy.optimize import minimize

    random = np.random.default_rng(3)
    a, b = random.normal(size=(7, 5)), random.normal(size=7)

    def objective(x):
        residual = (a - a.mean(axis=0)) @ x - (b - b.mean())
        return residual @ residual / 7 + zeta**2 * x @ x

    peer = minimize(
        objective,
        np.full(5, 0.2),
        method="SLSQP",
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-15},
    )
    assert exact(a, b, zeta) == pytest.approx(peer.x, abs=1e-5)
    assert objective(exact(a, b, zeta)) <= peer.fun + 1e-12
    assert frank_wolfe(a, b, zeta, 1e-8) == pytest.approx(peer.x, abs=1e-2)
    corners = np.eye(5)  # no simplex point on a fine grid is better
    grid = random.dirichlet(np.full(5, 0.4), 20_000)
    assert min(objective(x) for x in (*corners, *grid)) >= objective(exact(a, b, zeta)) - 1e-12


def test_the_estimate_is_least_squares_with_these_weights():
    """The paper's equation 1: two-way fixed effects with the weights of units times periods."""
    frame = practices(seed=4)
    told = weights(frame)
    start = frame["first_treated"].notna()
    unit = frame["practice_id"].map(told["unit"]).where(~start, 1 / 4)
    time = frame["period"].astype(str).map(told["time"]).where(frame["period"] < 2015, 1 / 3)
    root = np.sqrt((unit * time).to_numpy(float))
    x = np.column_stack(
        [
            (start & (frame["period"] >= 2015)).to_numpy(float),
            pd.get_dummies(frame["practice_id"]).to_numpy(float),
            pd.get_dummies(frame["period"]).to_numpy(float)[:, 1:],
        ]
    )
    beta = np.linalg.lstsq(x * root[:, None], frame["y"] * root, rcond=None)[0]
    assert estimate(frame).loc["att", "estimate"] == pytest.approx(beta[0], rel=1e-8)


def test_uniform_weights_give_the_difference_of_four_means():
    random = np.random.default_rng(5)
    treated, untreated = random.normal(size=(3, 8)), random.normal(size=(6, 8))
    own = block(2015, np.arange(2010, 2018), treated, untreated, 5, "exact")
    even = replace(own, unit=np.full(6, 1 / 6), time=np.full(5, 1 / 5))
    change = lambda y: y[:, 5:].mean() - y[:, :5].mean()  # noqa: E731
    assert even.curve().mean() == pytest.approx(change(treated) - change(untreated), rel=1e-12)


def test_levels_of_practices_and_common_shocks_change_nothing():
    frame = practices(seed=6)
    random = np.random.default_rng(7)
    level = dict(zip(frame["practice_id"].unique(), random.normal(0, 9, 12), strict=True))
    shock = dict(zip(frame["period"].unique(), random.normal(0, 9, 8), strict=True))
    moved = frame.assign(
        y=frame["y"] + frame["practice_id"].map(level) + frame["period"].map(shock)
    )
    # zeta is learnt from first differences, whose spread the shocks change: hold them at their mean
    even = frame.assign(y=frame["y"] + frame["practice_id"].map(level))
    first = estimate(frame).loc["att", "estimate"]
    assert estimate(even).loc["att", "estimate"] == pytest.approx(first, rel=1e-9)
    y, z = (
        f.pivot(index="practice_id", columns="period", values="y").to_numpy()
        for f in (frame, moved)
    )
    one, other = (block(2015, np.arange(2010, 2018), v[:4], v[4:], 5, "exact") for v in (y, z))
    again = exact(z[4:, :5].T, z[:4, :5].mean(axis=0), one.zeta)
    assert again == pytest.approx(one.unit, abs=1e-8)
    assert other.time == pytest.approx(one.time, abs=1e-4)


def test_units_of_measure_and_order_of_rows_change_nothing_else():
    frame = practices(seed=8)
    scaled = frame.assign(y=frame["y"] * 0.09148).sample(frac=1, random_state=1)
    first, other = (estimate(f, solver="frank_wolfe") for f in (frame, scaled))
    assert other["estimate"].to_numpy() == pytest.approx(first["estimate"] * 0.09148, rel=1e-7)
    assert other["std_error"].to_numpy() == pytest.approx(first["std_error"] * 0.09148, rel=1e-6)


def test_a_further_effect_is_found_in_full():
    frame = practices(seed=9)
    more = frame.assign(y=frame["y"] - 3.0 * (frame["period"] >= frame["first_treated"]))
    assert estimate(more).loc["att", "estimate"] == pytest.approx(
        estimate(frame).loc["att", "estimate"] - 3.0, rel=1e-9
    )


def test_people_are_averaged_by_practice_with_their_weights():
    random = np.random.default_rng(10)
    means = practices(seed=10)
    people = pd.concat(
        [
            means.assign(
                patient_id=means["practice_id"] + f"-{n}",
                weight=1.0 + n,
                y=means["y"] + random.normal(size=len(means)),
            )
            for n in range(3)
        ]
    )
    average = (
        people.assign(wy=people["y"] * people["weight"])
        .groupby(["practice_id", "period"])[["wy", "weight"]]
        .sum()
        .eval("wy / weight")
        .rename("y")
        .reset_index()
    )
    expected = estimate(means.drop(columns="y").merge(average, on=["practice_id", "period"]))
    got = estimate(people, weight="weight")
    assert got["estimate"].to_numpy() == pytest.approx(expected["estimate"].to_numpy(), rel=1e-9)
    assert got.loc["att", "n_patients"] == 36 and got.loc["att", "n_practices"] == 12


def test_the_jackknife_is_algorithm_3():
    """Weights stay as they are, those of the untreated scaled up to 1 again."""
    frame = practices(seed=11)
    told = weights(frame)
    wide = frame.pivot(index="practice_id", columns="period", values="y")
    time = np.array(list(told["time"].values()))

    def theta(without: str) -> float:
        treated = [g for g in ("g00", "g01", "g02", "g03") if g != without]
        unit = {g: w for g, w in told["unit"].items() if g != without}
        synthetic = sum(w * wide.loc[g] for g, w in unit.items()) / sum(unit.values())
        gap = (wide.loc[treated].mean() - synthetic).to_numpy()
        return gap[5:].mean() - time @ gap[:5]

    whole = theta("")
    row = estimate(frame, inference=["jackknife"]).loc["att"]
    assert row["estimate"] == pytest.approx(whole, rel=1e-9)
    squares = sum((theta(g) - whole) ** 2 for g in wide.index)
    assert row["std_error"] == pytest.approx(np.sqrt(squares * 11 / 12), rel=1e-8)
    assert row["dof"] == 11


def test_placebos_are_algorithm_4():
    frame = practices(seed=12, treated=1, practices=9)
    row = estimate(frame, inference=["placebo"]).loc["att"]
    others = frame[frame["first_treated"].isna()]
    placebos = [
        estimate(
            others.assign(first_treated=np.where(others["practice_id"] == g, 2015.0, np.nan)),
            inference=["placebo"],
        ).loc["att", "estimate"]
        for g in others["practice_id"].unique()
    ]
    assert row["std_error"] == pytest.approx(np.std(placebos), rel=1e-8)
    assert "all 8 placebos" in row["convention"] and row["dof"] == 7


def test_placebos_are_sampled_where_they_are_many_and_need_more_untreated():
    drawn = evalweave.synthetic_did(
        practices(seed=13), outcome="y", inference=["placebo"], draws=99
    )
    told = drawn.diagnostics["synthetic_did"]["inference"]["placebo"]
    assert told["enumerated"] is True and told["placebos"] == 70  # 8 choose 4
    fewer = evalweave.synthetic_did(
        practices(seed=13, practices=15), outcome="y", inference=["placebo"], draws=99
    )
    told = fewer.diagnostics["synthetic_did"]["inference"]["placebo"]
    assert told["enumerated"] is False and told["placebos"] == 99
    assert all(0 < p <= 1 for p in told["p_value_by_rank"].values())
    with pytest.raises(DataError, match="no more than the 6 treated ones"):
        evalweave.synthetic_did(practices(seed=14, treated=6), outcome="y", inference=["placebo"])


def test_several_starts_are_averaged_by_treated_practice_periods():
    frame = practices(seed=15, starts=(2013.0, 2015.0), treated=5)
    together = estimate(frame)
    parts = {}
    for start, n in ((2013, 3), (2015, 2)):
        only = frame[frame["first_treated"].isna() | (frame["first_treated"] == start)]
        alone = estimate(only)
        assert together.loc[f"group[{start}]", "estimate"] == pytest.approx(
            alone.loc["att", "estimate"], rel=1e-10
        )
        parts[start] = (n * (2018 - start), alone)
    total = sum(size for size, _ in parts.values())
    mean = sum(size * alone.loc["att", "estimate"] for size, alone in parts.values()) / total
    assert together.loc["att", "estimate"] == pytest.approx(mean, rel=1e-10)
    first = [alone.loc["event[0]", "estimate"] for _, alone in parts.values()]
    assert together.loc["event[0]", "estimate"] == pytest.approx(
        (3 * first[0] + 2 * first[1]) / 5, rel=1e-10
    )


def test_a_start_without_two_periods_before_withholds_the_average():
    frame = practices(seed=16, starts=(2011.0, 2015.0))
    result = evalweave.synthetic_did(frame, outcome="y")
    assert set(result.tidy()["term"]) == {"group[2015]"}
    absent = result.diagnostics["synthetic_did"]["absent"]
    assert "1 of the periods lie before" in absent["group[2011]"]
    assert "withheld" in absent["att"]
    given = estimate(frame, partial=True)
    assert "left out: group[2011] (70 % of its weight)" in given.loc["att", "convention"]


def test_anticipation_leaves_the_periods_before_the_start_out():
    frame = practices(seed=17)
    spoilt = frame.assign(y=frame["y"] + 50.0 * (frame["period"] == 2014))
    spoilt.loc[frame["first_treated"].isna(), "y"] = frame["y"]
    first, other = (estimate(f, anticipation=1) for f in (frame, spoilt))
    assert other.loc["att", "estimate"] == pytest.approx(first.loc["att", "estimate"], rel=1e-9)
    assert "2014" not in weights(frame, anticipation=1)["time"]


def test_a_practice_that_misses_a_period_is_left_out_and_counted():
    frame = practices(seed=18)
    gap = frame[~((frame["practice_id"] == "g03") & (frame["period"] == 2012))]
    result = evalweave.synthetic_did(gap, outcome="y", solver="exact")
    notes = " ".join(result.diagnostics["synthetic_did"]["notes"])
    assert "1 of 12 practices (1 of them treated) are not seen in every period" in notes
    without = estimate(frame[frame["practice_id"] != "g03"])
    assert result.tidy()["estimate"][0] == pytest.approx(without["estimate"].iloc[0], rel=1e-10)


def test_what_cannot_be_compared_is_refused():
    frame = practices(seed=19)
    mixed = pd.concat(
        [frame, frame[frame["practice_id"] == "g05"].assign(patient_id="x", first_treated=2014.0)]
    )
    with pytest.raises(DataError, match="1 of 12 practices hold people of several starts"):
        evalweave.synthetic_did(mixed, outcome="y")
    lone = frame[frame["first_treated"].notna() | (frame["practice_id"] == "g11")]
    with pytest.raises(DataError, match="two practices that never start"):
        evalweave.synthetic_did(lone, outcome="y")
    early = frame.assign(first_treated=frame["first_treated"] - 4)
    with pytest.raises(DataError, match="no start has two periods before it"):
        evalweave.synthetic_did(early, outcome="y")
    for refused in ("cr1", "cr2", "multiplier_bootstrap", "hansen", "wild_bootstrap"):
        with pytest.raises(StudyError, match="jackknife and placebo apply"):
            evalweave.synthetic_did(frame, outcome="y", inference=[refused])
    with pytest.raises(StudyError, match="takes no covariates"):
        evalweave.synthetic_did(frame.assign(x=1.0), outcome="y", covariates=["x"])
    with pytest.raises(StudyError, match="no simultaneous bands"):
        evalweave.synthetic_did(frame, outcome="y", bands="simultaneous")
    with pytest.raises(StudyError, match="synthetic_did"):
        evalweave.twfe(frame, outcome="y", inference=["placebo"])


def test_a_trend_that_breaks_differences_in_differences_is_followed():
    """Untreated practices fall into two groups of different slopes; treated ones have that of the
    smaller group. Differences in differences are off by the difference in slopes; weights, though
    the penalty spreads them, are off by less than a quarter of that.
    """
    random = np.random.default_rng(20)
    frame = practices(seed=20, practices=16)
    steep = frame["practice_id"].isin([f"g{g:02d}" for g in (0, 1, 2, 3, 4, 5, 6)])
    time = frame["period"] - 2010
    frame["y"] = (
        50
        + 2.0 * steep * time
        + 0.3 * random.normal(size=len(frame))
        - 2.0 * (frame["period"] >= frame["first_treated"])
    )
    plain = evalweave.did_2x2(frame, outcome="y").tidy().set_index("term")
    off = plain.loc["att", "estimate"] + 2
    assert off > 4  # the sign is wrong
    assert abs(estimate(frame).loc["att", "estimate"] + 2) < off / 4


def test_practices_count_once_however_many_people_they_have():
    frame = practices(seed=21)
    crowd = pd.concat(
        [
            frame,
            *(frame[frame["practice_id"] == "g00"].assign(patient_id=f"m{n}") for n in range(9)),
        ]
    )
    measures = [
        evalweave.synthetic_did(f, outcome="y").diagnostics["synthetic_did"]["design"]
        for f in (frame, crowd)
    ]
    for measure in ("partial_leverage", "effective_practices", "dof"):
        first, other = (m["terms"]["att"][measure] for m in measures)
        assert other == pytest.approx(first, rel=1e-12)
    assert measures[0]["basis"] == "practices by arm"


def test_one_treated_practice_is_warned_of_with_what_is_left_to_ask():
    frame = practices(seed=22, treated=1)
    trust = {
        name: evalweave.fit(
            frame, {"columns": {"outcome": "y"}, "analyses": [{"name": "a", "estimator": name}]}
        ).diagnostics["a"]["trust"]
        for name in ("synthetic_did", "twfe", "imputation")
    }
    assert (
        "placebo error" in trust["synthetic_did"] and "randomisation" not in trust["synthetic_did"]
    )
    assert "randomisation gives a p-value, at best 1/12" in trust["twfe"]
    assert "twfe with randomisation" in trust["imputation"]
