"""A level other than 95 % is said wherever an interval of it stands; sizes that differ read so."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from evalweave.release.numbers import confidence, estimate, size
from evalweave.report import regression
from evalweave.report.checks.evidence import Finding, Margin, Measure, judge, told_apart
from evalweave.report.data import ReportData
from evalweave.report.sections import believed, everything
from evalweave.report.sections.together import all_imprecise
from evalweave.report.sentences import main_sentence
from evalweave.report.terms import ci
from evalweave.triangulation.convergence import AGREEMENT, IMPRECISE
from helpers import reports

UNIT = "mmol/mol"
NINETY, NINETY_FIVE = "90\u202f%", "95\u202f%"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    return reports.data(tmp_path_factory.mktemp("made"))


def at(data: ReportData, *levels: float) -> ReportData:
    analyses = [
        analysis.model_copy(update={"level": levels[n % len(levels)]})
        for n, analysis in enumerate(data.study.analyses)
    ]
    study = data.study.model_copy(update={"analyses": analyses})
    return replace(data, study=study, estimates=data.estimates.assign(level=levels[0]))


def test_a_declared_level_is_what_the_page_says_and_checks_are_judged_at_95(
    data: ReportData,
) -> None:
    ninety = at(data, 0.9)
    shown, numbers = (
        "".join(map(str, s.section(ninety).blocks)).replace("\\u202f", "\u202f")
        for s in (believed, everything)
    )
    assert f"its whole {NINETY_FIVE} interval is harmless" in shown
    assert f"a period, {NINETY} CI" in shown
    assert f"{NINETY} CI" in numbers and numbers.count(f"{NINETY_FIVE} CI") == 1
    drift = 3.5 * (0.02 + 0.12 * 1.959964 / 1.644854)  # the upper end, carried forward
    assert f"to {drift:.2f}" in numbers and drift > 3.5 * 0.14


@pytest.mark.parametrize(
    ("level", "words"), [(0.95, "95"), (0.975, "97.5"), (0.999, "99.9"), (0.9973, "99.73")]
)
def test_a_level_has_the_digits_that_it_has(data: ReportData, level: float, words: str) -> None:
    assert confidence(level) == f"{words}\u202f%"
    main = at(data, level).main()
    assert main is not None and f"({words}\u202f% CI " in main_sentence(data, main)
    assert estimate(1.0, 0.0, 2.0, level) == f"1.00 ({words}\u202f% CI 0.00 to 2.00)"


def test_a_table_of_several_levels_names_none(data: ReportData) -> None:
    for levels, words in (((0.9,), f"{NINETY} CI"), ((0.9, 0.95), "the level of its analysis")):
        table = regression.table(at(data, *levels))
        assert table is not None and words in str(table.columns[2].unit)


def test_several_levels_are_not_called_by_one(data: ReportData) -> None:
    assert ci(at(data, 0.9, 0.95).study.analyses) == "CI at the level of its analysis"
    assert ci(data.study.analyses) == f"{NINETY_FIVE} CI"


def test_sizes_that_differ_read_as_different() -> None:
    assert told_apart(1.998, 2.0) == ("1.998", "2.000")
    assert told_apart(1.5, 2.0) == ("1.50", "2.00")
    assert told_apart(0.012, 0.0124) == ("0.0120", "0.0124")
    assert told_apart(2.0, 2.0) == ("2.00", "2.00")
    finding = Finding(
        "measurement",
        "?",
        shown="",
        doubt="",
        words="",
        measures=(Measure("share", 0.1, -1.8, 1.998, 0.9),),
        margin=Margin(2.0, "percentage points", "of the share"),
    )
    judged = judge([finding])[0]
    assert judged.state == "supports"
    assert "Up to 1.998 percentage points remains possible; less than 2.000" in judged.check.why


def joint(*labels: str, family: bool = True) -> pd.DataFrame:
    n = len(labels)
    return pd.DataFrame(
        {
            "label": labels,
            "ci_low": [0.1] + [-9.0] * (n - 1),  # the first excludes zero by itself
            "ci_high": [9.0] * n,
            "margin": [1.0] * n,
            "family_ci_low": [-0.5 if family else pd.NA] * n,
            "family_ci_high": [9.5 if family else pd.NA] * n,
        }
    )


def test_why_every_claim_is_imprecise() -> None:
    why = all_imprecise(joint(IMPRECISE, IMPRECISE))
    assert "widened for the comparisons" in why and "1 claim would have been told" in why
    assert "widened" not in all_imprecise(joint(IMPRECISE, family=False))
    assert all_imprecise(joint(IMPRECISE, AGREEMENT)) == ""
    assert all_imprecise(joint("silence (both)")) == ""
    assert why.split(": ")[1].startswith("each interval includes zero")
    other = all_imprecise(joint(IMPRECISE, IMPRECISE, "complements"))
    assert f"the interval of each of the 2 claims labelled “{IMPRECISE}” includes zero" in other
    assert "of the only claim labelled" in all_imprecise(joint(IMPRECISE, "silence (both)"))


@pytest.mark.parametrize(
    ("margin", "places", "words"),
    [
        (5.5, 2, "5.50"),
        (0.50314, 2, "0.50"),
        (0.005, 2, "0.005"),
        (0.125, 2, "0.125"),
        (0.015, 2, "0.015"),
        (200.0, 0, "200"),
        (0.4, 0, "0.4"),
    ],
)
def test_a_margin_reads_as_what_was_declared(margin: float, places: int, words: str) -> None:
    assert size(margin, places) == words


@pytest.mark.parametrize(
    ("high", "words"), [(-0.002, "0.002 to 1.900"), (-0.5, "0.50 to 1.90"), (-0.00001, "0.0000")]
)
def test_the_headline_s_interval_reads_as_it_is_judged(
    data: ReportData, high: float, words: str
) -> None:
    main = data.main(UNIT)
    assert main is not None
    near_zero = replace(main, low=-1.9, high=high)
    assert f"CI {words}" in main_sentence(data, near_zero)
    open_ended = replace(main, low=-float("inf"), high=high)
    assert "to no upper limit)" in main_sentence(data, open_ended)
