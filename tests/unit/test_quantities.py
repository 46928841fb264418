"""Outcomes as their quantities are: what a study file may leave out, and limits that mean the same
in every unit (a case from the field: the same extract analysed in mmol/mol and in per cent)."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from evalweave.estimates import in_unit
from evalweave.quantities import (
    FOREIGN,
    PERCENTAGE_POINTS,
    QUANTITIES,
    convert,
    convert_difference,
    unit_of_differences,
)
from evalweave.study.outcomes import Outcome, as_the_quantity_is, wrong_limits
from evalweave.study.records import Cleaning
from evalweave.study.stages import CleanSettings
from helpers.cleaning import cleaned, rows, settings


def outcome(name: str, **said: Any) -> Outcome:
    return Outcome.model_validate(as_the_quantity_is(name, said))


def in_percent(**said: Any) -> CleanSettings:
    return settings().model_copy(update={"outcomes": {"hba1c": outcome("hba1c", unit="%", **said)}})


def day(*values: tuple[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "unit": unit} for value, unit in values]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (day(("48", "mmol/mol"), ("103", "mmol/mol")), "same_day_spread"),
        (day(("48", "mmol/mol"), ("70.1", "mmol/mol")), "same_day_spread"),
        (day(("48", "mmol/mol"), ("70", "mmol/mol")), "same_day_averaged"),
        (day(("48", "mmol/mol"), ("7.5", "%")), "same_day_averaged"),
        (day(("48", "mmol/mol"), ("6.5", "%")), "same_day_twin"),
    ],
)
def test_a_day_is_judged_alike_in_both_units(values: list[dict[str, str]], rule: str) -> None:
    reasons = []
    for chosen in (settings(), in_percent()):
        alone = {"date": "2016-01-02"}
        backend, result = cleaned(records=[*values, alone], chosen=chosen)
        reasons.append({row["rule"] for row in rows(backend, result.set_aside)})
    assert reasons == [{rule}, {rule}]


def test_values_in_per_cent_are_the_converted_ones() -> None:
    backend, result = cleaned(records=day(("48", "mmol/mol")), chosen=in_percent())
    [kept] = rows(backend, result.measurements)
    assert kept["value"] == 48 * 0.09148 + 2.152


@pytest.mark.parametrize(
    ("name", "said", "spread", "twin"),
    [
        ("hba1c", {}, 22, 1.0),
        ("hba1c", {"unit": "%"}, 22 * 0.09148, 0.09148),
        ("glycated", {"quantity": "hba1c", "unit": "per cent"}, 22 * 0.09148, 0.09148),
        ("total_cholesterol", {"unit": "mg/dL"}, 2 * 38.66976, 0.1 * 38.66976),
        ("systolic_bp", {"unit": "kPa"}, 60 * 0.133322387415, 0.0),
        ("body_mass_index", {}, 5, 0.0),
        ("hba1c", {"unit": "%", "same_day_spread": 1.5, "same_day_twin": 0.2}, 1.5, 0.2),
        ("grip_strength", {"unit": "kg", "plausible": [0, 100]}, math.inf, 0.0),
        ("smoking", {}, 0, 0),
    ],
)
def test_limits_are_converted_by_the_slope(
    name: str, said: dict[str, Any], spread: float, twin: float
) -> None:
    made = outcome(name, **said)
    assert made.spread(name, Cleaning()) == pytest.approx(spread, rel=2e-9)
    assert made.twin(name, Cleaning()) == pytest.approx(twin, rel=2e-9)


def test_what_a_study_file_may_leave_out() -> None:
    assert outcome("hba1c").unit == "mmol/mol"
    assert outcome("hba1c").plausible == (20, 195)
    assert outcome("hba1c", unit="%").plausible == pytest.approx((3.9816, 19.9906))
    assert outcome("hba1c", plausible=[25, 150]).plausible == (25, 150)
    assert outcome("hdl_cholesterol").better == "higher"
    assert outcome("smoking").binary and outcome("smoking").per_period == "last"


@pytest.mark.parametrize(
    ("said", "cleaning", "words"),
    [
        ({"unit": "%", "plausible": [20, 195]}, {}, "lies outside of what HbA1c can be in %"),
        ({"unit": "%"}, {"same_day_spread": 22}, "Write same_day_spread under the outcome"),
        ({"unit": "%"}, {"same_day_twin": 1}, "Write same_day_twin under the outcome"),
        ({"unit": "mg/dL", "plausible": [1, 2]}, {}, 'has no unit "mg/dL"'),
    ],
)
def test_limits_that_cannot_be_meant(
    said: dict[str, Any], cleaning: dict[str, Any], words: str
) -> None:
    [wrong] = wrong_limits({"hba1c": outcome("hba1c", **said)}, Cleaning(**cleaning))
    assert words in wrong


def test_limits_in_the_base_unit_may_stand_for_all_outcomes() -> None:
    cleaning = Cleaning(same_day_spread=10)
    made = outcome("hba1c")
    assert wrong_limits({"hba1c": made}, cleaning) == []
    assert made.spread("hba1c", cleaning) == 10
    assert outcome("hba1c", same_day_spread=5).spread("hba1c", cleaning) == 5


def test_values_are_converted_there_and_back() -> None:
    hba1c = QUANTITIES["hba1c"]
    assert convert(48, hba1c, "mmol/mol", "%") == 0.09148 * 48 + 2.152
    assert convert(6.5, hba1c, "%", "mmol/mol") == (6.5 - 2.152) / 0.09148
    assert convert_difference(10, hba1c, "mmol/mol", "%") == pytest.approx(0.9148)
    assert convert_difference(0.9148, hba1c, "%", "mmol/mol") == pytest.approx(10)


def test_what_the_unit_of_a_record_says() -> None:
    hba1c = QUANTITIES["hba1c"]
    said = {text: hba1c.read(text) for text in ("MMOL/MOL", "per cent", "mmHg", "", "zorkmid")}
    assert list(said.values()) == ["mmol/mol", "%", FOREIGN, "", None]


def test_differences_in_per_cent_are_percentage_points() -> None:
    assert [unit_of_differences(unit) for unit in ("%", " % ", "mmol/mol")] == [
        PERCENTAGE_POINTS,
        PERCENTAGE_POINTS,
        "mmol/mol",
    ]
    frame = pd.DataFrame(
        {"estimate": [-0.09148], "std_error": [0.1], "ci_low": [-1.0], "ci_high": [1.0]}
    )
    converted = in_unit(frame, QUANTITIES["hba1c"], "%", "mmol/mol")
    assert converted["estimate"].item() == -1.0
    assert converted["outcome_unit"].item() == "mmol/mol"


def test_a_unit_that_nobody_knows_is_decided_by_code_or_value() -> None:
    """Its text says nothing: an IFCC code decides, else the value; another quantity's unit is a
    contradiction."""
    either = "1003671000000109"
    records = [
        {"value": "48", "unit": "mmol per mol haem", "date": "2015-05-01"},
        {"value": "49", "unit": "nonsense", "code": either, "date": "2015-05-02"},
        {"value": "50", "unit": "mg/dL", "date": "2015-05-03"},
        {"value": "6.5", "unit": "nonsense", "date": "2015-05-04"},
    ]
    backend, result = cleaned(records=records)
    assert [
        (row["value"], row["unit_decided_by"]) for row in rows(backend, result.measurements)
    ] == [(48.0, "code"), (49.0, "range")]
    assert [row["rule"] for row in rows(backend, result.set_aside)] == [
        "unit_unknown",
        "unit_contradicts_value",
    ]


def test_a_study_teaches_a_unit() -> None:
    taught = {"units": {"mmol per mol haem": "%"}}
    chosen = CleanSettings.model_validate(
        {**settings().model_dump(mode="json"), "vocabulary": taught}
    )
    records = [{"value": "6.5", "unit": "MMOL per\u00a0mol haem", "code": "1003671000000109"}]
    backend, result = cleaned(records=records, chosen=chosen)
    assert [row["unit_decided_by"] for row in rows(backend, result.measurements)] == ["text"]
