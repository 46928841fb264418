"""Kinds of outcomes: what a study file may say of them, which estimators suit them, blanks that are
zero, and the dead."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

import evalweave
from evalweave import engine
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.kinds import KINDS, kind_refusal
from evalweave.errors import DataError, StudyError
from evalweave.estimators.follow_up import with_blanks, with_dead
from evalweave.panel.deaths import dead
from evalweave.release import precision
from evalweave.study.analyses import AnalysisOptions, Columns
from evalweave.study.file import validate
from evalweave.study.outcomes import Outcome
from evalweave.study.refusals import of_study
from evalweave.study.stages import (
    CleanSettings,
    PanelSettings,
    UsesSettings,
    dead_value,
    settings_for,
    spec_of,
    table_of,
)
from evalweave.study.whole import Study
from helpers.framed import framed

STUDY: dict[str, Any] = {
    "study": {"name": "s", "title": "A study"},
    "extract": {"path": "extract"},
    "practices": "practices.csv",
    "codelists": {"hba1c": "h.csv", "admission": "a.csv", "smoking": "s.csv", "eq5d": "e.csv"},
    "window": {"first": "2011-04-01", "last": "2019-03-31", "period": "financial_year"},
    "eligibility": {"index_date": "2015-04-01"},
    "comparisons": {"all": {}},
    "resource_use": {
        "items": {"admissions": {"codelist": "admission"}},
        "unit_costs": "costs.csv",
        "price_year": 2019,
    },
    "outcomes": {
        "hba1c": {},
        "smoking": {},
        "raised": {"kind": "binary", "of": "hba1c", "at_least": 58},
        "admissions": {"kind": "count", "unit": "admissions"},
        "spend": {"kind": "cost", "unit": "£", "deaths": "composite", "dead_value": 0},
    },
    "analyses": [
        {"name": "main", "estimator": "twfe", "outcome": "hba1c"},
        {"name": "use", "estimator": "poisson", "outcome": "admissions"},
        {"name": "pounds", "estimator": "two_part", "outcome": "spend"},
    ],
}


def study(**changes: Any) -> Study:
    """The study with outcomes changed: a key an outcome, None = without it."""
    said = deepcopy(STUDY)
    for name, keys in changes.items():
        if keys is None:
            said["outcomes"].pop(name)
        else:
            said["outcomes"][name] = keys
    return Study.model_validate(said)


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ({"kind": "utility"}, 3),
        ({"unit": "x", "plausible": [0.5, 8]}, 2),
        ({"unit": "x", "plausible": [1, 90]}, 1),
    ],
)
def test_means_are_as_fine_as_values_are_written(keys, places):
    known = precision.of_study(study(eq5d=keys))
    assert (known["eq5d"], known["hba1c"]) == (places, 1)


def test_what_each_kind_is_when_the_study_file_says_no_more():
    known = study(eq5d={"kind": "utility"}).outcomes
    assert (known["smoking"].kind, known["smoking"].per_period) == ("binary", "last")
    assert (known["raised"].unit, known["raised"].plausible) == ("proportion", (0, 1))
    assert known["admissions"].unit == "admissions per person-year"
    assert (known["eq5d"].unit, known["eq5d"].better) == ("utility", "higher")
    assert not known["hba1c"].binary and known["hba1c"].recorded and not known["raised"].recorded


def test_a_study_that_is_read_twice_says_the_same():
    once = study()
    assert Study.model_validate(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"raised": {"kind": "binary", "of": "hba1c"}}, "give at_least or below, one"),
        (
            {"raised": {"kind": "binary", "of": "hba1c", "at_least": 58, "below": 64}},
            "give at_least or below, one",
        ),
        ({"raised": {"kind": "binary", "of": "bmi", "below": 2}}, '"bmi" is not declared'),
        (
            {"raised": {"kind": "binary", "of": "hba1c", "at_least": 6.5}},
            "raised, at_least: 6.5 does not divide what is plausible for hba1c .20 to 195 mmol/mol",
        ),
        ({"raised": {"kind": "binary", "of": "hba1c", "below": 580}}, "below: 580 does not divide"),
        ({"hba1c": {"at_least": 58}}, "give kind: binary and of"),
        ({"hba1c": {"of": "smoking"}}, "belongs to kind: binary, count or cost"),
        ({"visits": {"kind": "count"}}, '"visits" is not declared'),
        ({"spend": {"kind": "cost"}}, "unit"),
        ({"admissions": {"kind": "count", "plausible": [0, 9]}}, "set aside for its size"),
        ({"admissions": {"kind": "count", "codelist": "smoking"}}, "resource_use says how they"),
        (
            {"raised": {"kind": "binary", "of": "hba1c", "below": 5, "quantity": "bmi"}},
            "quantity: this outcome has no records of its own",
        ),
        ({"hba1c": {"deaths": "composite"}}, "needs dead_value"),
        ({"hba1c": {"dead_value": 1}}, "belongs to deaths: composite"),
        (
            {"smoking": {"kind": "binary", "deaths": "composite", "dead_value": 0.5}},
            "0.5 is what no binary outcome is",
        ),
        ({"hba1c": {"deaths": "ignored"}}, "composite"),
        ({"hba1c": {"kind": "utility", "plausible": [0, 2], "unit": "x"}}, "is at most 1"),
    ],
)
def test_what_an_outcome_may_not_say(changes, words):
    with pytest.raises(ValueError, match=words):
        study(**changes)


def test_counts_need_resource_use_and_costs_need_prices():
    said = deepcopy(STUDY)
    said["resource_use"] = {"items": {"admissions": {"codelist": "admission"}}}
    with pytest.raises(ValueError, match="a cost needs resource_use, unit_costs"):
        Study.model_validate(said)
    del said["resource_use"]
    with pytest.raises(ValueError, match="is made from resource_use, and the study file has no"):
        Study.model_validate(said)


def test_each_stage_sees_its_own_outcomes_and_each_analysis_its_own_table():
    known = study()
    assert list(settings_for(known, CleanSettings)["outcomes"]) == ["hba1c", "smoking"]
    assert list(settings_for(known, PanelSettings)["outcomes"]) == ["hba1c", "smoking", "raised"]
    assert list(settings_for(known, UsesSettings)["outcomes"]) == ["admissions", "spend"]
    assert [table_of(known, each.name) for each in known.analyses] == ["panel", "uses", "uses"]
    columns = spec_of(known, "pounds")["columns"]
    assert (columns["outcome"], columns["exposure"], columns["kind"]) == (
        "cost",
        "exposure",
        "cost",
    )
    assert spec_of(known, "main")["columns"]["exposure"] is None
    assert (dead_value(known, "pounds"), dead_value(known, "use")) == (0, None)
    assert Outcome(kind="cost", of="admissions", unit="£").column("x") == "cost_admissions"


def test_a_study_is_told_of_an_estimator_that_does_not_suit_its_outcome():
    said = deepcopy(STUDY)
    said["analyses"][1]["estimator"] = "logit"
    (sentence,) = of_study(Study.model_validate(said), [])
    assert sentence.startswith("use: logit is for a yes or no, and the outcome is declared as a")
    said["analyses"][1] |= {"estimator": "twfe", "covariates": ["hba1c"]}
    assert 'the panel has no column "hba1c"' in of_study(Study.model_validate(said), [])[0]


def test_what_is_recommended_for_a_kind_suits_it():
    for kind, declared in KINDS.items():
        for name in declared.recommended:
            family = {"family": "logit"} if (kind, name) == ("binary", "nonlinear_etwfe") else {}
            analysis = AnalysisOptions(name="a", estimator=name, **family)
            assert not kind_refusal(analysis, kind, ESTIMATORS[name].kinds(analysis)), (kind, name)


def panel(n: int = 12) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    rows = [
        {
            "patient_id": f"p{i:03d}",
            "practice_id": f"g{i % 6}",
            "period": t,
            "first_treated": 2 if i % 6 < 3 else np.nan,
            "y": float(draw.poisson(1.5)),
            "time": draw.choice([0.5, 1.0]),
        }
        for i in range(n * 6)
        for t in range(4)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("columns", "estimator", "words"),
    [
        ({"kind": "binary"}, "poisson", ""),
        ({"kind": "count"}, "logit", "logit is for a yes or no"),
        ({"kind": "utility"}, "two_part", "it may be below zero"),
        ({"kind": "measured"}, "gamma_log", "For a measured outcome take twfe"),
        ({"kind": "cost"}, "weighted_did", "zero, never missing"),
        ({"kind": "measured", "exposure": "time"}, "twfe", "no amount per person-time"),
        ({"kind": "measured", "missing": "zero"}, "twfe", "a blank is unknown"),
        ({"missing": "zero"}, "twfe", "say kind"),
        ({"kind": "count", "exposure": "time", "missing": "zero"}, "poisson", ""),
        ({}, "logit", "outcome other than 0 and 1"),
    ],
)
def test_fit_refuses_what_cannot_be(columns, estimator, words):
    frame = panel()
    if columns.get("kind") == "binary":
        frame["y"] = (frame["y"] > 0).astype(float)
    spec = {
        "columns": {"outcome": "y", **columns},
        "analyses": [
            {"name": "a", "estimator": estimator, "inference": ["jackknife"], "diagnostics": False}
        ],
    }
    if not words:
        assert evalweave.fit(frame, spec).rows
        return
    with pytest.raises((StudyError, evalweave.errors.DataError), match=words):
        evalweave.fit(frame, spec).check()


def test_a_blank_count_is_zero_where_that_is_declared():
    frame = panel()
    blank = frame.assign(y=frame["y"].where(frame["y"] > 0))
    columns = {"outcome": "y", "kind": "count", "exposure": "time"}
    analyses = [{"name": "a", "estimator": "poisson", "inference": ["cr1"], "diagnostics": False}]
    found = evalweave.fit(blank, {"columns": {**columns, "missing": "zero"}, "analyses": analyses})
    whole = evalweave.fit(frame, {"columns": columns, "analyses": analyses})
    assert found.tidy().equals(whole.tidy())
    assert "count as zero" in found.diagnostics["a"]["notes"][0]
    alone = evalweave.fit(blank, {"columns": columns, "analyses": analyses}).tidy()
    assert not np.isclose(alone["estimate"][0], whole.tidy()["estimate"][0])


def test_a_condition_on_a_count_sees_a_blank_as_the_zero_that_it_is():
    frame = panel()
    blank = frame.assign(y=frame["y"].where(frame["y"] > 0))
    spec = {
        "columns": {"outcome": "y", "kind": "count", "exposure": "time", "missing": "zero"},
        "where": "y < 4",
        "analyses": [
            {"name": "a", "estimator": "poisson", "inference": ["cr1"], "diagnostics": False}
        ],
    }
    found, whole = evalweave.fit(blank, spec), evalweave.fit(frame, spec)
    assert found.tidy().equals(whole.tidy())
    n = int((frame["y"] >= 4).sum())
    assert f"{n} of {len(frame)} rows were left out." in " ".join(found.diagnostics["a"]["notes"])


@pytest.mark.parametrize("kind", ["count", "cost"])
def test_what_was_counted_in_no_time_is_a_fault(kind):
    frame = panel()
    frame["y"] = np.where(np.arange(len(frame)) == 7, 2.0, frame["y"])
    frame.loc[[3, 7], "time"] = 0.0
    frame.loc[3, "y"] = 0.0  # nothing in no time: left out and counted, as before
    columns = {"outcome": "y", "kind": kind, "exposure": "time"}
    analyses = [{"name": "a", "estimator": "poisson", "inference": ["cr1"], "diagnostics": False}]
    with pytest.raises(DataError, match=r"row 9.*y above 0 where time is 0 \(1 rows\)"):
        evalweave.fit(frame, {"columns": columns, "analyses": analyses})


def test_weights_of_one_change_nothing_of_any_kind():
    frame = panel().assign(one=1.0)
    analyses = [{"name": "a", "estimator": "poisson", "inference": ["cr1"], "diagnostics": False}]
    columns = {"outcome": "y", "kind": "count", "exposure": "time"}
    plain = evalweave.fit(frame, {"columns": columns, "analyses": analyses}).tidy()
    spec = {"columns": {**columns, "weight": "one"}, "analyses": analyses}
    assert evalweave.fit(frame, spec).tidy().equals(plain)


# The dead


def person_periods() -> tuple[pd.DataFrame, pd.DataFrame]:
    who = {"practice_id": "A", "first_treated": 2015.0}
    rows = [
        {"patient_id": "a", "period": t, "y": y, "time": e, **who}
        for t, y, e in ((2013, 3.0, 1.0), (2014, 1.0, 0.25))
    ]
    rows.append({"patient_id": "b", "period": 2013, "y": 2.0, "time": 1.0, **who})
    died = [
        {"patient_id": "a", "period": t, "dead_share": share, **who}
        for t, share in ((2014, 0.75), (2015, 1.0))
    ]
    return pd.DataFrame(rows), pd.DataFrame(died)


def test_the_dead_count_for_the_days_after_death_where_there_is_person_time():
    frame, died = person_periods()
    found, note = with_dead(frame, died, Columns(outcome="y", exposure="time", kind="cost"), 8.0)
    rows = found.set_index(["patient_id", "period"])
    assert rows.loc[("a", 2014), ["y", "time"]].tolist() == [1.0 + 8 * 0.75, 1.0]
    assert rows.loc[("a", 2015), ["y", "time"]].tolist() == [8.0, 1.0]
    assert rows.loc[("b", 2013), ["y", "time"]].tolist() == [2.0, 1.0]
    assert len(found) == 4 and "2 person-periods; 1 person-periods were added" in note


def test_the_dead_have_their_value_from_the_period_of_death_where_there_is_none():
    frame, died = person_periods()
    found, _ = with_dead(frame.drop(columns="time"), died, Columns(outcome="y"), -1.0)
    rows = found.set_index(["patient_id", "period"])["y"]
    assert rows.to_dict() == {
        ("a", 2013): 3.0,
        ("a", 2014): -1.0,
        ("a", 2015): -1.0,
        ("b", 2013): 2.0,
    }


def test_who_died_when_and_for_which_share_of_a_period():
    settings = PanelSettings.model_validate(
        {
            "engine": "duckdb",
            "window": {"first": "2013-04-01", "last": "2016-03-31"},
            "exposure": {},
            "outcomes": {},
        }
    )
    days = {"a": dt.date(2014, 4, 10), "b": dt.date(2014, 4, 10), "c": None}
    patients = ibis.memtable(
        pd.DataFrame({"patient_id": list(days), "death_date": list(days.values())}),
        schema={"patient_id": "string", "death_date": "date"},
    )
    people = ibis.memtable(
        pd.DataFrame(
            {
                "patient_id": list(days),
                "person": [1, 2, 3],
                # b had left before dying
                "censored_on": [days["a"], dt.date(2014, 4, 1), dt.date(2016, 3, 31)],
                "_drop": [None, None, None],
            }
        ),
        schema={
            "patient_id": "string",
            "person": "int64",
            "censored_on": "date",
            "_drop": "int64",
        },
    )
    backend = engine.connect("duckdb")
    found = framed(backend, dead(patients, people, settings)).sort_values("period")
    assert found["person"].tolist() == [1, 1]
    assert found["period"].tolist() == [2014, 2015]
    assert found["dead_share"].tolist() == pytest.approx([355 / 365, 1.0])


def test_a_row_is_made_for_each_person_period_without_a_measurement():
    frame = pd.DataFrame(
        {
            "patient_id": ["a", "a"],
            "practice_id": "A",
            "first_treated": 2015.0,
            "period": [2013, 2015],
            "y": [1.0, 2.0],
            "age": [60.0, 60.0],
        }
    )
    runs = pd.DataFrame(
        {
            "patient_id": ["a", "b"],
            "practice_id": ["A", "B"],
            "first_treated": [2015.0, np.nan],
            "from_period": [2013, 2014],
            "to_period": [2015, 2014],
        }
    )
    found = with_blanks(frame, runs, Columns(outcome="y")).set_index(["patient_id", "period"])
    assert found["y"].isna().tolist() == [False, True, False, True]
    assert found["age"].tolist()[:3] == [60.0, 60.0, 60.0]


def test_the_functions_take_what_fit_takes():
    """The dead and those not measured, from Python as from the command."""
    frame = panel()
    given = {"outcome": "y", "kind": "count", "exposure": "time", "diagnostics": False}
    died = frame.loc[frame["period"] == frame["period"].max()].head(3)
    died = died.drop(columns=["y", "time"]).assign(dead_share=0.5)
    found = evalweave.poisson(frame, **given, inference=["cr1"], deaths=died, dead_value=0.0)
    columns = Columns(outcome="y", kind="count", exposure="time")
    whole, note = with_dead(frame, died, columns, 0.0)
    alone = evalweave.poisson(whole, **given, inference=["cr1"])
    assert found.tidy().equals(alone.tidy())
    assert note in found.diagnostics["poisson"]["notes"]
    blank = frame.assign(y=frame["y"].where(frame["y"] > 0))
    zero = evalweave.poisson(blank, **given, inference=["cr1"], missing="zero")
    assert zero.tidy().equals(evalweave.poisson(frame, **given, inference=["cr1"]).tidy())
    with pytest.raises(StudyError, match="belong together"):
        evalweave.poisson(frame, **given, deaths=died)
    with pytest.raises(StudyError, match="uses no person-periods without a measurement"):
        evalweave.poisson(frame, **given, followed=died)


def test_person_periods_without_a_measurement_are_made_from_follow_up():
    from helpers.measured_panels import PERIODS, followed

    frame = followed(8)
    who = frame.groupby("patient_id")[["practice_id", "first_treated"]].first().reset_index()
    runs = who.assign(from_period=0, to_period=PERIODS - 1)
    seen = frame.dropna(subset=["y"])
    found = evalweave.weighted_did(seen, outcome="y", followed=runs, diagnostics=False)
    whole = evalweave.weighted_did(frame, outcome="y", diagnostics=False)
    assert found.tidy()["estimate"].to_numpy() == pytest.approx(whole.tidy()["estimate"].to_numpy())


@pytest.mark.parametrize("outcome", ["hba1c", "spend"])
def test_an_evaluation_refuses_an_outcome_that_counts_the_dead(outcome):
    said = deepcopy(STUDY)
    said["outcomes"]["spend"].pop("deaths"), said["outcomes"]["spend"].pop("dead_value")
    said["economics"] = {
        "effect": {
            "outcome": "hba1c",
            "unit": "mmol/mol",
            "better": "lower",
            "analysis": {"estimator": "twfe"},
        },
        "cost": {"outcome": "cost", "unit": "£", "analysis": {"estimator": "poisson"}},
        "thresholds": {"values": [0], "reason": "declared"},
        "perspective": "a payer",
    }
    Study.model_validate(said)
    said["outcomes"][outcome] |= {"deaths": "composite", "dead_value": 0}
    with pytest.raises(ValueError, match=f"{outcome} counts the dead .* while alive"):
        Study.model_validate(said)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"exposure": "admission"}, "resource_use, items, exposure: .* a column of that name"),
        ({"Age": "admission"}, "resource_use, items, Age: .* a column of that name"),
        ({"baseline_hba1c": "admission"}, "items, baseline_hba1c: .* a column of that name"),
        ({"hba1c": "admission"}, "outcomes, hba1c: resource_use makes a column of that name"),
        ({"Admissions": "admission"}, "Admissions and admissions differ only in capitals"),
        ({"Cost_a": "admission"}, "Cost_a is a column of costs"),
    ],
)
def test_an_item_has_a_column_of_its_own(items, words):
    said = deepcopy(STUDY)
    said["resource_use"]["items"] |= {name: {"codelist": one} for name, one in items.items()}
    with pytest.raises(StudyError, match=words):
        validate(said, Study, "study.yaml", {})


@pytest.mark.parametrize("name", ["weight", "period", "arm", "n_hba1c", "HBA1C", "cost"])
def test_an_outcome_has_a_column_of_its_own(name):
    said = deepcopy(STUDY)
    said["outcomes"][name] = {"kind": "binary", "of": "hba1c", "at_least": 58}
    with pytest.raises(StudyError, match=r"a column of that name|only in capitals"):
        validate(said, Study, "study.yaml", {})


def test_the_names_that_are_taken_are_those_of_the_tables_of_people():
    from evalweave.catalogue.person_periods import TAKEN
    from evalweave.tables.people import COHORT, PANEL

    assert {*COHORT.names, *PANEL.names} <= TAKEN


@pytest.mark.parametrize("unit", [["y"], {"a": 1}, 5, True])
def test_a_unit_is_a_word(unit):
    said = deepcopy(STUDY)
    said["outcomes"]["admissions"]["unit"] = unit
    with pytest.raises(StudyError, match="outcomes, admissions, unit"):
        validate(said, Study, "study.yaml", {})
