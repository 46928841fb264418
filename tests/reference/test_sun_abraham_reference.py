"""Sun–Abraham against R fixest's sunab on mpdta (data/ORIGIN-twfe.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import evalweave

DATA = Path(__file__).parent / "data"
R = json.loads((DATA / "twfe_mpdta.json").read_text())["mpdta_sunab"]
FOUND = (
    evalweave.sun_abraham(
        pd.read_csv(DATA / "mpdta.csv"),
        outcome="lemp",
        unit="countyreal",
        period="year",
        cluster="countyreal",
        first_treated="first.treat",
        inference=["cr1"],
        diagnostics=False,
    )
    .tidy()
    .set_index("term")
)


def check(term, expected, j=None):
    for ours, theirs in (
        ("estimate", "estimate"),
        ("std_error", "se"),
        ("p_value", "p"),
        ("ci_high", "ci_hi"),
    ):
        value = expected[theirs] if j is None else expected[theirs][j]
        assert FOUND.loc[term, ours] == pytest.approx(value, rel=1e-6), term


def test_att():
    check("att", R["att"])


@pytest.mark.parametrize("j", range(len(R["event_time"]["term"])))
def test_event_times(j):
    check(f"event[{R['event_time']['term'][j].removeprefix('year::')}]", R["event_time"], j)


@pytest.mark.parametrize("j", range(len(R["cohort"]["term"])))
def test_cohorts(j):
    check(f"group[{R['cohort']['term'][j].removeprefix('cohort::')}]", R["cohort"], j)


@pytest.mark.parametrize("j", range(len(R["raw"]["term"])))
def test_cohort_by_event_time(j):
    event, cohort = map(
        int, re.fullmatch(r"year::(-?\d+):cohort::(\d+)", R["raw"]["term"][j]).groups()
    )
    check(f"att_gt[{cohort},{cohort + event}]", R["raw"], j)
