"""Verdicts and sentences of the report from invented numbers, each at the place where it turns."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from evalweave.quantities import PERCENTAGE_POINTS
from evalweave.release.disclosure import profile
from evalweave.report.checks import agreement, bounds, evidence, measurement, paths
from evalweave.report.checks.evidence import AGAINST, CANNOT_TELL, SUPPORTS
from evalweave.report.data import ReportData, Row
from evalweave.report.planted import planted
from evalweave.report.sentences import own_change
from evalweave.report.terms import in_words
from evalweave.study.people import Comparison
from evalweave.study.periods import Window

UNIT = "mmol/mol"


def row(estimate: float, low: float, high: float, p: float = 0.5) -> Row:
    return Row(
        "main",
        "att",
        UNIT,
        "cr2",
        estimate,
        (high - low) / 4.22,
        low,
        high,
        p,
        17,
        0.95,
        1,
        1,
        24,
        13,
        "",
    )


def analysis(name: str, **more: Any) -> SimpleNamespace:
    told = {"label": "", "level": 0.95, "outcome": "hba1c", "where": None, "comparison": "all"}
    return SimpleNamespace(name=name, **{**told, **more})


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
    margin: float | None = None,
    groups: dict[str, str] | None = None,
    methods: tuple[Row, ...] = (),
    **diagnostics: Any,
) -> ReportData:
    """Results of one analysis of a study, with `others` by their role and `diagnostics` of it."""
    primary = analysis("main", estimator="twfe")
    rows = {
        f"{role} {place}": one
        for role, listed in (others or {}).items()
        for place, one in enumerate(listed)
    }

    def of_role(role: str) -> list[SimpleNamespace]:
        of = groups or {}
        named = [name for name in rows if name.startswith(role)]
        return [analysis(name, comparison=of.get(name, "all")) for name in named]

    made = SimpleNamespace(
        primary=primary,
        study=SimpleNamespace(
            analyses=[primary],
            primary_comparison="all",
            report=SimpleNamespace(margin=margin),
            comparisons={
                "all": Comparison(areas=["east", "south"]),
                "east": Comparison(areas=["east"]),
                "north": Comparison(areas=["north"]),
            },
            eligibility=SimpleNamespace(index_date=dt.date(2015, 4, 1)),
            window=Window(first=dt.date(2013, 4, 1), last=dt.date(2017, 3, 31)),
        ),
        outcome=SimpleNamespace(difference_unit=UNIT),
        outcome_label=lambda name=None: "HbA1c",
        profile=profile("none"),
        trends={"all": moved},
        described="all",
        first_period=2015,
        analyses=of_role,
        main=lambda unit=None: main,
        main_term=lambda one: "att",
        row=lambda one, term, unit=None: rows.get(one.name, main),
        units=lambda name: [UNIT],
        rows=lambda name, term=None, unit=None: list(methods),
        ratio=lambda unit: 1.0,
        margin_of=lambda outcome, unit: margin,
        diagnostic=lambda name, key: diagnostics.get(key) if name == "main" else None,
    )
    return cast(ReportData, made)


def state(finding: Any) -> str:
    """As if it were the only check of the study."""
    assert finding is not None
    return evidence.judge([finding])[0].state


def why(finding: Any) -> str:
    return str(evidence.judge([finding])[0].check.why)


MAIN = row(-1.2, -1.9, -0.5)
SLOPE = {"estimate": 0.02, "ci_low": -0.1, "ci_high": 0.14}


@pytest.mark.parametrize(
    ("p_slope", "p_joint", "expected"),
    [
        (0.30, 0.40, CANNOT_TELL),  # up to 2 × 0.4 is possible, and 0.6 would be harmless
        (0.024, 0.40, AGAINST),  # either of the two, each at half the level
        (0.30, 0.024, AGAINST),
        (0.026, 0.40, CANNOT_TELL),
        (None, None, CANNOT_TELL),
    ],
)
def test_leads_are_judged_at_five_per_cent_together(
    p_slope: float | None, p_joint: float | None, expected: str
) -> None:
    wide = {"p_value": p_slope, "estimate": 0.1, "ci_low": -0.2, "ci_high": 0.4}
    tested = {"slope": wide, "wild_wald": {"p_value": p_joint}}
    assert state(paths.pre_trends(found(MAIN, pretrend=tested))) == expected


@pytest.mark.parametrize(("high", "expected"), [(0.29, SUPPORTS), (0.31, CANNOT_TELL)])
def test_leads_support_only_where_a_drift_that_explains_half_of_it_is_excluded(
    high: float, expected: str
) -> None:
    """Four periods: the middles before and after lie two apart; half of −1.2 is 0.3 a period."""
    slope = {"p_value": 0.5, "estimate": 0.0, "ci_low": -0.1, "ci_high": high}
    finding = paths.pre_trends(found(MAIN, pretrend={"slope": slope}))
    assert state(finding) == expected
    assert f"Up to {2 * high:.2f} mmol/mol remains possible; less than 0.60" in why(finding)


def test_a_difference_shown_within_the_margin_is_harmless() -> None:
    slope = {"p_value": 0.001, "estimate": 0.1, "ci_low": 0.05, "ci_high": 0.15}
    assert state(paths.pre_trends(found(MAIN, pretrend={"slope": slope}))) == SUPPORTS


def test_what_matters_less_than_half_the_estimate_is_the_margin() -> None:
    slope = {"p_value": 0.5, "estimate": 0.0, "ci_low": -0.1, "ci_high": 0.2}
    for margin, expected in ((0.41, SUPPORTS), (0.39, CANNOT_TELL)):
        finding = paths.pre_trends(found(MAIN, margin=margin, pretrend={"slope": slope}))
        assert state(finding) == expected


def test_without_an_answer_a_bias_must_not_hide_what_matters() -> None:
    """The main interval includes zero: half the estimate says nothing, the declared margin does."""
    open_ = row(-0.2, -0.9, 0.5)
    slope = {"p_value": 0.5, "estimate": 0.0, "ci_low": -0.1, "ci_high": 0.2}
    for margin, expected in ((0.41, SUPPORTS), (None, CANNOT_TELL)):
        finding = paths.pre_trends(found(open_, margin=margin, pretrend={"slope": slope}))
        assert state(finding) == expected
    assert "what would be harmless was not declared" in why(finding)


@pytest.mark.parametrize(
    "other", [{"outcome": "sbp"}, {"comparison": "north"}, {"where": "age >= 60"}]
)
def test_what_asks_something_else_is_no_evidence(other: dict[str, Any]) -> None:
    """An event study of another outcome, comparison group or part of the rows."""
    rows = [{"kind": "relative", "M": 1.0, "ci_low": -2.0, "ci_high": -0.1}]
    told = {"pretrend": {"slope": {**SLOPE, "p_value": 0.5}}, "honest_did": rows}
    for differs in ({}, other):
        data, beside = found(MAIN), analysis("beside", **differs)
        data.study.analyses.append(beside)
        finds = lambda name, key: told.get(key) if name == "beside" else None  # noqa: E731
        object.__setattr__(data, "diagnostic", finds)
        asked = paths.pre_trends(data), bounds.sensitivity_bound(data)
        expected = (CANNOT_TELL, CANNOT_TELL) if differs else (SUPPORTS, SUPPORTS)
        assert tuple(map(state, asked)) == expected
        assert ("not part" in why(asked[1]) and "is part of" in why(asked[0])) is bool(differs)


@pytest.mark.parametrize(
    ("p_joint", "leads", "expected"),
    [
        (0.2, None, SUPPORTS),
        (0.04, None, CANNOT_TELL),  # twice 0.04 shows no difference, but no sameness either
        (0.01, None, AGAINST),
        (0.01, 0.7, AGAINST),
        (0.01, 0.5, SUPPORTS),  # every lead is shown to be harmless: below half of −1.2
    ],
)
def test_a_flat_slope_supports_nothing_where_the_leads_bend(
    p_joint: float, leads: float | None, expected: str
) -> None:
    tested: dict[str, Any] = {"slope": {**SLOPE, "p_value": 0.9}, "wild_wald": {"p_value": p_joint}}
    if leads is not None:
        tested["equivalence"] = {"leads": leads}
    assert state(paths.pre_trends(found(MAIN, pretrend=tested))) == expected


def test_a_drift_of_unknown_reach_supports_nothing() -> None:
    tested = {"slope": {**SLOPE, "p_value": 0.5}}
    assert state(paths.pre_trends(found(MAIN, pretrend=tested))) == SUPPORTS
    blind = found(MAIN, pretrend=tested)
    object.__setattr__(blind, "trends", {})
    assert state(paths.pre_trends(blind)) == CANNOT_TELL


def test_checks_judge_at_95_per_cent_whatever_level_is_declared() -> None:
    """±0.28 at 80 % on 8 degrees of freedom is ±0.46 at 95 %, and 0.3 a period would be harmless;
    ±0.31 at 99 % is ±0.21."""
    for level, half, expected in (
        (0.95, 0.28, SUPPORTS),
        (0.8, 0.28, CANNOT_TELL),
        (0.51, 0.28, CANNOT_TELL),
        (0.99, 0.31, SUPPORTS),
    ):
        slope = {"p_value": 0.5, "estimate": 0.0, "ci_low": -half, "ci_high": half, "dof": 8.0}
        data = found(MAIN, pretrend={"slope": slope})
        data.study.analyses[0].level = level
        assert state(paths.pre_trends(data)) == expected
        off = {"shift": 1, **slope, "ci_low": -2 * half, "ci_high": 2 * half}
        placebos = {"dates": [off], "joint": {"p_value": 0.9}}
        data = found(MAIN, placebo_dates=placebos)
        data.study.analyses[0].level = level
        assert state(paths.placebo_starts(data)) == expected
    scaled = evidence.measure("", 1.0, 0.0, 3.0, 0.5, 0.9, 8.0)
    factor = 2.306004 / 1.859548  # t of 8 degrees of freedom at 97.5 and 95 %
    assert (scaled.low, scaled.high) == pytest.approx((1 - factor, 1 + 2 * factor), rel=1e-6)


def by(inference: str, low: float = -1.9) -> Row:
    return replace(row(-1.2, low, -0.5), inference=inference)


@pytest.mark.parametrize(
    ("methods", "expected", "said"),
    [
        ((by("cr0"), by("cr1")), CANNOT_TELL, "Fewer than two of them hold with few practices"),
        ((by("cr1"), by("cr3")), CANNOT_TELL, "Fewer than two of them hold with few practices"),
        ((by("cr1"), by("cr3"), by("wild_bootstrap")), SUPPORTS, "All three"),
        ((by("cr3"),), CANNOT_TELL, "Only one inference method"),
    ],
)
def test_methods_that_are_too_narrow_are_no_witnesses(
    methods: tuple[Row, ...], expected: str, said: str
) -> None:
    finding = agreement.few_practices(found(MAIN, methods=methods))
    assert state(finding) == expected and said in why(finding)
    assert finding is not None and "may depend" in finding.doubt  # nothing was shown to


def test_the_doubt_says_what_was_shown_only_where_it_was() -> None:
    apart = (by("cr3"), replace(by("wild_bootstrap"), high=0.1))
    finding = agreement.few_practices(found(MAIN, methods=apart))
    assert finding is not None and finding.doubt.endswith("depends on the way of inference")
    none = bounds.sensitivity_bound(found(MAIN))
    assert none is not None and "may suffice" in none.doubt


def test_a_bound_of_equal_trends_alone_is_none() -> None:
    only = [{"kind": "relative", "M": None, "ci_low": -2.0, "ci_high": -1.0}]
    finding = bounds.sensitivity_bound(found(MAIN, honest_did=only))
    assert state(finding) == CANNOT_TELL and why(finding) == "No bound could be computed."


def test_placebo_dates_are_one_test() -> None:
    off = {"shift": 2, "estimate": 0.8, "ci_low": 0.1, "ci_high": 1.5, "p_value": 0.001}
    none = {"shift": 1, "estimate": 0.0, "ci_low": -0.5, "ci_high": 0.5, "p_value": 1.0}
    for dates, p, expected in (
        ([none, off], 0.2, CANNOT_TELL),  # one of the dates alone is no test
        ([none, off], 0.04, AGAINST),
        ([none, none], 0.9, SUPPORTS),
        (
            [none, {**none, "ci_high": 0.61}],
            0.9,
            CANNOT_TELL,
        ),  # includes zero, and supports nothing
    ):
        placebos = {"dates": dates, "joint": {"p_value": p}}
        assert state(paths.placebo_starts(found(MAIN, placebo_dates=placebos))) == expected


def test_several_placebo_outcomes_are_one_test() -> None:
    still, moves = row(0.1, -0.4, 0.6, p=0.8), row(0.9, 0.2, 1.6, p=0.03)
    for rows, expected in (([moves], AGAINST), ([still, moves], CANNOT_TELL)):
        assert state(agreement.placebo_outcome(found(MAIN, {"placebo": rows}))) == expected


@pytest.mark.parametrize(
    ("excluding", "expected", "said"),
    [
        ([0.5, 1.0], SUPPORTS, "by 1.0 times the most seen before"),
        ([0.5], CANNOT_TELL, "by 0.5 times the most seen before"),
        ([], CANNOT_TELL, "after the start 0.5 times the largest one"),
    ],
)
def test_the_bound_is_the_largest_that_still_excludes_zero(
    excluding: list[float], expected: str, said: str
) -> None:
    rows = [
        {"kind": "relative", "M": m, "ci_low": -2.0, "ci_high": -0.1 if m in excluding else 0.3}
        for m in (0.5, 1.0, 1.5)
    ]
    finding = bounds.sensitivity_bound(found(MAIN, honest_did=rows))
    assert state(finding) == expected and said in why(finding)
    refused = bounds.sensitivity_bound(found(MAIN, honest_did={"refused": "the leads vary"}))
    assert state(refused) == CANNOT_TELL and why(refused).startswith("The leads vary.")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([row(-1.1, -1.2, -1.0)], CANNOT_TELL),  # the main one's own error is already too wide
        ([row(1.8, 1.1, 2.5)], AGAINST),
        ([row(1.8, 1.1, 2.5), row(-1.1, -1.2, -1.0)], AGAINST),
        ([row(-1.2, -1.9, -0.5)], CANNOT_TELL),  # the same regression once more
        ([row(-1.2 + 1e-12, -1.9, -0.5)], CANNOT_TELL),  # and computed in another way
    ],
)
def test_other_comparison_groups(others: list[Row], expected: str) -> None:
    data = found(MAIN, {"sensitivity": others})
    assert state(agreement.comparison_groups(data)) == expected


def test_a_precise_witness_supports() -> None:
    main, other = row(-1.2, -1.3, -1.1), row(-1.25, -1.35, -1.15)
    finding = agreement.comparison_groups(found(main, {"sensitivity": [other]}))
    assert state(finding) == SUPPORTS
    error = (0.2 / 4.22) * 2**0.5  # both together
    from scipy.stats import t

    assert finding is not None and finding.worst is not None
    assert finding.worst.low == pytest.approx(-0.05 - t.ppf(0.975, 17) * error)


@pytest.mark.parametrize(("group", "expected"), [("east", CANNOT_TELL), ("north", AGAINST)])
def test_a_group_that_is_part_of_the_main_one_is_no_witness(group: str, expected: str) -> None:
    data = found(MAIN, {"sensitivity": [row(1.8, 1.1, 2.5)]}, groups={"sensitivity 0": group})
    assert state(agreement.comparison_groups(data)) == expected


def test_an_arm_that_is_one_area_is_a_doubt_before_all_others() -> None:
    from evalweave.report.checks import CHECKS, allocation

    alone = found(MAIN, allocation="One area alone.", allocation_alone=True)
    assert state(allocation.one_area(alone)) == CANNOT_TELL
    assert allocation.one_area(found(MAIN, allocation="Two areas.")) is None
    assert CHECKS[0] == "allocation:one_area"


def test_a_placebo_outcome_supports_only_within_its_own_margin() -> None:
    still, moves = row(0.1, -0.4, 0.6), row(0.9, 0.2, 1.6, p=0.01)
    for rows, margin, expected in (
        ([still], None, CANNOT_TELL),
        ([still], 0.61, SUPPORTS),
        ([still, still], 0.61, SUPPORTS),
        ([still, still], 0.59, CANNOT_TELL),
        ([still, moves], None, AGAINST),
    ):
        finding = agreement.placebo_outcome(found(MAIN, {"placebo": rows}, margin=margin))
        assert state(finding) == expected


def test_practices_left_out_are_compared_with_what_is_harmless() -> None:
    """Half of −1.2 is 0.6."""
    for low, high, expected in (
        (-1.6, -0.9, SUPPORTS),
        (-1.6, -0.5, CANNOT_TELL),
        (-1.6, 0.1, CANNOT_TELL),
    ):
        ranges = {"att": {"low": low, "high": high, "changes_sign": high > 0}}
        finding = agreement.leave_one_out(found(MAIN, leave_one_out=ranges))
        assert state(finding) == expected


@pytest.mark.parametrize(
    ("estimate", "half", "p", "expected"),
    [(0.002, 0.017, 0.8, SUPPORTS), (0.002, 0.019, 0.8, CANNOT_TELL), (0.05, 0.02, 0.001, AGAINST)],
)
def test_being_measured_may_move_by_two_points(
    estimate: float, half: float, p: float, expected: str
) -> None:
    effect = {
        "estimate": estimate,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "p_value": p,
    }
    assert state(measurement.measurement(found(MAIN, measured_did=effect))) == expected


@pytest.mark.parametrize(
    ("estimate", "half", "p", "expected"),
    [(0.1, 0.4, 0.6, SUPPORTS), (0.1, 0.6, 0.7, CANNOT_TELL), (-0.9, 0.3, 0.001, AGAINST)],
)
def test_other_people_may_be_measured_at_an_unchanged_share(
    estimate: float, half: float, p: float, expected: str
) -> None:
    """Half of the main estimate, 0.6, would be harmless."""
    seen = {"estimate": estimate, "ci_low": estimate - half, "ci_high": estimate + half}
    finding = measurement.composition(found(MAIN, composition={**seen, "p_value": p}))
    assert state(finding) == expected
    assert f"{abs(estimate):.2f}" in why(finding) and UNIT in why(finding)
    assert measurement.composition(found(MAIN)) is None


@pytest.mark.parametrize(
    ("after", "said"),
    [
        # the programme arm's share: (after + 100) / 800 against 400 / 800; the others' stays
        (308, "1.0 percentage points more"),
        (340, "5.0 percentage points more"),
        (260, "5.0 percentage points less"),
    ],
)
def test_a_share_measured_without_an_interval_cannot_tell(after: int, said: str) -> None:
    moved = FLAT.copy()
    rows = (moved["arm"] == "programme") & (moved["period"] == 2015)
    moved["n_patients"] = moved["n_patients"].mask(rows, after)
    finding = measurement.measurement(found(MAIN, moved=moved))
    assert state(finding) == CANNOT_TELL and said in why(finding)


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


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("difference[age_band=50-59-40-49]", "Main: 50-59 minus 40-49"),
        ("difference[age_band=non-White-40-49]", "Main: non-White minus 40-49"),
        ("difference[age_band=60+-non-White]", "Main: 60+ minus non-White"),
    ],
)
def test_levels_may_hold_hyphens(term: str, words: str) -> None:
    levels = ("40-49", "50-59", "non-White", "60+")
    rows = tuple(replace(MAIN, term=f"att[age_band={level}]") for level in levels)
    assert in_words(found(MAIN, methods=rows), cast(Any, analysis("main")), term) == words


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
