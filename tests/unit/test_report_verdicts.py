"""Verdicts and sentences of the report from invented numbers, each at the place where it turns."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from evalweave.quantities import PERCENTAGE_POINTS
from evalweave.release.disclosure import profile
from evalweave.report.checks import agreement, measurement, paths
from evalweave.report.data import ReportData, Row
from evalweave.report.planted import planted
from evalweave.report.sentences import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, own_change
from evalweave.report.terms import in_words

UNIT = "mmol/mol"


def row(estimate: float, low: float, high: float) -> Row:
    return Row(
        "main", "att", UNIT, "cr2", estimate, 0.3, low, high, 0.01, 17, 0.95, 1, 1, 24, 13, ""
    )


def analysis(name: str, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, label="", level=0.95, outcome="hba1c", **more)


def trends(**values: list[float]) -> pd.DataFrame:
    """Two financial years before the start of 2015 and two from then on, in each arm."""
    parts = [
        pd.DataFrame({"arm": arm, "outcome": "hba1c", "period": [2013, 2014, 2015, 2016]}).assign(
            mean=numbers, n_patients=[100, 300, 300, 100], n_eligible=[400] * 4
        )
        for arm, numbers in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


FLAT = trends(programme=[50.0] * 4, comparison=[50.0] * 4)


def found(
    main: Row | None = None,
    others: dict[str, list[Row]] | None = None,
    moved: pd.DataFrame = FLAT,
    **diagnostics: Any,
) -> ReportData:
    """Results of one analysis of a study, with `others` by their role and `diagnostics` of it."""
    primary = analysis("main", comparison="all", estimator="twfe")
    rows = {
        f"{role} {place}": one
        for role, listed in (others or {}).items()
        for place, one in enumerate(listed)
    }

    def of_role(role: str) -> list[SimpleNamespace]:
        return [analysis(name) for name in rows if name.startswith(role)]

    made = SimpleNamespace(
        primary=primary,
        study=SimpleNamespace(
            analyses=[primary],
            primary_comparison="all",
            eligibility=SimpleNamespace(index_date=dt.date(2015, 4, 1)),
            window=SimpleNamespace(period="financial_year"),
        ),
        outcome=SimpleNamespace(difference_unit=UNIT),
        outcome_label=lambda name=None: "HbA1c",
        profile=profile("none"),
        trends={"all": moved},
        analyses=of_role,
        main=lambda unit=None: main,
        main_term=lambda one: "att",
        row=lambda one, term, unit=None: rows.get(one.name, main),
        units=lambda name: [UNIT],
        ratio=lambda unit: 1.0,
        diagnostic=lambda name, key: diagnostics.get(key) if name == "main" else None,
    )
    return cast(ReportData, made)


def verdict(check: Any) -> str:
    assert check is not None
    return str(check.verdict)


MAIN = row(-1.2, -1.9, -0.5)


@pytest.mark.parametrize(
    ("p_slope", "p_joint", "expected"),
    [
        (0.30, 0.40, HOLDS),
        (0.03, 0.40, DOES_NOT_HOLD),  # either of the two is enough, at the analysis' own level
        (0.30, 0.04, DOES_NOT_HOLD),
        (0.06, 0.06, HOLDS),
        (None, None, CANNOT_TELL),
    ],
)
def test_leads_are_judged_at_five_per_cent(
    p_slope: float | None, p_joint: float | None, expected: str
) -> None:
    tested = {"slope": {"p_value": p_slope, "estimate": 0.02}, "wild_wald": {"p_value": p_joint}}
    assert verdict(paths.pre_trends(found(MAIN, pretrend=tested))) == expected


@pytest.mark.parametrize(("detectable", "expected"), [(0.5, HOLDS), (0.7, CANNOT_TELL)])
def test_leads_reassure_only_where_a_drift_that_explains_it_had_been_seen(
    detectable: float, expected: str
) -> None:
    """Four periods: the middles before and after lie two apart, and 2 × 0.6 explains −1.2."""
    slope = {"p_value": 0.5, "estimate": 0.0, "detectable_80": detectable}
    check = paths.pre_trends(found(MAIN, pretrend={"slope": slope}))
    assert verdict(check) == expected and check is not None
    assert ("too little power to reassure" in str(check.why)) == (expected == CANNOT_TELL)


@pytest.mark.parametrize(
    ("p", "margin", "expected", "words"),
    [
        (0.6, 0.9, HOLDS, "which is less than the main estimate"),
        (0.6, 1.3, CANNOT_TELL, "they do not reassure"),
        (0.04, 0.9, DOES_NOT_HOLD, "all in one test p = 0.04"),
    ],
)
def test_placebo_dates_are_judged_by_one_test_and_what_it_rules_out(
    p: float, margin: float, expected: str, words: str
) -> None:
    """A date whose own interval excludes zero is no verdict: of many dates one does by chance."""
    dates = [
        {"shift": 1, "estimate": 0.1, "ci_low": -0.9, "ci_high": 1.1},
        {"shift": 2, "estimate": 0.8, "ci_low": 0.1, "ci_high": 1.5},
    ]
    joint = {"tests": 2, "p_value": p, "size": 0.05, "margin": margin}
    check = paths.placebo_starts(found(MAIN, placebo_dates={"dates": dates, "joint": joint}))
    assert verdict(check) == expected and check is not None
    assert words in str(check.why)


@pytest.mark.parametrize(
    ("excluding", "expected", "said"),
    [
        ([0.5, 1.0], HOLDS, "by 1.0 times the most seen before"),
        ([0.5], CANNOT_TELL, "by 0.5 times the most seen before"),
        ([], DOES_NOT_HOLD, "after the start 0.5 times the largest one"),
    ],
)
def test_the_bound_is_the_largest_that_still_excludes_zero(
    excluding: list[float], expected: str, said: str
) -> None:
    bounds = [
        {"kind": "relative", "M": m, "ci_low": -2.0, "ci_high": -0.1 if m in excluding else 0.3}
        for m in (0.5, 1.0, 1.5)
    ]
    check = paths.sensitivity_bound(found(MAIN, honest_did=bounds))
    assert verdict(check) == expected and check is not None
    assert said in str(check.why)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([row(-0.8, -1.6, -0.1), row(-1.0, -2.0, 0.2)], HOLDS),
        ([row(-0.8, -1.2, -0.4), row(-1.0, -2.0, 0.2)], HOLDS),  # its end is the estimate: inside
        ([row(-0.8, -1.6, -0.1), row(-0.5, -1.1, -0.1)], DOES_NOT_HOLD),  # leaves −1.2 out
        ([row(-0.8, -1.6, -0.1), row(0.2, -1.6, 2.0)], CANNOT_TELL),  # other sign, wide
    ],
)
def test_other_comparison_groups(others: list[Row], expected: str) -> None:
    assert verdict(agreement.comparison_groups(found(MAIN, {"sensitivity": others}))) == expected


def test_one_placebo_outcome_that_moves_is_enough() -> None:
    still, moves = row(0.1, -0.4, 0.6), row(0.9, 0.2, 1.6)
    for rows, expected in (([still, still], HOLDS), ([still, moves], DOES_NOT_HOLD)):
        check = agreement.placebo_outcome(found(MAIN, {"placebo": rows}))
        assert verdict(check) == expected


def test_practices_left_out_are_inside_the_interval_only_at_both_ends() -> None:
    for low, high, inside in ((-1.6, -0.9, True), (-2.2, -0.9, False), (-1.6, -0.2, False)):
        ranges = {"att": {"low": low, "high": high}}
        check = agreement.leave_one_out(found(MAIN, leave_one_out=ranges))
        assert verdict(check) == HOLDS and check is not None
        assert ("and all lie inside the interval" in str(check.why)) == inside


@pytest.mark.parametrize(
    ("after", "expected", "said"),
    [
        # the programme arm's share: (after + 100) / 800 against 400 / 800; the others' stays
        (308, HOLDS, "1.0 percentage points more"),
        (340, DOES_NOT_HOLD, "5.0 percentage points more"),
        (260, DOES_NOT_HOLD, "5.0 percentage points less"),
    ],
)
def test_a_share_measured_that_moves_either_way_is_selective(
    after: int, expected: str, said: str
) -> None:
    moved = FLAT.copy()
    rows = (moved["arm"] == "programme") & (moved["period"] == 2015)
    moved["n_patients"] = moved["n_patients"].mask(rows, after)
    check = measurement.measurement(found(MAIN, moved=moved))
    assert verdict(check) == expected and check is not None
    assert said in str(check.why)


def test_the_raw_change_counts_the_period_of_the_start_as_after_it() -> None:
    """Before: (48 × 100 + 52 × 300) / 400 = 51; after: (50 × 300 + 46 × 100) / 400 = 49."""
    moved = trends(programme=[48.0, 52.0, 50.0, 46.0], comparison=[60.0] * 4)
    assert own_change(found(MAIN, moved=moved)) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("event[-1]", "1 period before the start"),
        ("event[-3]", "3 periods before the start"),
        ("event[0]", "Period 0 since the start"),
        ("difference[white=1-0]", "Main: White minus any other ethnic group"),
        ("att[imd_quintile=2]", "Main: 2nd fifth"),
        ("att[imd_quintile=1]", "Main: most deprived fifth"),
        ("att[fewer_conditions=unknown]", "Main: unknown"),
    ],
)
def test_terms_in_words(term: str, words: str) -> None:
    assert in_words(found(MAIN), cast(Any, analysis("main")), term) == words


def test_planted_values_come_in_the_unit_that_is_asked_for() -> None:
    data = found(MAIN)
    truth = {
        "outcome_unit": UNIT,
        "terms": {"event[0]": -1.0},
        "terms_percentage_points": {"event[0]": -0.09},
        "att_weighted": -1.3,
        "att_weighted_percentage_points": -0.12,
    }
    object.__setattr__(data, "truth", truth)
    twfe = cast(Any, analysis("main", estimator="twfe"))
    assert planted(data, twfe, "event[0]", UNIT) == -1.0
    assert planted(data, twfe, "event[0]", PERCENTAGE_POINTS) == -0.09
    assert planted(data, twfe, "att", UNIT) == -1.3
    assert planted(data, twfe, "att", PERCENTAGE_POINTS) == -0.12
    assert planted(data, twfe, "event[0]", "%") is None
    assert planted(data, twfe, "event[9]", UNIT) is None
