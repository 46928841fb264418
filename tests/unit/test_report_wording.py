"""Words that fit whatever the study file says: singular and plural, labels within sentences, units,
terms in words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from evalweave.diagnostics import trust
from evalweave.release.disclosure import profile
from evalweave.report.blocks import figures_in, plain
from evalweave.report.checks import checks
from evalweave.report.checks.agreement import leave_one_out
from evalweave.report.checks.evidence import judge
from evalweave.report.checks.paths import placebo_starts, pre_trends
from evalweave.report.data import ReportData
from evalweave.report.gather import gather
from evalweave.report.people import k_of_n
from evalweave.report.sections import answer, believed, happened, methods, outcomes, studied
from evalweave.report.sections.guidelines import said as answered_by
from evalweave.report.sentences import own_change
from evalweave.report.terms import in_words
from helpers.report_results import Made
from helpers.reports import both, data, report, words


def test_a_reason_is_no_noun_of_its_count(tmp_path: Path) -> None:
    """85 rows of one patient contradict each other: 85 are people, not rows."""
    said = words((report(tmp_path, Made()) / "figures/flow.svg").read_text())
    assert "1,435 : too old" in said
    assert "people 1,435" in said.replace("about 2,435 ", "")


def test_one_reference_is_singular() -> None:
    record = {"n_eligible": None, "n_references": "1"}
    assert plain(k_of_n(profile("none"), record)) == "1 reference"
    assert plain(k_of_n(profile("none"), {**record, "n_references": "12"})) == "12 references"


@pytest.mark.parametrize(
    "term, says",
    [
        ("event[overall]", "periods since the start"),
        ("group[overall]", "practices by their start"),
        ("simple", "every start and period"),
        ("calendar[overall]", "calendar periods"),
    ],
)
def test_an_average_says_over_what(tmp_path: Path, term: str, says: str) -> None:
    found = data(tmp_path)
    assert in_words(found, found.primary, term) == f"Availability and HbA1c, averaged over {says}"


def test_checks_speak_in_the_units_of_the_switch(tmp_path: Path) -> None:
    found = data(tmp_path)
    for check, first, second in (
        (
            leave_one_out,
            "between −0.13 and −0.09 percentage points",
            "between −1.40 and −1.00 mmol/mol",
        ),
        (
            placebo_starts,
            "0.01 (95\u202f% CI −0.08 to 0.10) percentage points",
            "0.10 (95\u202f% CI −0.90 to 1.10) mmol/mol",
        ),
        (pre_trends, "slope 0.002 percentage points a period", "slope 0.02 mmol/mol a period"),
    ):
        said = check(found)
        assert said is not None
        why = judge([said])[0].check.why
        assert first in plain(why) and second in str(why) and second not in plain(why)


def test_notes_call_outcomes_by_their_labels(tmp_path: Path) -> None:
    text = words(both(report(tmp_path, Made())))
    assert "treated rows of HbA1c cannot be imputed" in text and "of hba1c" not in text
    assert "rows without HbA1c were left out" not in text  # the flow has the whole count


def test_what_each_analysis_was_told_says_draws_only_where_some_are_drawn(tmp_path: Path) -> None:
    text = str(methods.section(data(tmp_path, methods=(("wild_bootstrap", -2.1, -0.3),))))
    assert text.count("9,999 draws") == 1
    assert "by ethnicity" in text and "by white" not in text


def test_weighting_is_told_of_every_weighted_comparison(tmp_path: Path) -> None:
    text = str(methods.section(data(tmp_path, weighted=True)))
    assert (
        "Comparison patients of “all others” are weighted by entropy balancing to resemble the "
        "programme arm in age and sex." in text
    )


def test_planted_values_stand_under_their_analysis(tmp_path: Path) -> None:
    html = both(report(tmp_path, Made()))
    table = html[html.index('id="planted"') :].partition("</table>")[0]
    assert '<tr class="group">' in table and "Availability and HbA1c" in table


def test_conditions_that_nobody_counted_are_no_baseline(tmp_path: Path) -> None:
    found = data(tmp_path)
    assert found.baseline is not None
    line = {
        "comparison": "all",
        "variable": "n_conditions",
        "category": "",
        "statistic": "mean_sd",
        "programme": 0.0,
        "programme_sd": 0.0,
        "programme_n": 4752,
        "comparison_value": 0.0,
        "comparison_sd": 0.0,
        "comparison_n": 3334,
    }
    frame = pd.concat([found.baseline, pd.DataFrame([line])], ignore_index=True)
    for names, shown in (([], False), (["type_1_diabetes"], True)):
        eligibility = found.study.eligibility.model_copy(update={"additional_conditions": names})
        study = found.study.model_copy(update={"eligibility": eligibility})
        text = str(
            studied.section(ReportData(study, found.profile, found.estimates, baseline=frame))
        )
        assert ("Number of additional conditions" in text) is shown


def test_what_is_adjusted_for_is_what_entered():
    from evalweave.report.sections.methods import _adjusted

    analysis = SimpleNamespace(name="main", covariates=["age", "sex"])
    entered = {"adjusted for": ["age × period"], "not adjusted for": ["sex"]}
    assert _adjusted(SimpleNamespace(diagnostics={"main": entered}), analysis) == [
        "adjusted for age × period",
        "sex left out, so that nothing is adjusted for it",
    ]
    failed = SimpleNamespace(diagnostics={"main": {"error": "no estimate"}})
    assert not any(part.startswith("adjusted") for part in _adjusted(failed, analysis))
    assert _adjusted(failed, SimpleNamespace(name="main", covariates=[])) == []


def test_before_and_after_part_at_the_start_and_not_at_the_index_date(tmp_path: Path) -> None:
    """The index date of the invented study is 2015-04-01."""
    found = data(tmp_path)
    for starts, period in (
        ((), 2015),
        (("2016-04-01",), 2016),
        (("2017-06-30", "2016-10-01"), 2016),
        (("2040-01-01", "soon"), 2015),
    ):
        assert replace(found, starts=starts).first_period == period
    means = {2015: 40.0}  # of the programme arm, in the year between
    moved = found.trends["all"].assign(mean=lambda t: t["period"].map(means).fillna(50.0))
    late = replace(found, starts=("2016-04-01",), trends={"all": moved})
    early = replace(late, starts=())
    assert own_change(early) < 0 < own_change(late)
    file = tmp_path / "results/clean/practices.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("practice_id,programme_start\np1,2016-04-01\np2,\n")
    again = gather(found.study, tmp_path / "study.yaml", tmp_path / "results")
    assert again.starts == ("2016-04-01",)


def test_weights_for_who_was_measured_are_told(tmp_path: Path) -> None:
    found = data(tmp_path)
    assert answered_by.weighted(found) == "Nobody was matched, and nobody weighted."
    other = found.primary.model_copy(
        update={"name": "w", "estimator": "weighted_did", "label": "W"}
    )
    study = found.study.model_copy(update={"analyses": [*found.study.analyses, other]})
    assert "In “W”, people measured are weighted" in answered_by.weighted(
        replace(found, study=study)
    )
    assert outcomes._adjusted_for(found, other) == "who was measured, by weights"
    told = {**found.diagnostics, "w": {"adjusted for": ["imd_quintile"]}}
    said = outcomes._adjusted_for(replace(found, diagnostics=told), other)
    assert said == "who was measured, by weights and area deprivation"


def test_a_hidden_number_of_people_is_no_bare_asterisk(tmp_path: Path) -> None:
    found, row = data(tmp_path), SimpleNamespace(n_practices=24, n_practices_treated=13)
    row.n_patients = 8045
    assert answer._facts(found, row).items[0][1] == "people"
    row.n_patients = pd.NA  # released as hidden
    assert "so that no small count" in str(answer._facts(found, row).items[0][1])


def test_a_share_of_little_is_not_nothing() -> None:
    assert trust._share(0.0026) == "less than 1 %" and trust._share(0.126) == "13 %"


@pytest.mark.parametrize("disclosure", ["nhs_england", "sacro"])
def test_no_sentence_tells_what_the_profile_withholds(tmp_path: Path, disclosure: str) -> None:
    """The estimates rest on five people: neither they nor what was computed beside them."""
    found = data(tmp_path, people=5, disclosure=disclosure)
    for part in (answer, believed, happened):
        told = str(part.section(found)).replace("\\u202f", " ")
        assert not re.search(r"slope|too early \d|lies between|[−-]?\d\.\d+ \(95", told)
    assert "There is no estimate for HbA1c: withheld: it rests on too few people." in str(
        answer.section(found).blocks[0].text
    )
    assert {one.state for one in checks(found)} == {"cannot tell"}
    assert "event_study" not in {one.name for one in figures_in(happened.section(found).blocks)}
    kept = data(tmp_path / "shown", disclosure=disclosure)
    assert "lies between" in str(believed.section(kept)) and not kept.withheld
