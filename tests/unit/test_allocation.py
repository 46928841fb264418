"""Errors and permutations at the level at which the programme was given out."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave.errors import DataError, StudyError
from helpers.did_panels import absorbed, panel


def spec(allocation=None, **more):
    analysis = {"name": "a", "estimator": "twfe", "inference": ["cr1", "randomisation"]}
    said = {"columns": {"outcome": "y"}, "analyses": [{**analysis, **more}]}
    return said if allocation is None else {**said, "allocation": allocation}


def areas(frame: pd.DataFrame, of: dict[str, str]) -> pd.DataFrame:
    return frame.assign(area=frame["practice_id"].map(of))


@pytest.fixture(scope="module")
def by_area():
    """Twelve practices in six areas, three of them (practices 0 to 5) with the programme."""
    frame = panel(seed=51, units=120, practices=12, treated=6)
    return areas(frame, {f"g{g:02d}": f"area {g // 2}" for g in range(12)})


def t_statistics(frame: pd.DataFrame, treated: list[set[str]], key: str) -> np.ndarray:
    """Return the cr1 t statistic under each set of treated clusters, from rows (no factor)."""
    found = []
    for names in treated:
        moved = frame.assign(first_treated=np.where(frame[key].isin(names), 2014.0, np.nan))
        x, y, _ = absorbed(moved)
        bread = np.linalg.inv(x.T @ x)
        beta = bread @ x.T @ y
        scores = (x * (y - x @ beta)[:, None]) @ bread[:, 0]
        sums = pd.Series(scores).groupby(frame[key].to_numpy()).sum()
        found.append(beta[0] / np.sqrt((sums**2).sum()))
    return np.array(found)


def test_errors_and_permutations_are_by_area_where_whole_areas_were_allocated(by_area):
    result = evalweave.fit(by_area, spec({"level": "area"}))
    as_cluster = spec()
    as_cluster["columns"]["cluster"] = "area"
    expected = evalweave.fit(by_area, as_cluster)
    for mine, other in zip(result.rows, expected.rows, strict=True):
        for column in ("estimate", "std_error", "dof", "p_value", "ci_low"):
            assert mine[column] == pytest.approx(other[column], nan_ok=True)
        assert (mine["n_practices"], mine["n_practices_treated"]) == (12, 6)
    every = [set(chosen) for chosen in itertools.combinations(sorted(by_area["area"].unique()), 3)]
    t = t_statistics(by_area, every, "area")
    p = np.mean(np.abs(t) >= np.abs(t[0]) * (1 - 1e-9))
    assert result.rows[1]["p_value"] == pytest.approx(p)
    entry = result.diagnostics["a"]
    assert "3 with it, 3 without" in entry["allocation"]
    assert entry["design"]["sentence"].startswith("6 areas (3 with the programme)")


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "did_2x2"])
def test_every_estimator_takes_its_errors_by_area(by_area, estimator):
    options = {"estimator": estimator, "inference": ["cr1", "jackknife"]}
    result = evalweave.fit(by_area, spec({"level": "area"}, **options))
    as_cluster = spec(**options)
    as_cluster["columns"]["cluster"] = "area"
    expected = evalweave.fit(by_area, as_cluster).tidy()
    columns = ["term", "estimate", "std_error", "ci_low", "dof"]
    pd.testing.assert_frame_equal(result.tidy()[columns], expected[columns])


def test_randomisation_permutes_within_strata():
    frame = panel(seed=52, practices=8, treated=4)
    frame["pair"] = frame["practice_id"].str[1:].astype(int) % 4  # one treated practice each
    row = evalweave.fit(frame, spec({"restrict": "pair"})).rows[1]
    names = [f"g{g:02d}" for g in range(8)]
    every = [set(chosen) for chosen in itertools.product(*zip(names[:4], names[4:], strict=True))]
    t = t_statistics(frame, every, "practice_id")
    assert row["p_value"] == pytest.approx(np.mean(np.abs(t) >= np.abs(t[0]) * (1 - 1e-9)))
    assert "all 16 assignments" in row["convention"]
    assert "within strata" in row["convention"]


def test_sampled_assignments_keep_every_stratum_as_it_is():
    from evalweave.fits.result import Reassignment
    from evalweave.inference.randomisation import _assignments
    from evalweave.study.analyses import AnalysisOptions

    observed = np.repeat([0, 1, 0, 1], 5)
    strata = np.repeat([0, 1], 10)
    blank = np.zeros(0)
    statistics = Reassignment(np.array([3.0, np.inf]), observed, blank, blank, blank, strata)
    analysis = AnalysisOptions(name="a", estimator="twfe", draws=200)
    drawn, everything = _assignments(statistics, analysis)
    assert not everything
    assert (drawn[:, :10].sum(axis=1) == 5).all()
    assert (drawn[:, 10:].sum(axis=1) == 5).all()
    assert len(np.unique(drawn, axis=0)) > 190


def test_one_treated_area_leaves_no_design_based_interval_and_says_so():
    frame = panel(seed=53, practices=12, treated=6)
    of = {f"g{g:02d}": "west" if g < 6 else "east" if g < 9 else "north" for g in range(12)}
    by_practice = evalweave.fit(frame, spec())
    result = evalweave.fit(areas(frame, of), spec({"level": "area"}))
    pd.testing.assert_frame_equal(result.tidy(), by_practice.tidy())
    trust = result.diagnostics["a"]["trust"]
    assert "All 6 practices with the programme lie in one area" in trust
    assert "no design-based interval exists" in trust
    assert "no area × time shocks" in trust
    assert "1/3" in trust
    assert "one by one" in by_practice.diagnostics["a"]["design"]["sentence"]
    assert "one by one" not in result.diagnostics["a"]["design"]["sentence"]


def test_one_comparison_area_is_no_better():
    frame = panel(seed=53, practices=12, treated=6)
    of = {f"g{g:02d}": "west" if g < 3 else "south" if g < 6 else "east" for g in range(12)}
    trust = evalweave.fit(areas(frame, of), spec({"level": "area"})).diagnostics["a"]["trust"]
    assert "no design-based interval exists" in trust


def test_areas_that_part_the_arms_are_pointed_out_where_nothing_is_declared():
    frame = panel(seed=53, practices=12, treated=6)
    apart = areas(frame, {f"g{g:02d}": "west" if g < 6 else "east" for g in range(12)})
    trust = evalweave.fit(apart, spec(), area="area").diagnostics["a"]["trust"]
    assert "declare `allocation: {level: area}`" in trust
    mixed = areas(frame, {f"g{g:02d}": "west" if g % 2 else "east" for g in range(12)})
    trust = evalweave.fit(mixed, spec(), area="area").diagnostics["a"]["trust"]
    assert "allocation" not in trust


def test_a_practice_in_two_areas_or_in_none_is_refused(by_area):
    wrong = by_area.copy()
    wrong.loc[wrong.index[wrong["practice_id"] == "g03"][:2], "area"] = "elsewhere"
    wrong.loc[wrong["practice_id"] == "g04", "area"] = None
    with pytest.raises(DataError, match="more than one area") as told:
        evalweave.fit(wrong, spec({"level": "area"}))
    assert "1 practice_id without area" in str(told.value)
    with pytest.raises(DataError, match="nowhere"):
        evalweave.fit(by_area, spec({"level": "area", "area": "nowhere"}))


def test_strata_must_hold_what_was_allocated(by_area):
    wrong = by_area.assign(block=by_area["practice_id"].str[-1])
    with pytest.raises(DataError, match="practices in several strata"):
        evalweave.fit(wrong, spec({"level": "area", "restrict": ["block"]}))
    with pytest.raises(StudyError, match="nothing could be permuted"):
        evalweave.fit(by_area, spec({"level": "area", "restrict": ["area"]}))


def test_synthetic_did_does_not_turn_to_means_of_areas(by_area):
    said = spec({"level": "area", "area": "area"}, estimator="synthetic_did", inference=["auto"])
    with pytest.raises(DataError, match="would weight the means of areas"):
        evalweave.fit(by_area, said)


def test_two_of_four_areas_can_show_nothing_and_it_says_so():
    frame = panel(seed=52, units=80, practices=8, treated=4, effect=-20.0)
    frame = areas(frame, {f"g{g:02d}": f"area {g // 2}" for g in range(8)})
    said = spec({"level": "area", "area": "area"}, inference=["randomisation"], diagnostics=False)
    found = evalweave.fit(frame, said)
    (row,) = found.rows
    assert row["p_value"] == pytest.approx(1 / 3)
    assert "of 6 assignments, the smallest possible p-value is 0.333" in found.summary()


def test_six_areas_can_show_a_tenth(by_area):
    said = spec({"level": "area", "area": "area"}, inference=["randomisation"], diagnostics=False)
    words = evalweave.fit(by_area, said).summary()
    assert "of 20 assignments, the smallest possible p-value is 0.1;" in words
