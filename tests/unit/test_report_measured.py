"""Who was measured and who died, by arm and period, in a release: what hides, what cannot be worked
out, and what the report says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalweave.release import measured
from evalweave.release.attack import attack
from evalweave.release.audit import audit
from evalweave.release.disclosure import HIDDEN, Profile, profile
from evalweave.release.protect import protect
from evalweave.release.published import Declared
from evalweave.tables.people import DEATHS, TRENDS
from evalweave.tables.report import DEATH_RATES, MEASURED
from helpers.report_results import Made
from helpers.reports import both, report, words

NHS, SACRO = profile("nhs_england"), profile("sacro")


def trends(counts: Sequence[tuple[int, int, int | None]], arm: str = "programme") -> pd.DataFrame:
    """Return TRENDS of one arm: people in follow-up, the measured, and those with an earlier
    value."""
    rows = [
        {
            "comparison": "all",
            "outcome": "hba1c",
            "arm": arm,
            "n_practices": 2,
            "period": 2012 + n,
            "period_label": str(2012 + n),
            "mean": 58.0,
            "sd": 15.0,
            "n_eligible": of,
            "n_patients": seen,
            "n_past": past,
            "past_mean": 57.2,
            "past_sd": 14.1,
        }
        for n, (of, seen, past) in enumerate(counts)
    ]
    return TRENDS.conform(pd.DataFrame(rows, columns=TRENDS.names))


def died(counts: Sequence[tuple[int, int]], arm: str = "programme") -> pd.DataFrame:
    """Return DEATHS of one arm: people in follow-up, and the dead."""
    rows = [
        {
            "comparison": "all",
            "arm": arm,
            "period": 2012 + n,
            "period_label": str(2012 + n),
            "n_followed": of,
            "n_died": dead,
        }
        for n, (of, dead) in enumerate(counts)
    ]
    return DEATHS.conform(pd.DataFrame(rows))


def texts(frame: pd.DataFrame | None) -> list[dict[str, str]]:
    assert frame is not None
    return frame.astype(object).where(frame.notna(), "").astype(str).to_dict("records")


def test_counts_are_rounded_and_shares_and_rates_come_from_them() -> None:
    got = measured.released(NHS, trends([(881, 189, None), (872, 726, 151)]), ["hba1c"])
    assert got is not None and measured.released(NHS, trends([]), []) is None
    assert list(got.columns) == MEASURED.names
    assert got[["n_followed", "n_measured", "n_past"]].to_numpy().tolist() == [
        ["880", "190", ""],
        ["870", "725", "150"],
    ]
    assert got["share"].tolist() == [round(190 / 880, 3), round(725 / 870, 3)]
    dead = measured.deaths(NHS, died([(881, 12), (872, 0)]))
    assert list(dead.columns) == DEATH_RATES.names
    assert dead[["n_died", "rate_per_1000"]].to_numpy().tolist() == [["10", 11.4], ["0", 0.0]]


@pytest.mark.parametrize("rules", [NHS, SACRO], ids=lambda p: p.name)
def test_few_people_hide_with_what_rests_on_them(rules: Profile) -> None:
    got = measured.released(rules, trends([(881, 5, None), (872, 600, 6)]), ["hba1c"])
    assert got is not None
    first, second = got.to_dict("records")
    assert first["n_measured"] == HIDDEN and pd.isna(first["share"])
    assert second["n_past"] == HIDDEN and pd.isna(second["past_mean"]) and second["share"] > 0
    dead = measured.deaths(rules, died([(881, 3), (872, 869)])).to_dict("records")
    assert [row["n_died"] for row in dead] == [HIDDEN, HIDDEN]  # three died; three survived
    assert all(pd.isna(row["rate_per_1000"]) for row in dead)


GIVEN_AWAY = {
    "the few who were not measured": (
        {"measured": trends([(881, 878, None)])},
        "those in follow-up)",
    ),
    "the few measured for the first time": (
        {"measured": trends([(881, 600, None), (881, 603, 600)])},
        "with an earlier value",
    ),
    "the few who moved away": ({"death_rates": died([(881, 18), (860, 25)])}, "those who left"),
    "the few deaths between two tables": (
        {
            "measured": trends([(881, 600, None), (860, 600, 500)]),
            "death_rates": died([(881, 18), (860, 25)]),
        },
        "those who left",
    ),
    "the few of the arm who are not in follow-up": (
        {"death_rates": died([(998, 0), (950, 20)])},
        "of the arm",
    ),
}


@pytest.mark.parametrize("case", GIVEN_AWAY)
def test_the_few_that_follow_from_exact_tables_are_seen_and_hidden(case: str) -> None:
    """Nobody's count is small, but a difference of two is: of 881 in follow-up 18 died, and 860 are
    left, so three moved away."""
    exact, place = GIVEN_AWAY[case]
    known = Declared("all")
    line = {"comparison": "all", "variable": "patients", "statistic": "n"}

    def render(rules: Profile) -> dict[str, Any]:
        size = rules.count(1001).text
        made = {"baseline": [{**line, "programme": size, "comparison_value": size}]}
        if "measured" in exact:
            made["measured"] = texts(measured.released(rules, exact["measured"], ["hba1c"]))
        if "death_rates" in exact:
            made["death_rates"] = texts(measured.deaths(rules, exact["death_rates"]))
        return made

    found = attack(render(SACRO), SACRO, known).findings
    assert found and any(place in finding for finding in found)
    for rules in (SACRO, NHS, profile("opensafely")):
        tables = render(protect(render, rules, known))
        assert attack(tables, rules, known).findings == []
        assert HIDDEN in str(tables) or rules is not SACRO


def test_the_report_shows_them_and_the_main_report_says_how_many_died(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    text = words(both(out))
    assert "in the earlier values of those measured (the last one before the period)" in text
    assert "57.2 (14.5)" in text and "59.2 (14.5)" in text  # the comparison; after the start
    rates = "died in a financial year in programme practices and"
    main = words((out / "report.html").read_text())
    assert f"Since the start, 10.2 of 1,000 people in follow-up {rates} 12.3 in comparison" in main
    for name, contract in (("measured", MEASURED), ("death_rates", DEATH_RATES)):
        table = pd.read_csv(out / f"{name}.csv", dtype=str, keep_default_na=False)
        assert list(table.columns) == contract.names
        assert set(table["arm"]) == {"programme", "comparison"}
    means, mine = (
        pd.read_csv(out / f"{name}.csv", dtype=str).set_index(["arm", "period"])
        for name in ("figures/raw-means", "measured")
    )
    assert mine["n_measured"].equals(means["n_patients"].rename("n_measured"))
    answers = pd.read_csv(out / "checklists.csv").set_index(["checklist", "item"])["answer"]
    assert "measured.csv says by arm and period" in answers["RECORD", "14b"]
    assert "Since the start, 10.2 of 1,000" in answers["TARGET", "10"]
    assert audit(out, []).findings == []


def test_the_audit_finds_an_exact_number_of_deaths(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    file = out / "death_rates.csv"
    file.write_text(file.read_text().replace(",40,", ",41,", 1))
    found = audit(out, []).findings
    assert any("death_rates.csv" in finding and "not rounded" in finding for finding in found)
