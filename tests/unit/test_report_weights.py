"""The picture of a synthetic comparison's weights: what it shows, and that it names no practice."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from evalweave.report.blocks import Appendix
from evalweave.report.data import ReportData
from evalweave.report.figures.weights import synthetic_weights
from evalweave.report.sections.happened import section
from evalweave.tables.report import WEIGHTS
from helpers.reports import data

TOLD = {
    "start": 2015,
    "practices_treated": 4,
    "unit": {"A81001": 0.2, "A81002": 0.7, "A81003": 0.1, "A81004": 0.0},
    "time": {"2012": 0.0, "2013": 0.25, "2014": 0.75},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    plain = data(tmp_path_factory.mktemp("weights"), only_main=True)
    return replace(plain, diagnostics={"main": {"weights": [TOLD]}})


def test_weights_stand_beside_their_periods_and_practices_by_rank(told: ReportData) -> None:
    (figure,) = synthetic_weights(told, told.primary)
    rows = figure.data.set_index(["weight_of", "label"])["share"]
    assert rows["practice"].to_dict() == {"no. 1": 0.7, "no. 2": 0.2, "no. 3": 0.1, "no. 4": 0.0}
    assert rows["period"].to_dict() == {"2012/13": 0.0, "2013/14": 0.25, "2014/15": 0.75}
    assert "1.9 practices and 1.6 periods of equal weight" in str(figure.caption)
    assert "4, of which 3 have a weight, the largest 0.70" in figure.description
    assert list(WEIGHTS.conform(figure.data).columns) == list(figure.data.columns)


def test_no_practice_is_named(told: ReportData) -> None:
    (figure,) = synthetic_weights(told, told.primary)
    everything = [figure.description, figure.title, str(figure.caption), figure.data.to_csv()]
    everything += [drawn.svg for drawn in figure.drawings]
    assert not any("A8100" in text for text in everything)


def test_the_section_has_it_once_and_only_where_there_are_weights(told: ReportData) -> None:
    def headings(of: ReportData) -> list[str]:
        return [block.summary for block in section(of).blocks if isinstance(block, Appendix)]

    words = "What the synthetic comparison is made of"
    assert headings(told).count(words) == 1
    assert words not in headings(replace(told, diagnostics={}))


def test_each_start_has_its_own(told: ReportData) -> None:
    two = replace(told, diagnostics={"main": {"weights": [TOLD, {**TOLD, "start": 2016}]}})
    figures = synthetic_weights(two, two.primary)
    assert [f.name for f in figures] == ["weights-main-2015-16", "weights-main-2016-17"]
    both = pd.concat([f.data for f in figures])
    assert sorted(both["start"].unique()) == ["2015/16", "2016/17"]
