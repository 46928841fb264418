"""Four hostile studies under each profile: from the released tables nothing that is protected is
recovered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalweave import files
from evalweave.cohort import baseline
from evalweave.release import register
from evalweave.release.attack import attack
from evalweave.release.disclosure import Profile, profile
from evalweave.release.labels import FEW
from evalweave.release.published import declared
from evalweave.report.gather import gather
from evalweave.report.released_tables import as_text
from evalweave.study.file import load_study
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.people import DEATHS, MEMBERSHIP, TRENDS
from evalweave.tables.qualitative import THEME_COUNTS
from evalweave.tables.records import LEDGER
from helpers.report_results import Made, results, study_file

PROFILES = ("nhs_england", "opensafely", "sacro")
PERIODS = range(2013, 2018)
ARMS = ("programme", "comparison")
Tables = dict[str, list[dict[str, Any]]]


def people(sizes: dict[str, int], groups: dict[str, int], seed: int = 7) -> pd.DataFrame:
    """Return invented patients: practices p… have the programme, others are named by their area;
    `groups` are the first people's ethnic groups, all others are White."""
    draw = np.random.default_rng(seed)
    practices = [name for name, n in sizes.items() for _ in range(n)]
    n = len(practices)
    ethnicity = [name for name, many in groups.items() for _ in range(many)]
    frame = pd.DataFrame(
        {
            "patient_id": [f"x{i:05d}" for i in range(n)],
            "practice_id": practices,
            "arm": ["programme" if name.startswith("p") else "comparison" for name in practices],
            "sex": draw.choice(["female", "male"], n),
            "age": draw.integers(40, 75, n),
            "ethnicity": "White",
            "imd_quintile": draw.integers(1, 6, n),
            "n_conditions": draw.integers(0, 3, n),
        }
    )
    places = draw.permutation(n)[: len(ethnicity)]
    frame.loc[places, "ethnicity"] = ethnicity
    frame["white"] = (frame["ethnicity"] == "White").astype(int)
    frame["fewer_conditions"] = (frame["n_conditions"] < 2).astype(int)
    frame["baseline_hba1c"] = np.where(draw.random(n) < 0.2, np.nan, draw.normal(58, 15, n))
    for period in PERIODS:
        frame[f"seen_{period}"] = draw.random(n) < 0.7
    frame["died"] = np.where(draw.random(n) < 0.2, draw.choice(PERIODS, n), 0)
    for period in PERIODS:
        frame[f"seen_{period}"] &= alive(frame, period)
    return frame


def alive(cohort: pd.DataFrame, period: int) -> pd.Series:
    """Return who was in follow-up in a period: those who had not died before it."""
    return (cohort["died"] == 0) | (cohort["died"] >= period)


def put(folder: Path, rules: str, cohort: pd.DataFrame) -> tuple[Path, Path]:
    """Write a study's results from its people; `north` are the comparison practices named so."""
    made = Made(disclosure=rules, claims=False, truth=False, diagnostics=False, people=0)
    file, where = study_file(folder, made), folder / "results"
    if not where.is_dir():
        results(folder, made)
    groups = {
        "all": cohort,
        "north": cohort[(cohort["arm"] == ARMS[0]) | cohort["practice_id"].str.startswith("north")],
    }
    lines = [baseline.lines(name, group, ["hba1c"]) for name, group in groups.items()]
    files.write_csv(baseline.table(lines), where / "cohort/baseline.csv")
    members = [
        group[["patient_id", "arm"]].assign(comparison=name, weight=1.0)
        for name, group in groups.items()
    ]
    membership = MEMBERSHIP.conform(pd.concat(members))
    files.write_parquet(membership, where / "cohort/membership.parquet")
    files.write_parquet(cohort, where / "cohort/cohort.parquet")
    for name, group in groups.items():
        files.write_parquet(
            group[["patient_id", "baseline_hba1c"]], where / f"panel/{name}.parquet"
        )
    seen = cohort[[f"seen_{period}" for period in PERIODS]]
    measured = cohort[seen.any(axis=1)]
    files.write_csv(_trends(cohort), where / "panel/all.trends.csv")
    files.write_csv(_deaths(cohort), where / "panel/all.died.csv")
    files.write_csv(_panel(cohort, measured, seen), where / "panel/all.ledger.csv")
    files.write_csv(_eligible(len(cohort)), where / "cohort/ledger.csv")
    estimates = files.read_table(where / "estimates/estimates.csv", ESTIMATES)
    fewer = estimates["analysis"] == "by_ethnicity"
    estimates["n_patients"] = pd.Series(len(measured), estimates.index).mask(
        fewer, len(measured) - 2
    )
    estimates["n_obs"] = int(seen.to_numpy().sum())
    files.write_csv(estimates, where / "estimates/estimates.csv")
    return file, where


def _trends(cohort: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "comparison": "all",
            "outcome": "hba1c",
            "arm": arm,
            "period": period,
            "period_label": str(period),
            "mean": 58.123456,
            "sd": 15.654321,
            "n_patients": int(cohort.loc[cohort["arm"] == arm, f"seen_{period}"].sum()),
            "n_eligible": int(alive(cohort[cohort["arm"] == arm], period).sum()),
            "n_practices": 2,
            "n_past": _past(cohort[cohort["arm"] == arm], period),
            "past_mean": 57.123456,
            "past_sd": 14.654321,
        }
        for arm in ARMS
        for period in PERIODS
    ]
    return TRENDS.conform(pd.DataFrame(rows))


def _past(cohort: pd.DataFrame, period: int) -> int | None:
    earlier = [f"seen_{other}" for other in PERIODS if other < period]
    both = cohort[f"seen_{period}"] & cohort[earlier].any(axis=1)
    return int(both.sum()) if earlier else None


def _deaths(cohort: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "comparison": "all",
            "arm": arm,
            "period": period,
            "period_label": str(period),
            "n_followed": int(alive(mine, period).sum()),
            "n_died": int((mine["died"] == period).sum()),
        }
        for arm, mine in cohort.groupby("arm")
        for period in PERIODS
    ]
    return DEATHS.conform(pd.DataFrame(rows))


def _lines(
    stage: str, unit: str, received: int, kept: int, gone: int = 0, **more: str
) -> list[dict[str, Any]]:
    same = {"stage": stage, "unit": unit, "order": 0, **more}
    parts = (
        ("received", "", received),
        ("kept", "", kept),
        ("set_aside", "not_measured", received - kept - gone),
        ("set_aside", "after_follow_up", gone),
    )
    return [
        {**same, "entry": entry, "rule": rule, "reason": rule or entry, "n": n}
        for entry, rule, n in parts
        if n or entry != "set_aside"
    ]


def _eligible(n: int) -> pd.DataFrame:
    """Return the lines of the cohort: of 10,519 three were not seen, the others too old."""
    rows = _lines("cohort", "patients", 10519, 10516)
    old = rows[2] | {"rule": "too_old", "reason": "too old", "n": 10516 - n}
    return LEDGER.conform(pd.DataFrame([rows[0], rows[1] | {"n": n}, rows[2], old]))


def _panel(cohort: pd.DataFrame, measured: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for arm in ARMS:
        mine, more = cohort["arm"] == arm, {"arm": arm, "outcome": "hba1c"}
        n, periods = int(mine.sum()), int(seen[mine].to_numpy().sum())
        known = int((measured["arm"] == arm).sum())
        rows += _lines("panel", "patients", n, known, **more)
        there = sum(int(alive(cohort[mine], period).sum()) for period in PERIODS)
        received = n * len(PERIODS)
        rows += _lines("panel", "person-periods", received, periods, received - there, **more)
    return LEDGER.conform(pd.DataFrame(rows))


def released(file: Path, where: Path) -> tuple[Tables, Profile, Any]:
    study = load_study(file)
    data = gather(study, file, where)
    return as_text(data), data.profile, data


def recovered(tables: Tables, file: Path, earlier: list[Tables] | None = None) -> list[str]:
    study = load_study(file)
    rules = profile(study.disclosure)
    return attack(tables, rules, declared(study.model_dump(mode="json")), earlier or []).findings


TINY = {"p1": 6, "p2": 12, "other1": 5, "north1": 8, "north2": 9}
SOME = {"p1": 40, "p2": 30, "north1": 25, "north2": 41}
GROUPS = {"Indian": 9, "Chinese": 1, "Roma": 2, "Black African": 4}


@pytest.mark.parametrize("rules", PROFILES)
def test_tiny_practices(rules: str, tmp_path: Path) -> None:
    file, where = put(tmp_path, rules, people(TINY, {"Indian": 3}))
    tables, _, _ = released(file, where)
    assert recovered(tables, file) == []


@pytest.mark.parametrize("rules", PROFILES)
def test_comparisons_that_differ_by_one_practice_of_six(rules: str, tmp_path: Path) -> None:
    cohort = people(SOME | {"other1": 6}, {"Indian": 20})
    file, where = put(tmp_path, rules, cohort)
    tables, _, _ = released(file, where)
    assert recovered(tables, file) == []
    assert {row["comparison"] for row in tables["baseline"]} == {"all"}
    mine = [row for row in tables["estimates"] if row["comparison"] == "north"]
    assert {row["n_patients"] for row in mine} == {"*"} and all(row["estimate"] for row in mine)


@pytest.mark.parametrize("rules", PROFILES)
def test_two_releases_that_differ_by_one_patient(rules: str, tmp_path: Path) -> None:
    cohort = people(SOME, {"Indian": 20})
    file, where = put(tmp_path, rules, cohort)
    first, _, data = released(file, where)
    register.pend(data.registered, where)
    for name, rows in first.items():
        files.write_csv(pd.DataFrame(rows), tmp_path / f"out/{name}.csv")
    assert register.confirm(tmp_path / "out", where) == "001"
    put(tmp_path, rules, cohort.iloc[1:])
    second, _, data = released(file, where)
    assert data.then == ("001",)
    for name in (
        "baseline",
        "flow",
        "figures/raw-means",
        "measured",
        "death_rates",
    ):  # neither an age nor an HbA1c follows
        assert first[name] == second[name]
    sizes = [
        {(row["analysis"], row["n_patients"]) for row in t["estimates"]} for t in (first, second)
    ]
    assert sizes[0] == sizes[1]
    assert recovered(second, file, [first]) == []
    before = {row["variable"]: row for row in first["baseline"]}
    assert len(before["age"]["programme"].partition(".")[2]) <= 1


@pytest.mark.parametrize("rules", PROFILES)
def test_sparse_groups_and_one_vicar(rules: str, tmp_path: Path) -> None:
    file, where = put(tmp_path, rules, people(SOME, GROUPS))
    path = where / "count/theme_counts.csv"
    counts = files.read_table(path, THEME_COUNTS)
    jobs = [("nurse", 3, 6), ("cook", 2, 5), ("vicar", 1, 1)]
    rows = [("", "", 6, 12), *(("job", *job) for job in jobs)]
    lines = [
        {
            "theme_id": "parish",
            "role": "client",
            "attribute": attribute or None,
            "attribute_level": level or None,
            "n_participants": k,
            "n_eligible": n,
            "n_references": k,
            "n_sources": k,
            "attributed": "complete",
        }
        for attribute, level, k, n in rows
    ]
    frame = pd.concat([counts, THEME_COUNTS.conform(pd.DataFrame(lines))], ignore_index=True)
    files.write_csv(frame, path)
    tables, _, _ = released(file, where)
    assert recovered(tables, file) == []
    text = str(tables)
    assert "vicar" not in text and "nurse" in text
    assert "Chinese" not in text and "Roma" not in text and FEW in text


def test_without_protection_they_are_recovered(tmp_path: Path) -> None:
    """The attack is no formality: rounded and hidden cell by cell, the same studies fall."""
    file, where = put(tmp_path, "sacro", people(SOME | {"other1": 6}, GROUPS))
    _, _, data = released(file, where)
    from dataclasses import replace

    bare = replace(data.profile, withheld=frozenset(), cells=frozenset(), chosen={})
    found = recovered(as_text(replace(data, profile=bare)), file)
    assert len(found) >= 3
