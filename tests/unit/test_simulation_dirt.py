"""Every kind of dirt is planted, and none of it takes a clean measurement away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.simulation.dirt import EVENT_KINDS, FILLERS, IMPOSSIBLE, NOT_HBA1C
from evalweave.simulation.practices import demonstration_practices
from evalweave.simulation.recording import FORMS, percent_text
from evalweave.simulation.records import draw
from evalweave.simulation.written import written
from evalweave.study.about import Simulation
from evalweave.study.people import Eligibility
from evalweave.study.periods import Window
from evalweave.study.stages import SimulateSettings

HBA1C = ("999791000000106", "1019431000000105", "1003671000000109")


def made(dirt: bool) -> SimulateSettings:
    return SimulateSettings(
        simulation=Simulation(eligible_programme=1200, eligible_comparison=900, dirt=dirt, seed=11),
        practices="",
        qualitative=None,
        claims=None,
        window=Window(first="2011-04-01", last="2019-03-31"),
        eligibility=Eligibility(index_date="2015-04-01"),
    )


@pytest.fixture(scope="module")
def dirty() -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    tables, truth = written(made(dirt=True), demonstration_practices())
    return tables, truth["dirt"]


@pytest.fixture(scope="module")
def clean() -> dict[str, pd.DataFrame]:
    tables, truth = written(made(dirt=False), demonstration_practices())
    assert truth["dirt"] == {}
    return tables


def test_every_kind_is_planted(dirty: tuple[dict[str, pd.DataFrame], dict[str, int]]) -> None:
    counts = dirty[1]
    assert {kind.__name__ for kind in EVENT_KINDS} <= set(counts)
    assert set(FORMS) <= set(counts)
    assert [name for name, n in counts.items() if n == 0] == []


def test_what_the_kinds_look_like_in_the_file(
    dirty: tuple[dict[str, pd.DataFrame], dict[str, int]],
) -> None:
    events = dirty[0]["events"]
    hba1c = events[events["code"].isin(HBA1C)]
    value, unit = hba1c["value_text"].str.strip(), hba1c["unit_text"]
    number = pd.to_numeric(value, errors="coerce")
    seen = {
        "% with %": ((unit == "%") & (number < 20)).any(),
        "% without unit": ((unit == "") & (number < 20)).any(),
        "mmol/mol without unit": ((unit == "") & (number >= 20)).any(),
        "% at 20 and above": ((unit == "%") & (number >= 20)).any(),
        "mmol/mol below 20": ((unit == "mmol/mol") & (number < 20)).any(),
        "a unit of something else": unit.isin(["mmol/L", "mg/dL"]).any(),
        "unclear code": (hba1c["code"] == "1003671000000109").any(),
        "comparator": value.str.startswith(("<", ">")).any(),
        "not a number": value.isin(["see letter", "normal"]).any(),
        "decimal comma": value.str.fullmatch(r"\d+,\d").any(),
        "blank value": (value == "").any(),
        "beyond the range": (number > 195).any(),
        "impossible date": set(IMPOSSIBLE) <= set(events["date"]),
        "filler date": set(FILLERS) <= set(events["date"]),
        "blank date": (hba1c["date"] == "").any(),
        "not HbA1c": set(NOT_HBA1C) <= set(events["code"]),
        "unknown patient": (~events["patient_id"].isin(dirty[0]["patients"]["patient_id"])).any(),
        "unknown practice": (events["practice_id"] == "SP9999").any(),
        "exact duplicate": hba1c.duplicated().any(),
    }
    assert [kind for kind, there in seen.items() if not there] == []


def test_bad_rows_of_patients_and_registrations(
    dirty: tuple[dict[str, pd.DataFrame], dict[str, int]],
) -> None:
    patients, registrations = dirty[0]["patients"], dirty[0]["registrations"]
    twice = patients[patients["patient_id"].duplicated(keep=False)]
    assert twice.duplicated(keep=False).any()
    assert (~twice.duplicated(keep=False)).any()
    start = pd.to_datetime(registrations["start"], errors="coerce", format="%Y-%m-%d")
    end = pd.to_datetime(registrations["end"], errors="coerce", format="%Y-%m-%d")
    assert (end < start).any()
    ordered = pd.DataFrame(
        {"id": registrations["patient_id"], "start": start, "end": end}
    ).sort_values(["id", "start"])
    previous = ordered.groupby("id")["end"].shift()
    assert (ordered["start"] <= previous).any()


def test_everything_is_text(dirty: tuple[dict[str, pd.DataFrame], dict[str, int]]) -> None:
    for table in dirty[0].values():
        for column in table:
            assert table[column].map(type).eq(str).all(), column


def test_no_clean_measurement_is_lost(
    dirty: tuple[dict[str, pd.DataFrame], dict[str, int]], clean: dict[str, pd.DataFrame]
) -> None:
    """Each clean HbA1c stands in the dirty extract on its day, in mmol/mol or (rounded) in %."""

    def days(events: pd.DataFrame) -> pd.DataFrame:
        rows = events[events["code"].isin(HBA1C)]
        return rows.assign(
            number=pd.to_numeric(rows["value_text"].str.strip(), errors="coerce")
        ).dropna()

    before, after = days(clean["events"]), days(dirty[0]["events"])
    both = before.merge(after, on=["patient_id", "date"], suffixes=("", "_dirty"))
    same = both["number"] == both["number_dirty"]
    same |= np.abs(both["number"] * 0.09148 + 2.152 - both["number_dirty"]) <= 0.0501
    found = both[same][["patient_id", "date"]].drop_duplicates()
    assert len(found) == len(before[["patient_id", "date"]].drop_duplicates())


def test_same_people_with_and_without_dirt(
    dirty: tuple[dict[str, pd.DataFrame], dict[str, int]], clean: dict[str, pd.DataFrame]
) -> None:
    assert set(dirty[0]["patients"]["patient_id"]) == set(clean["patients"]["patient_id"])
    drawn = draw(made(dirt=False), 11, demonstration_practices()).people
    assert set(drawn["patient_id"]) == set(clean["patients"]["patient_id"])


def test_share_written_in_percent_falls_alike_in_both_arms(
    dirty: tuple[dict[str, pd.DataFrame], dict[str, int]],
) -> None:
    events = dirty[0]["events"].merge(
        demonstration_practices()[["practice_id", "area"]], on="practice_id"
    )
    rows = events[events["code"].isin(HBA1C) & events["date"].str.fullmatch(r"201[1-8]-\d\d-\d\d")]
    percent = pd.to_numeric(rows["value_text"], errors="coerce") < 20
    share = percent.groupby([rows["area"] == "west", rows["date"].str[:4]]).mean().unstack(0)
    assert (share.loc["2011"] > 3 * share.loc["2018"]).all()
    assert (share[True] - share[False]).abs().max() < 0.06


def test_percent_text_is_the_master_equation_to_one_decimal() -> None:
    assert list(percent_text(np.array([48, 59, 20]))) == ["6.5", "7.5", "4.0"]
