"""All checks judged together, and what the answer may be called: each rule of the table."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from evalweave.estimates import holm
from evalweave.report import verdict
from evalweave.report.checks import evidence
from evalweave.report.checks.evidence import (
    AGAINST,
    CANNOT_TELL,
    SUPPORTS,
    Finding,
    Judged,
    Margin,
    Measure,
)

ASKED = Finding("pre_trends", "Alike?", shown="was a drift", doubt="there may be a drift", words="")
OTHER = Finding("other", "And?", shown="was another", doubt="there may be another", words="")


def test_holm_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(3)
    for n in range(1, 9):
        values = rng.uniform(0, 0.1, n)
        expected = multipletests(values, method="holm")[1]
        assert holm([math.nan, *values])[1:] == pytest.approx(expected, rel=1e-12)


def test_many_checks_are_one_family() -> None:
    """p = 0.02 speaks against alone, and not beside two that show as little."""
    margin = Margin(0.1, "mmol/mol", "half")
    one = replace(ASKED, measures=(Measure("drift", 1.0, 0.1, 1.9, 0.02),), margin=margin)
    assert evidence.judge([one])[0].state == AGAINST
    assert {j.state for j in evidence.judge([one, one, one])} == {CANNOT_TELL}


def test_a_measure_without_an_interval_supports_nothing() -> None:
    margin = Margin(9.0, "mmol/mol", "half")
    blind = replace(ASKED, measures=(Measure("drift", 0.0),), margin=margin)
    assert evidence.judge([blind])[0].state == CANNOT_TELL


def called(
    monkeypatch: pytest.MonkeyPatch,
    states: dict[str, str],
    low: float = -1.9,
    high: float = -0.5,
    wording: str = "association",
    margin: float | None = 5.5,
) -> verdict.Verdict:
    finding = {"pre_trends": ASKED, "other": OTHER, "allocation": replace(OTHER, key="allocation")}
    judged = [Judged(finding[key], state, 0.01) for key, state in states.items()]
    monkeypatch.setattr(verdict, "checks", lambda data: judged)
    about = SimpleNamespace(programme="the service", wording=wording, wording_reason="It was drawn")
    made: Any = SimpleNamespace(
        study=SimpleNamespace(study=about),
        outcome=SimpleNamespace(difference_unit="mmol/mol"),
        outcome_label=lambda: "HbA1c",
        main=lambda unit: SimpleNamespace(low=low, high=high),
        margin=lambda unit: margin,
    )
    return verdict.verdict(cast(Any, made))


@pytest.mark.parametrize(
    ("options", "states", "word"),
    [
        ({}, {"pre_trends": SUPPORTS}, verdict.ASSOCIATION),
        ({"wording": "effect"}, {"pre_trends": SUPPORTS}, verdict.EFFECT),
        ({"wording": "effect"}, {"pre_trends": CANNOT_TELL}, verdict.ASSOCIATION),
        (
            {"wording": "effect"},
            {"pre_trends": SUPPORTS, "allocation": CANNOT_TELL},
            verdict.ASSOCIATION,
        ),
        (
            {"wording": "effect"},
            {"pre_trends": SUPPORTS, "other": AGAINST},
            verdict.DIFFERENCE,
        ),
        ({}, {"pre_trends": AGAINST}, verdict.DIFFERENCE),
        ({"low": -0.5, "high": 0.4}, {"pre_trends": SUPPORTS}, verdict.NONE_THAT_MATTERS),
        ({"low": -0.5, "high": 6.0}, {"pre_trends": SUPPORTS}, verdict.NOT_TOLD),
        ({"low": -0.5, "high": 0.4, "margin": None}, {"pre_trends": SUPPORTS}, verdict.NOT_TOLD),
        ({"low": math.nan, "high": math.nan}, {"pre_trends": SUPPORTS}, verdict.NOT_TOLD),
    ],
)
def test_each_rule(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], states: dict[str, str], word: str
) -> None:
    assert called(monkeypatch, states, **options).word == word


def test_what_speaks_against_comes_before_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    said = called(monkeypatch, {"pre_trends": AGAINST, "other": CANNOT_TELL})
    assert said.before == "A check speaks against the design: there was a drift."
    assert said.objection == ""
    assert not any(digit in said.before for digit in "0123456789")


def test_the_strongest_doubt_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = called(monkeypatch, {"pre_trends": CANNOT_TELL, "other": CANNOT_TELL})
    assert said.before == "" and said.objection == "The strongest doubt: there may be a drift."
    assert (
        said.meter == "○○ Of 2 checks, none supports it (●), none speaks against it (▲) and 2 "
        "cannot tell (○)."
    )


def test_a_study_whose_checks_all_support_has_no_doubt_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = called(monkeypatch, {"pre_trends": SUPPORTS})
    assert (said.before, said.objection) == ("", "")
    assert said.meter.startswith("● Of 1 check, 1 supports it (●)")
