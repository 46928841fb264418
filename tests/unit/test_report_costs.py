"""What it costs and what it saves: sentences for any sign and width, released numbers, no trace
without costs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalweave.release.audit import audit
from evalweave.release.disclosure import profile
from evalweave.release.economics import CARE, COST, EFFECT, MAIN, NET_BENEFIT, RATIO, released
from evalweave.report import costs_in_words as words
from evalweave.report.blocks import Prose
from evalweave.report.data import ReportData
from evalweave.report.figures import economic
from evalweave.report.figures.style import NARROW
from evalweave.report.sections.costs import section
from evalweave.report.sections.guidelines import said_costs
from helpers.report_results import Made
from helpers.reports import both, data, report
from helpers.reports import words as read

PHONE = 342  # pixels that a figure has on a screen of 360


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return data(tmp_path_factory.mktemp("costs"), costs=True)


def test_figures_of_costs_are_drawn_for_a_phone_too(made: ReportData) -> None:
    valued = made.released_economics
    assert valued is not None
    for draw in (
        economic.net_benefit_figure,
        economic.acceptability_figure,
        economic.plane_figure,
    ):
        narrow = draw(made, valued).drawings[0].narrow
        assert f'viewBox="0 0 {NARROW} ' in narrow
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", narrow)]
        assert len(sizes) > 8 and min(sizes) * PHONE / NARROW >= 11


def row(item: str, estimate: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    error = (high - low) / 4
    unit = {"unit": "mmol/mol" if item == EFFECT else "GBP", "std_error": error}
    return {"item": item, "estimate": estimate, "ci_low": low, "ci_high": high, **unit, **more}


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-151, -65, "care cost £108 less a person-year"),
        (65, 151, "care cost £108 more a person-year"),
        (-151, 20, "We cannot tell whether care cost more or less"),
    ],
)
def test_costs_of_care_are_said_for_any_sign_and_width(
    made: ReportData, low: float, high: float, said: str
) -> None:
    estimate = 108.0 if low > 0 else -108.0
    sentence = words.care(made, [row(CARE, estimate, low, high)])
    assert said in sentence
    assert ("£151 less to £20 more" in sentence) == (high == 20)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-91, -4, "Together it saves £48"), (4, 91, "it costs £48"), (-91, 9, "cannot tell whether")],
)
def test_the_cost_in_all_is_said_where_the_programme_has_one(
    made: ReportData, low: float, high: float, said: str
) -> None:
    cost = row(COST, 47.5 if low > 0 else -47.5, low, high)
    programme = row("programme", 60, 60, 60)
    assert said in words.in_all(made, [cost, programme])
    assert words.in_all(made, [cost]) == ""
    assert "£60 a person-year, as declared" in words.programme(made, [programme])
    assert "No cost of the programme itself was declared" in words.programme(made, [cost])


def worth(made: ReportData, ends: list[tuple[float, float]]) -> str:
    assert made.economics is not None
    listed = [
        row(NET_BENEFIT, (low + high) / 2, low, high, threshold=50.0 * k, scenario=MAIN)
        for k, (low, high) in enumerate(ends)
    ]
    table = pd.DataFrame(listed).assign(subgroup=None)
    return words.worth(made, replace(made.economics, table=table))


def test_worth_its_cost_only_where_the_interval_says_so(made: ReportData) -> None:
    assert "At every declared worth" in worth(made, [(1, 2), (3, 4)])
    assert "At no declared worth" in worth(made, [(-2, -1), (-4, -3)])
    assert "We cannot tell whether it is worth its cost" in worth(made, [(-2, 1), (-4, 3)])
    assert "We cannot tell" in worth(made, [(-1, 3), (-2, 6)])  # estimates above zero
    mixed = worth(made, [(-2, -1), (-1, 1), (1, 2)])
    for said in ("is worth £100", "not worth it at £0", "at £50 we cannot tell"):
        assert said in mixed


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("interval", "Fieller interval £10 to £30"),
        ("outside", "The ratio has no interval, as the effect may be zero: the data allow all but"),
        ("everything", "The ratio has no interval, as neither effect nor cost differs"),
    ],
)
def test_a_ratio_has_a_fieller_interval_or_is_said_to_have_none(
    made: ReportData, form: str, said: str
) -> None:
    assert made.economics is not None
    rows = [row(EFFECT, 1, -1, 3), row(COST, 20, -1, 41), row(RATIO, 20, 10, 30, form=form)]
    table = pd.DataFrame(rows).assign(scenario=MAIN, subgroup=None)
    assert said in words.ratio(made, replace(made.economics, table=table))


def gradient(made: ReportData, effect: tuple[float, float], cost: tuple[float, float]) -> str:
    assert made.economics is not None
    listed = [
        row(item, (low + high) / 2, low, high, subgroup_level="1 less 0")
        for item, (low, high) in ((EFFECT, effect), (CARE, cost))
    ]
    table = pd.DataFrame(listed).assign(scenario=MAIN, subgroup="white")
    return words.gradients(made, replace(made.economics, table=table))[0]


def test_a_gradient_that_turns_round_is_seen_and_one_that_is_not_sure_is_said(
    made: ReportData,
) -> None:
    reversed_ = gradient(made, (1, 3), (20, 60))
    assert "in one group (White)" in reversed_ and "cannot tell" not in reversed_
    assert "another (any other ethnic group): the gradient reverses" in reversed_
    same = gradient(made, (1, 3), (-60, -20))
    assert "the same one" in same and "reverses" not in same


def test_the_truth_of_simulated_costs_stands_beside_them(made: ReportData) -> None:
    main = [row(CARE, -108, -151, -64), row("programme", 60, 60, 60)]
    for planted, said in ((-52, "does not hold"), (-100, "holds")):
        known = replace(made, truth={"care": {"cost": {"att": planted}}})
        sentence = words.truth(known, main)
        assert f"interval {said} what was planted" in sentence
        assert f"£{abs(planted)} was planted" in sentence
    assert "£8 in all" in words.truth(replace(made, truth={"care": {"cost": {"att": -52}}}), main)
    assert words.truth(replace(made, truth=None), main) == ""
    about = made.study.study.model_copy(update={"synthetic": False})
    real = made.study.model_copy(update={"study": about})
    assert words.truth(replace(known, study=real), main) == ""


def test_an_arm_of_few_practices_is_told_beside_the_numbers(made: ReportData) -> None:
    assert made.economics is not None
    few = "Only 2 of 13 practices have the programme."
    facts = {**made.economics.facts, "few": [few]}
    shown = section(replace(made, economics=replace(made.economics, facts=facts)))
    assert shown is not None
    assert few in [str(block.text) for block in shown.blocks if isinstance(block, Prose)]


def test_the_checklist_answers_with_effect_and_costs(made: ReportData) -> None:
    said = str(said_costs.results(made))
    assert "HbA1c, improvement:" in said and "The programme itself costs £20" in said
    assert "care cost" in said
    assert str(said_costs.measured(made)).count("were set aside") == 1


def test_a_qaly_holds_its_year_and_a_natural_unit_does_not(made: ReportData) -> None:
    assert words.unit_of_worth(made) == "one mmol/mol of HbA1c for a year"
    economics = made.study.economics
    assert economics is not None
    effect = economics.effect.model_copy(update={"unit": "QALY", "source": "invented"})
    lived = economics.model_copy(update={"effect": effect})
    study = made.study.model_copy(update={"economics": lived})
    assert words.unit_of_worth(replace(made, study=study)) == "one QALY"
    unsure = gradient(made, (1, 3), (-20, 60))
    assert "of costs the interval of the difference holds zero" in unsure
    assert "cannot tell" in unsure


def test_what_is_released_is_rounded_adds_up_and_holds_no_count_of_people(
    made: ReportData,
) -> None:
    valued = made.released_economics
    assert valued is not None and made.economics is not None
    assert not {"n_obs", "n_patients"} & set(valued.table)
    main = {r["item"]: r for r in words.rows(valued, MAIN) if r["item"] != NET_BENEFIT}
    worth = [r for r in words.rows(valued, MAIN) if r["item"] == NET_BENEFIT]
    at_zero = worth[0]
    assert at_zero["threshold"] == 0 and at_zero["estimate"] == -main[COST]["estimate"]
    assert at_zero["ci_low"] == -main[COST]["ci_high"]
    exact = made.economics.table
    for shown, true in zip(valued.table["estimate"], exact["estimate"], strict=True):
        assert shown == pytest.approx(true, rel=0.02, abs=0.01)
        assert len(f"{shown:.10g}".replace("-", "").replace(".", "").strip("0")) <= 7
    assert (valued.curve["threshold"] == made.economics.curve["threshold"]).all()


def test_what_rests_on_too_few_people_is_blank_and_so_is_all_that_is_made_of_it(
    made: ReportData,
) -> None:
    assert made.economics is not None
    few = made.economics.table.copy()
    level = few["subgroup_level"] == "0"
    few.loc[level, "n_patients"] = 5
    valued = released(profile("nhs_england"), replace(made.economics, table=few))
    assert valued.table.loc[level, "estimate"].isna().all()
    assert valued.table.loc[~level, "estimate"].notna().all() and len(valued.curve)
    few.loc[(few["item"] == COST) & (few["scenario"] == MAIN), "n_patients"] = 5
    gone = released(profile("nhs_england"), replace(made.economics, table=few))
    made_of = gone.table["item"].isin((COST, RATIO, NET_BENEFIT)) & (gone.table["scenario"] == MAIN)
    assert gone.table.loc[made_of, ["estimate", "ci_low", "probability"]].isna().all(axis=None)
    assert not len(gone.curve) and not len(gone.plane)


def test_the_section_stands_in_both_documents_and_passes_the_audit(tmp_path: Path) -> None:
    out = report(tmp_path, Made(costs=True))
    page = read(both(out))
    for said in (
        "What it costs and what it saves",
        "Net benefit, one mmol/mol of HbA1c for a year being worth",
        "Who gains, and whose care becomes cheaper",
        "Later prices: prices of 2024",
        "in prices of 2019; not discounted; what a unit may be worth: the commissioner’s",
        "Unit costs: stays £416.50 (a tariff)",
        "£400",
    ):
        assert said in page, said
    main = (out / "report.html").read_text()
    assert main.count("<figure") and 'id="costs-table"' in main
    assert "costs-by-scenario" not in main
    names = {path.stem for path in (out / "figures").glob("*.csv")}
    assert {"net-benefit", "acceptability", "plane"} <= names
    curve = pd.read_csv(out / "figures/net-benefit.csv")
    table = pd.read_csv(out / "economics.csv")
    worth = table[(table["item"] == NET_BENEFIT) & (table["scenario"] == MAIN)]
    at = curve.set_index("threshold")["net_benefit"]
    assert np.allclose(at.loc[worth["threshold"]], worth["estimate"])
    assert audit(out, []).findings == []


def test_every_number_of_the_section_stands_in_a_released_table(tmp_path: Path) -> None:
    out = report(tmp_path, Made(costs=True))
    html = (out / "report.html").read_text()
    section = re.search(r'id="costs-table".*?</table>', html, re.S)
    assert section
    table = pd.read_csv(out / "economics.csv")
    known = {
        round(abs(v), p)
        for c in ("estimate", "ci_low", "ci_high")
        for v in table[c].dropna()
        for p in (0, 1, 2)
    }
    shown = [
        float(n.replace(",", ""))
        for n in re.findall(r"\d[\d,]*(?:\.\d+)?", read(section[0].split("<tbody>")[1]))
    ]
    declared = {0.0, 50.0, 100.0, 99.0, 1.0, 2019.0, 95.0}
    chances = {round(100 * p, 0) for p in table["probability"].dropna()}
    assert shown and not [n for n in shown if n not in known | declared | chances]


def test_a_study_without_costs_shows_no_trace_of_them(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    text = both(out).lower()
    for word in ("what it costs", "net benefit", "cost of care", "cheers", "economics.csv"):
        assert word not in text, word
    assert not (out / "economics.csv").exists()
    for name in ("net-benefit", "acceptability", "plane"):
        assert not list((out / "figures").glob(f"{name}.*"))
    manifest = (out / "manifest.json").read_text().lower()
    assert "economics" not in manifest and "unit_costs" not in manifest


def test_an_evaluation_that_failed_is_said_and_stops_nothing(made: ReportData) -> None:
    assert made.economics is not None
    failed = replace(made.economics, facts={"absent": "cost cannot be estimated."})
    shown = section(replace(made, economics=failed))
    assert shown is not None and "cost cannot be estimated" in str(shown.blocks[0].text)
