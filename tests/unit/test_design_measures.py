"""What each practice carries of an estimate, against row-by-row regressions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import evalweave
from benchmarks import coverage
from helpers.did_panels import absorbed, panel


def test_leverages_and_effective_practices_equal_those_from_rows():
    frame = panel(seed=41, practices=8, treated=3)
    x, _, g = absorbed(frame)
    measured = evalweave.twfe(frame, outcome="y", inference=["cr3"])
    design = measured.diagnostics["twfe"]["design"]
    hat = np.diag(x @ np.linalg.inv(x.T @ x) @ x.T)
    leverage = [hat[g == practice].sum() for practice in np.unique(g)]
    assert design["leverage"] == pytest.approx(sorted(leverage, reverse=True), rel=1e-8)
    others = x[:, 1:]
    tested = x[:, 0] - others @ np.linalg.lstsq(others, x[:, 0], rcond=None)[0]
    share = np.array([(tested[g == p] ** 2).sum() for p in np.unique(g)]) / (tested**2).sum()
    term = design["terms"]["att"]
    assert term["partial_leverage"] == pytest.approx(sorted(share, reverse=True), rel=1e-8)
    assert term["effective_practices"] == pytest.approx(1 / (share**2).sum(), rel=1e-8)
    assert term["dof"] == pytest.approx(measured.rows[0]["dof"])


def test_measures_by_size_equal_those_of_a_difference_of_two_means_by_rows():
    frame = panel(seed=42, practices=9, treated=4)
    fitted = evalweave.callaway_santanna(frame, outcome="y", aggregate=["simple"])
    design = fitted.diagnostics["callaway_santanna"]["design"]
    people = frame.drop_duplicates("patient_id")
    treated = people["first_treated"].notna().to_numpy(float)
    x, g = np.column_stack((treated, 1 - treated)), people["practice_id"].to_numpy()
    bread, c = np.linalg.inv(x.T @ x), np.array([1.0, -1.0])
    share = np.array([((x[g == p] @ bread @ c) ** 2).sum() for p in np.unique(g)])
    share /= share.sum()
    term = design["terms"]["simple"]
    assert design["basis"] == "patients by arm"
    assert term["partial_leverage"] == pytest.approx(sorted(share, reverse=True))
    assert term["effective_practices"] == pytest.approx(1 / (share**2).sum())
    hat = x @ bread @ x.T
    towards = []  # rows g: (I - H)_g' A_g X_g M c, Bell & McCaffrey (2002)
    for practice in np.unique(g):
        own = g == practice
        adjusted = np.linalg.solve(np.eye(own.sum()) - hat[np.ix_(own, own)], x[own] @ bread @ c)
        towards.append((np.eye(len(g)) - hat)[:, own] @ adjusted)
    spread = np.array(towards) @ np.array(towards).T
    assert term["dof"] == pytest.approx(np.trace(spread) ** 2 / (spread**2).sum())
    influence = fitted.fits["callaway_santanna"].influence
    largest = (influence**2).max(axis=0) / (influence**2).sum(axis=0)
    place = fitted.fits["callaway_santanna"].terms.index("simple")
    assert term["largest_influence"] == pytest.approx(largest[place])


def test_the_sentence_says_what_was_measured():
    frame = panel(seed=43, practices=8, treated=4)
    entry = evalweave.twfe(frame, outcome="y").diagnostics["twfe"]["design"]
    term = entry["terms"]["att"]
    assert f"as {term['effective_practices']:.1f} practices of equal weight" in entry["sentence"]
    assert f"{100 * term['largest_share']:.0f} % of the weight" in entry["sentence"]
    assert f"{term['dof']:.1f} degrees of freedom" in entry["sentence"]
    times = 8 * entry["leverage"][0] / sum(entry["leverage"])
    assert f"{times:.1f} times the mean" in entry["sentence"]


def test_a_term_of_a_subgroup_with_the_fewest_degrees_of_freedom_stands_for_all():
    frame = panel(seed=44, units=240, practices=12, treated=6)
    entry = evalweave.twfe(frame, outcome="y", subgroup="white").diagnostics["twfe"]["design"]
    levels = {t: m["dof"] for t, m in entry["terms"].items() if t.startswith("att[")}
    assert f"({min(levels, key=levels.__getitem__)}) as" in entry["sentence"]


def best_coverage() -> dict[str, float]:
    """Return the highest coverage that the documented table gives each design."""
    text = (Path(__file__).parents[2] / "config" / "README.md").read_text(encoding="utf-8")
    best = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        shares = [float(cell.split(" ± ")[0]) for cell in cells[1:] if " ± " in cell]
        if shares:
            best[cells[0].rsplit(" (", 1)[0]] = max(shares)
    return best


def test_every_design_in_which_no_interval_covers_is_warned_of():
    best = best_coverage()
    names = {name: name.removeprefix("staggered, ") for name in coverage.DESIGNS}
    assert set(names.values()) == set(best)
    uncovered = {name for name, row in names.items() if best[row] < 93}
    assert uncovered
    for number, name in enumerate(coverage.DESIGNS):
        design = coverage.DESIGNS[name]
        frame, _ = coverage.simulate(np.random.default_rng(number), design)
        estimator = "imputation" if design.staggered else "twfe"
        spec = {
            "columns": {"outcome": "y"},
            "analyses": [{"name": "a", "estimator": estimator, "inference": ["cr2"]}],
        }
        if design.staggered:
            spec["analyses"][0]["inference"] = ["jackknife"]
        if design.areas:
            spec["allocation"] = {"level": "area"}
        entry = evalweave.fit(frame, spec).diagnostics["a"]
        assert "degrees of freedom" in entry["design"]["sentence"]
        few = entry["design"]["terms"]["att"]["dof"] < 4
        assert bool(entry["trust"]) >= (name in uncovered or few), name
        assert ("no design-based interval" in entry["trust"]) == (name in uncovered), name
