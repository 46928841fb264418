"""Lee's bounds: against an implementation by counting, normal theory, and what must hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import evalweave
from evalweave.errors import DataError
from evalweave.estimators.lee_did import imbens_manski, trimmed_mean
from helpers.measured_panels import followed


def fitted(frame: pd.DataFrame, **more: object):
    return evalweave.lee_did(frame, outcome="y", diagnostics=False, **more)


def terms(frame: pd.DataFrame, **more: object) -> pd.Series:
    return fitted(frame, **more).tidy().set_index("term")["estimate"]


def two_periods(
    programme: list[float], comparison: list[float], missed: tuple[int, int]
) -> pd.DataFrame:
    """Return people with these changes, and how many more of each arm were not measured after."""
    rows = []
    for arm, values, gone in (("t", programme, missed[0]), ("c", comparison, missed[1])):
        for i, change in enumerate([*values, *[np.nan] * gone]):
            who = {
                "patient_id": f"{arm}{i:05d}",
                "practice_id": f"{arm}{i % 4}",
                "first_treated": 1.0 if arm == "t" else np.nan,
            }
            rows += [{**who, "period": 0, "y": 10.0}, {**who, "period": 1, "y": 10.0 + change}]
    return pd.DataFrame(rows)


def by_counting(frame: pd.DataFrame) -> tuple[float, float]:
    """Return the bounds from copies of people: as many copies as make the share whole."""
    wide = frame.pivot(index="patient_id", columns="period", values="y")
    change = (wide[1] - wide[0]).rename("d").reset_index()
    change["t"] = change["patient_id"].str[0] == "t"
    share = change.groupby("t")["d"].apply(lambda d: d.notna().mean())
    more = bool(share[True] >= share[False])
    kept = share[not more] / share[more]
    arm = np.sort(change.loc[change["t"] == more, "d"].dropna().to_numpy())
    copies = np.repeat(arm, 2000)
    n = round(len(copies) * kept)
    low, high = copies[:n].mean(), copies[len(copies) - n :].mean()
    other = change.loc[change["t"] != more, "d"].mean()
    return (low - other, high - other) if more else (other - high, other - low)


@pytest.mark.parametrize("missed", [(2, 9), (9, 2), (5, 5), (0, 7)])
def test_bounds_are_those_by_counting(missed):
    random = np.random.default_rng(sum(missed))
    frame = two_periods(list(random.normal(-1, 3, 37)), list(random.normal(0, 2, 31)), missed)
    found = terms(frame)
    expected = by_counting(frame)
    assert found[["att_lower", "att_upper"]].tolist() == pytest.approx(expected, abs=2e-3)
    assert expected[0] <= found["att_measured"] <= expected[1]


def test_bounds_of_normal_changes_are_truncated_means():
    """E[z | z < z_q] = -phi(z_q)/q: Lee (2009, p. 1082) trims p = (q1 - q0)/q1 of the treated."""
    points = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    frame = two_periods(list(points - 1), list(points), (0, 1000))  # measured: all, four of five
    found = terms(frame)
    kept = 0.8
    shift = stats.norm.pdf(stats.norm.ppf(kept)) / kept
    assert found["att_lower"] == pytest.approx(-1 - shift, abs=2e-3)
    assert found["att_upper"] == pytest.approx(-1 + shift, abs=2e-3)


def test_where_as_many_are_measured_the_bounds_meet():
    random = np.random.default_rng(4)
    frame = two_periods(list(random.normal(size=30)), list(random.normal(size=30)), (6, 6))
    found = terms(frame)
    assert found["att_lower"] == pytest.approx(found["att_upper"])
    changes = frame.pivot(index="patient_id", columns="period", values="y").diff(axis=1)[1]
    of_arm = changes.groupby(changes.index.str[0]).mean()
    assert found["att_measured"] == pytest.approx(of_arm["t"] - of_arm["c"])


def test_turning_the_outcome_turns_the_bounds():
    frame = followed(3, 8)
    one, other = terms(frame), terms(frame.assign(y=-frame["y"]))
    assert other["att_lower"] == pytest.approx(-one["att_upper"])
    assert other["att_upper"] == pytest.approx(-one["att_lower"])


def test_weights_of_one_and_other_names_change_nothing():
    frame = followed(3, 8).assign(one=1.0)
    plain = fitted(frame).tidy()
    assert fitted(frame, weight="one").tidy().equals(plain)
    names = {f"g{i:02d}": f"h{7 - i}" for i in range(8)}
    renamed = fitted(frame.assign(practice_id=frame["practice_id"].map(names))).tidy()
    for column in ("estimate", "std_error"):
        assert renamed[column].tolist() == pytest.approx(plain[column].tolist(), rel=1e-9)


def test_without_a_practice_the_shares_are_estimated_again():
    frame = followed(5, 8)
    fit = fitted(frame).fits["lee_did"]
    keep = np.array([name != "g03" for name in fit.cluster_names])
    alone = fitted(frame[frame["practice_id"] != "g03"]).fits["lee_did"]
    assert fit.refit(keep) == pytest.approx(alone.theta)


def test_a_person_at_the_edge_is_trimmed_in_part():
    values, weight = np.array([1.0, 2.0, 3.0]), np.ones(3)
    assert trimmed_mean(values, weight, 0.5, top=True) == pytest.approx((1 + 0.5 * 2) / 1.5)
    assert trimmed_mean(values, weight, 0.5, top=False) == pytest.approx((3 + 0.5 * 2) / 1.5)


def test_the_interval_is_one_sided_where_bounds_are_wide_and_two_sided_where_they_meet():
    low, high = imbens_manski(1.0, 1.0, 0.5, 0.5, 0.95, 1e9)
    assert (low, high) == pytest.approx((1 - 0.5 * 1.959964, 1 + 0.5 * 1.959964), rel=1e-5)
    low, _ = imbens_manski(0.0, 100.0, 0.5, 0.5, 0.95, 1e9)
    assert low == pytest.approx(-0.5 * 1.644854, rel=1e-5)


def test_what_it_says_of_an_effect_that_it_cannot_tell():
    found = fitted(followed(1, 16)).diagnostics["lee_did"]["lee"]
    assert found["ci_low"] < 0 < found["ci_high"] and found["verdict"] == "cannot tell"
    random = np.random.default_rng(1)
    clear = two_periods(list(random.normal(-9, 1, 40)), list(random.normal(0, 1, 40)), (2, 6))
    verdict = fitted(clear).diagnostics["lee_did"]["lee"]["verdict"]
    assert verdict == "an effect whatever was not measured"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(y=f["y"].fillna(0.0)), "nothing to bound"),
        (
            lambda f: f.assign(
                first_treated=f["first_treated"].where(~f["practice_id"].isin(["g00", "g01"]), 2)
            ),
            "over one start, and there are 2",
        ),
        (lambda f: f.assign(y=f["y"].where(f["period"] < 3)), "both before and after"),
    ],
)
def test_what_it_needs(change, words):
    with pytest.raises(DataError, match=words):
        fitted(change(followed(3, 8)))
