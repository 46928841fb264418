"""New cases by arm and period in the report: rates, what hides, what cannot be worked out, and the
released tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.release import incidence
from evalweave.release.audit import audit
from evalweave.release.disclosure import HIDDEN, PROFILES, profile
from evalweave.study.people import Eligibility
from evalweave.tables.people import INCIDENCE
from evalweave.tables.report import INCIDENCE_RATES
from helpers.report_results import PERIODS, Made
from helpers.reports import both, report, words, written

OPEN = {"cohort": "open"}


def eligibility(**keys: Any) -> Eligibility:
    return Eligibility.model_validate(
        {"index_date": "2015-04-01", "conditions": ["type_2_diabetes"], **keys}
    )


def rows(
    counts: list[tuple[int, int]], entered: list[tuple[int, int]] | None = None
) -> pd.DataFrame:
    """Return INCIDENCE of one arm: people at risk and new cases, those who entered and the newly
    diagnosed of them."""
    more = entered or [(0, 0)] * len(counts)
    return INCIDENCE.conform(
        pd.DataFrame(
            [
                {
                    "arm": "programme",
                    "period": 2012 + n,
                    "period_label": str(2012 + n),
                    "n_at_risk": at_risk,
                    "n_incident": new,
                    "n_entered": came,
                    "n_entered_incident": newly,
                }
                for n, ((at_risk, new), (came, newly)) in enumerate(zip(counts, more, strict=True))
            ]
        )
    )


def shown(frame: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[name]]


def test_counts_are_rounded_and_rates_come_from_them() -> None:
    got = incidence.released(profile("nhs_england"), rows([(881, 189), (726, 0)]), eligibility())
    assert shown(got, "n_at_risk") == ["880", "725"]
    assert shown(got, "n_incident") == ["190", "0"]
    assert shown(got, "rate_per_1000") == [round(1000 * 190 / 880, 1), 0.0]
    assert list(got.columns) == INCIDENCE_RATES.names


@pytest.mark.parametrize(
    "at_risk, new",
    [
        (881, 3),  # few new cases
        (881, 877),  # few stayed without
        (6, 2),  # few at risk
    ],
)
def test_few_people_hide_with_their_rate(at_risk: int, new: int) -> None:
    got = incidence.released(
        profile("nhs_england"), rows([(at_risk, new), (800, 100)]), eligibility()
    )
    assert shown(got, "n_incident") == [HIDDEN, "100"]
    assert shown(got, "rate_per_1000") == [None, 125.0]
    assert shown(got, "n_at_risk")[0] == (HIDDEN if at_risk < 8 else "880")


def test_exact_counts_do_not_tell_that_few_came_or_went() -> None:
    """881 at risk, 189 new cases, 689 at risk a year later: 3 died or moved."""
    exact = rows([(881, 189), (689, 100), (500, 50)])
    assert shown(incidence.released(profile("sacro"), exact, eligibility()), "n_incident") == [
        HIDDEN,
        "100",
        "50",
    ]
    assert HIDDEN not in shown(
        incidence.released(profile("nhs_england"), exact, eligibility()), "n_incident"
    )


def test_who_entered_adds_up_to_the_cohort() -> None:
    """With the cohort's size, the one small period would follow from the others."""
    counts = [(881, 189)] * 4
    entered = [(401, 60), (3, 1), (50, 20), (90, 88)]
    got = incidence.released(profile("nhs_england"), rows(counts, entered), eligibility(**OPEN))
    assert shown(got, "n_entered") == [
        "400",
        HIDDEN,
        "50",
        "90",
    ]  # rounding keeps it from being worked out
    assert shown(got, "n_entered_incident") == ["60", HIDDEN, "20", HIDDEN]
    exact = incidence.released(profile("sacro"), rows(counts, entered), eligibility(**OPEN))
    assert shown(exact, "n_entered") == ["401", HIDDEN, HIDDEN, "90"]
    assert shown(exact, "n_entered_incident") == ["60", HIDDEN, HIDDEN, HIDDEN]


def test_what_the_design_says_anyway_is_no_count() -> None:
    frame = rows([(881, 189)], [(401, 60)])
    assert shown(incidence.released(profile("sacro"), frame, eligibility()), "n_entered") == [""]
    new = incidence.released(profile("sacro"), frame, eligibility(**OPEN, cases="incident"))
    assert (shown(new, "n_entered"), shown(new, "n_entered_incident")) == (["401"], [""])


@pytest.mark.parametrize("name", list(PROFILES))
@given(
    counts=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (max(pair), min(pair))),
        min_size=1,
        max_size=5,
    )
)
def test_no_small_number_is_shown_nor_left_over(name: str, counts: list[tuple[int, int]]) -> None:
    rules = profile(name)
    got = incidence.released(rules, rows(counts), eligibility())
    for (at_risk, new), row in zip(counts, got.to_dict("records"), strict=True):
        if row["n_incident"] != HIDDEN:
            assert (
                not rules.hides(new) and not rules.hides(at_risk - new) and not rules.hides(at_risk)
            )
        if row["n_at_risk"] != HIDDEN:
            assert not rules.hides(at_risk)
        assert pd.isna(row["rate_per_1000"]) == (
            HIDDEN in (row["n_incident"], row["n_at_risk"]) or row["n_at_risk"] == "0"
        )


def test_the_report_shows_rates_and_what_they_mean(tmp_path: Path) -> None:
    out = report(tmp_path, Made(incidence=True, formats=("html", "docx")))
    text = words(both(out))
    assert (
        "New cases A programme that finds cases earlier would change who is compared. At risk in a "
        "financial year" in text
    )
    assert (
        "without type 2 diabetes; a case is new when type 2 diabetes first counted as present in "
        "that financial year" in text
    )
    assert (
        "From before to after the start, new cases per 1,000 people at risk in a financial year "
        "went from" in text
    )
    assert (
        "Of the people who were eligible on 2015-04-01, about 275 (5.8 %) in programme practices "
        "and about 190" in text
    )
    assert (out / "figures/incidence.svg").is_file()
    table = pd.read_csv(out / "incidence_rates.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == INCIDENCE_RATES.names
    assert (out / "figures/incidence.csv").read_text() == (out / "incidence_rates.csv").read_text()
    assert table["arm"].tolist() == ["programme"] * len(PERIODS) + ["comparison"] * len(PERIODS)
    assert audit(out, []).findings == []


def test_an_open_cohort_shows_who_entered(tmp_path: Path) -> None:
    out = report(tmp_path, Made(incidence=True, eligibility=OPEN))
    text = words(both(out))
    assert (
        "People who entered the open cohort in each period. Newly diagnosed: type 2 diabetes first "
        "counted as present" in text
    )
    assert "Of the people who were eligible on" not in text
    assert audit(out, []).findings == []


def test_a_hidden_count_is_in_no_file_and_takes_the_sentence_with_it(tmp_path: Path) -> None:
    out = report(tmp_path, Made(incidence=True, few_cases=True))
    assert (
        "went from"
        not in words(both(out)).partition("New cases A programme")[2].partition("What happened")[0]
    )
    for name in ("incidence_rates.csv", "figures/incidence.csv"):
        line = next(
            line
            for line in (out / name).read_text().splitlines()
            if line.startswith("comparison,2014")
        )
        assert re.fullmatch(r"comparison,2014,2014/15,\d+,\*,,,", line)
    assert audit(out, []).findings == []


@pytest.mark.parametrize("made", [Made(), Made(incidence=True, eligibility={"conditions": []})])
def test_without_cases_there_is_nothing(tmp_path: Path, made: Made) -> None:
    out = report(tmp_path, made)
    assert 'id="new-cases"' not in both(out)
    assert (
        not (out / "incidence_rates.csv").exists() and not (out / "figures/incidence.svg").exists()
    )


def test_every_profile_passes_its_audit(tmp_path: Path) -> None:
    for name in PROFILES:
        made = Made(incidence=True, few_cases=True, disclosure=name, eligibility=OPEN)
        assert audit(report(tmp_path / name, made), []).findings == []


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    made = Made(incidence=True, eligibility=OPEN)
    one, two = (written(tmp_path / name, made) for name in "ab")
    for file in ("report.html", "figures/incidence.svg", "incidence_rates.csv"):
        assert (one / file).read_bytes() == (two / file).read_bytes()


def test_the_audit_finds_an_exact_count(tmp_path: Path) -> None:
    out = report(tmp_path, Made(incidence=True))
    file = out / "incidence_rates.csv"
    file.write_text(file.read_text().replace(",1220,", ",1222,", 1))
    assert any(
        "incidence_rates.csv" in found and "not rounded" in found
        for found in audit(out, []).findings
    )


@pytest.mark.parametrize(("rates", "told"), [([4.0, 249.9], False), ([4.0, None, 250.0], True)])
def test_an_extract_of_people_who_all_have_the_condition_draws_no_new_cases(
    rates: list[float | None], told: bool
) -> None:
    from evalweave.report.sections.new_cases import selected

    assert selected(pd.DataFrame({"rate_per_1000": pd.Series(rates, dtype="Float64")})) is told
