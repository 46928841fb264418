"""Cholesterol of which the programme changes who is tested: planted, repaired by weighting, and no
other part of the simulation knows of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

import evalweave
from evalweave.simulation import selective
from evalweave.simulation.extract import CHOLESTEROL
from evalweave.simulation.practices import demonstration_practices
from evalweave.simulation.records import Simulated, draw
from evalweave.simulation.written import written
from evalweave.study.stages import SimulateSettings, settings_for
from helpers.demonstration import STUDY


def settings(n: int, **said: object) -> SimulateSettings:
    made = settings_for(STUDY, SimulateSettings)
    of_arm = {"eligible_programme": n, "eligible_comparison": n}
    made["simulation"] |= {"seed": 11, **of_arm, **said}
    return SimulateSettings.model_validate(made)


def person_years(simulated: Simulated) -> pd.DataFrame:
    """Return the years in follow-up of the eligible, the value blank without a test."""
    assert simulated.tested is not None
    people = simulated.people[simulated.people["kind"] == "eligible"]
    tests = simulated.tested.merge(people["followed_until"], left_on="person", right_index=True)
    tests = tests[tests["followed_until"].isna() | (tests["day"] <= tests["followed_until"])]
    tests = tests.assign(period=(tests["day"] - pd.DateOffset(months=3)).dt.year)
    value = tests.groupby(["person", "period"])["value"].mean()
    periods = np.arange(2011, 2019)
    rows = people.loc[people.index.repeat(len(periods))].reset_index(names="person")
    rows["period"] = np.tile(periods, len(people))
    opens = pd.to_datetime(rows["period"].astype(str) + "-04-01")
    there = (rows["start"] < opens + pd.DateOffset(years=1)) & ~(rows["followed_until"] < opens)
    rows = rows[there].join(value.rename("y"), on=["person", "period"])
    return rows[["patient_id", "practice", "period", "first_treated", "y"]]


def test_the_planted_effect_is_missed_by_those_tested_and_found_by_weighting() -> None:
    frame = person_years(draw(settings(2500), 11, with_others=False))
    treated = frame["period"] >= frame["first_treated"]
    assert 0.35 < frame["y"].notna().mean() < 0.6
    assert frame.loc[treated, "y"].notna().mean() > 0.45
    found = evalweave.weighted_did(frame, outcome="y", cluster="practice", diagnostics=False)
    rows = found.tidy().set_index("term")
    truth = selective.planted()["terms"]["att"]  # type: ignore[index]
    weighted, plain = rows.loc["att"], rows.loc["att_unweighted"]
    assert abs(weighted["estimate"] - truth) < 3 * weighted["std_error"]
    assert plain["ci_high"] < truth - 0.1
    assert found.diagnostics["weighted_did"]["composition"]["verdict"] == "does not hold"


def test_nothing_else_of_a_seed_changes() -> None:
    practices = demonstration_practices()
    (plain, truth), (more, known) = (
        written(settings(60, selective_measurement=asked), practices) for asked in (False, True)
    )
    assert plain["patients"].equals(more["patients"])
    mine = more["events"]["code"] == CHOLESTEROL
    columns = list(plain["events"].columns)
    rest = more["events"][~mine].sort_values(columns, ignore_index=True)
    assert mine.any() and rest.equals(plain["events"].sort_values(columns, ignore_index=True))
    assert (more["events"].loc[mine, "unit_text"] == "mmol/L").all()
    assert {**truth, "others": known["others"]} == known
