"""Kinds of comparison: later starters, and people who were not referred, which describes and shows
no effect."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from evalweave.errors import DataError
from evalweave.estimates import SELECTED, gather
from evalweave.study.analyses import descriptive
from evalweave.study.file import load_study
from evalweave.study.stages import EstimatesSettings, settings_for
from evalweave.study.whole import Study
from evalweave.triangulation.claims import Known, check_claims
from helpers.cohort import REFERRED, built, person, practices, settings

CONFIG = Path(__file__).parents[2] / "config"
FIRST, SECOND = dt.date(2015, 4, 1), dt.date(2016, 4, 1)


def declared(**changes: Any) -> dict[str, Any]:
    """The demonstration's study with a comparison of people who were not referred, and an analysis
    of it."""
    said = load_study(CONFIG / "config.yaml").model_dump(mode="json")
    said["comparisons"]["chosen"] = {"kind": "not_referred", **changes.pop("comparison", {})}
    analysis = {"name": "chosen", "estimator": "twfe", "outcome": "hba1c", "comparison": "chosen"}
    said["analyses"].append({**analysis, "inference": ["cr2"], **changes.pop("analysis", {})})
    return {**said, **changes}


def refused(said: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Study.model_validate(said)
    return str(caught.value)


def test_a_descriptive_comparison_may_be_declared() -> None:
    study = Study.model_validate(declared())
    assert descriptive(study.analyses, study.comparisons) == {"chosen"}


@pytest.mark.parametrize(
    ("analysis", "says"),
    [
        ({"primary": True}, "primary: true is not possible"),
        ({"role": "main"}, "role: main is not possible"),
        ({"subgroup": "white"}, "a subgroup is not possible"),
        ({"inference": ["randomisation"]}, "which permutes practices is not possible"),
        ({"estimator": "dose", "uptake": "referred"}, "estimator: dose is not possible"),
    ],
)
def test_what_an_analysis_of_selected_people_cannot_be(analysis: dict[str, Any], says: str) -> None:
    message = refused(declared(analysis=analysis))
    assert says in message and "descriptive only" in message


def test_selected_people_are_never_the_primary_comparison() -> None:
    said = declared(comparison={"primary": True})
    said["comparisons"]["area_without_programme"]["primary"] = False
    message = refused(said)
    assert "cannot be the primary one" in message and "analyses, main" in message
    alone = declared()
    alone["comparisons"] = {"chosen": {"kind": "not_referred"}}
    assert "cannot be the primary one" in refused(alone)


def test_a_family_of_tests_cannot_hold_it() -> None:
    assert "which tests nothing" in refused(declared(family=["chosen"]))


def test_who_was_referred_must_be_known() -> None:
    said = declared(comparison={"referrals": "social_referral"})
    assert 'comparisons, chosen, referrals: "social_referral" is not declared' in refused(said)
    without = declared()
    del without["codelists"]["social_prescribing_referral"]
    assert "no code list is called …referral" in refused(without)
    never = declared()
    never["comparisons"]["north_only"]["referrals"] = "social_prescribing_referral"
    assert "only kind: not_referred asks" in refused(never)


def test_no_claim_rests_on_it(tmp_path: Path) -> None:
    study = Study.model_validate(declared())
    (tmp_path / "claims.csv").write_text(
        "claim_id,theme_id,proposition,role,relation,analysis,term,outcome_unit,expected_sign,margin,declared_on\n"
        "a,t,p,client,converges,chosen,att,mmol/mol,negative,1,2018-01-01\n"
    )
    known = Known({a.name: a for a in study.analyses}, study.outcomes, descriptive={"chosen"})
    (fault,) = check_claims(tmp_path / "claims.csv", known)[1]
    assert "column analysis: found an analysis that compares people who were selected" in str(fault)


def test_the_flag_reaches_the_estimates() -> None:
    study = Study.model_validate(declared())
    row = {
        "std_error": 1.0,
        "ci_low": -3.0,
        "ci_high": 1.0,
        "estimator": "twfe",
        "term": "att",
        "estimate": -1.0,
        "inference": "cr2",
        "convention": "CR2",
        "level": 0.95,
    }
    fits = {analysis.name: pd.DataFrame([row]) for analysis in study.analyses}
    table = gather(fits, EstimatesSettings.model_validate(settings_for(study, EstimatesSettings)))
    flagged = table[table["convention"].str.contains(SELECTED, regex=False)]
    assert set(flagged["analysis"]) == {"chosen"} and len(flagged) == 2  # in both units


def referrals(*names: str, code: str = REFERRED, day: str = "2016-01-01") -> list[dict[str, str]]:
    return [
        {"patient_id": name, "date": day, "code": code, "value": "", "unit": ""} for name in names
    ]


def test_the_list_of_referrals_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "walks.csv").write_text("code,term\n390893007,walks\n")
    groups = {"all": {"primary": True}, "chosen": {"kind": "not_referred", "referrals": "walks"}}
    records = [
        *referrals("A1", code="390893007"),
        *referrals("A2"),
        *referrals("B1", code="390893007", day="2015-04-01"),  # on the index day
        *referrals("B2", code="390893007", day="2015-03-31"),
    ]
    result = built(
        [],
        settings(comparisons=groups),
        records=records,
        more_lists={"walks": str(tmp_path / "walks.csv")},
    )
    arms = result.membership[result.membership["comparison"] == "chosen"].set_index("patient_id")[
        "arm"
    ]
    assert arms.to_dict() == {
        "A1": "programme",
        "A2": "comparison",
        "B1": "programme",
        "B2": "comparison",
    }


def test_later_starters_without_a_practice_that_never_starts() -> None:
    where = practices(programme_start=[FIRST, FIRST, SECOND, SECOND])
    later = {"later": {"kind": "not_yet_treated"}}
    result = built([person("P", "C")], settings(comparisons=later), where=where)
    assert set(result.membership["arm"]) == {"programme"} and len(result.membership) == 9
    assert result.cohort.groupby("practice_id")["first_treated"].first().to_dict() == {
        "A": 2015,
        "B": 2015,
        "C": 2016,
        "D": 2016,
    }
    with pytest.raises(DataError, match="no eligible patients in the comparison arm"):
        built([], settings(comparisons={"never": {}}), where=where)
    with pytest.raises(DataError, match="no eligible patients in the comparison arm"):
        built(
            [],
            settings(comparisons={"later": {"kind": "not_yet_treated", "balance": "entropy"}}),
            where=where,
        )


def test_later_starters_must_start_later() -> None:
    where = practices(programme_start=[FIRST] * 4)
    with pytest.raises(DataError, match="one programme start for all practices"):
        built([], settings(comparisons={"later": {"kind": "not_yet_treated"}}), where=where)
