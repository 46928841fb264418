"""Terms in words: periods by their names, for any length of period, on the page and in the released
table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.report.released_tables import labelled
from evalweave.report.sentences import main_sentence
from evalweave.report.terms import periods_in_words
from helpers.report_results import Made
from helpers.reports import data, report


@pytest.mark.parametrize(
    ("term", "period", "words"),
    [
        ("att_gt[8072,8069]", "quarter", "started 2018 Q1, in 2017 Q2"),
        ("group[8072]", "quarter", "started 2018 Q1"),
        ("calendar[8072]", "quarter", "in 2018 Q1"),
        ("calendar[24216]", "month", "in 2018-01"),
        ("group[4036]", "half_year", "started 2018 H1"),
        ("att_gt[2015,2016]", "financial_year", "started 2015/16, in 2016/17"),
        ("group[2015]", "calendar_year", "started 2015"),
        ("group[overall]", "quarter", ""),
        ("event[-3]", "quarter", ""),
        ("att[white=1]", "quarter", ""),
    ],
)
def test_numbers_of_periods_become_names(term: str, period: str, words: str) -> None:
    assert periods_in_words(term, period) == words


def test_released_estimates_say_their_terms_in_words(tmp_path: Path) -> None:
    found = data(tmp_path)
    frame = found.released_estimates.iloc[[0, 0]].assign(term=["att_gt[2015,2016]", "att"])
    got = labelled(found, frame)
    assert got["term"].tolist() == ["att_gt[2015,2016]", "att"]
    assert got["term_label"].tolist() == [
        "Availability and HbA1c: started 2015/16, in 2016/17",
        "Availability and HbA1c",
    ]
    released = pd.read_csv(report(tmp_path / "r", Made()) / "estimates.csv", dtype=str)
    assert list(released.columns[3:5]) == ["term", "term_label"]
    assert "Ethnicity: White minus any other ethnic group" in set(released["term_label"])


@pytest.mark.parametrize("programme", ["the service", "peer support groups", "Ways to Wellness"])
def test_the_answer_is_a_sentence_for_any_number_of_the_programme(
    tmp_path: Path, programme: str
) -> None:
    found = data(tmp_path)
    about = found.study.study.model_copy(update={"programme": programme})
    object.__setattr__(found, "study", found.study.model_copy(update={"study": about}))
    row = found.main()
    assert row is not None
    assert main_sentence(found, row).startswith(
        f"With {programme} available, HbA1c rose by 0.11 percentage points less"
    )


def test_a_subgroup_of_few_people_is_withheld_on_the_page_and_in_the_table(tmp_path: Path) -> None:
    """diagnostics.json says how many patients a level has; the estimates' own count is that of the
    whole fit."""
    found = data(tmp_path)
    levels = [{"level": "0", "n_patients": 5}, {"level": "1", "n_patients": 8041}]
    object.__setattr__(
        found, "diagnostics", {**found.diagnostics, "by_ethnicity": {"levels": levels}}
    )
    released = found.released_estimates[found.released_estimates["analysis"] == "by_ethnicity"]
    blank = released.set_index("term")["estimate"].isna()
    assert blank["att[white=0]"].all() and blank["difference[white=1-0]"].all()
    assert not blank["att[white=1]"].any()
    analysis = next(each for each in found.study.analyses if each.name == "by_ethnicity")
    assert (
        found.row(analysis, "att[white=0]") is None
        and found.row(analysis, "att[white=1]") is not None
    )
