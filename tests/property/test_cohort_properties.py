"""The closed cohort: nothing after the index date decides who is in it; names and the order of rows
are nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from evalweave import engine
from evalweave.cohort.building import Built, build
from evalweave.records.codelists import read_all
from helpers.cleaning import cleaned
from helpers.cleaning import settings as clean_settings
from helpers.cohort import ASTHMA, LISTS, REFERRED, TYPE_1, TYPE_2, fetched, n_moved, practices
from helpers.cohort import settings as study

NAMES = ("hba1c", "type_2_diabetes", "type_1_diabetes", "asthma", "social_prescribing_referral")
CODES = (TYPE_2, TYPE_2, TYPE_1, ASTHMA)
BEFORE = ("2012-01-01", "2013-10-05", "2014-04-01", "2014-12-01", "2015-03-31")
FROM_THEN = ("2015-04-01", "2015-04-02", "2016-03-31", "2017-09-09")
HBA1C = "999791000000106"
CHOSEN = study(
    eligibility={"counting": {"type_1_diabetes": {"at_least": 2}}},
    comparisons={"all": {"primary": True}, "even": {"balance": "none", "areas": ["north", "east"]}},
    cleaning={"gap_days": 30},
)
PERSON = st.fixed_dictionaries(
    {
        "practice_id": st.sampled_from("ABCD"),
        "sex": st.sampled_from(["female", "male"]),
        "birth_year": st.sampled_from(["1939", "1940", "1955", "1974", "1975"]),
        "start": st.sampled_from(["2010-01-01", "2014-04-01", "2014-04-02", "2015-04-01"]),
        "came_from": st.sampled_from(["", "A", "C"]),
        "records": st.lists(
            st.tuples(st.sampled_from((*CODES, HBA1C)), st.sampled_from(BEFORE)), max_size=4
        ),
    }
)
LATER = st.fixed_dictionaries(
    {
        "records": st.lists(
            st.tuples(
                st.sampled_from((*CODES, HBA1C, HBA1C, REFERRED)), st.sampled_from(FROM_THEN)
            ),
            max_size=3,
        ),
        "end": st.sampled_from(["", "2015-04-01", "2016-08-01"]),
        "death_date": st.sampled_from(["", "2015-04-02", "2018-01-01"]),
        "moved_to": st.sampled_from(["", "B", "D"]),
    }
)
DECIDED = [
    "patient_id",
    "practice_id",
    "arm",
    "index_date",
    "programme_start",
    "first_treated",
    "sex",
    "age",
    "ethnicity",
    "white",
    "imd_quintile",
    "n_conditions",
    "fewer_conditions",
    "diagnosed_on",
    "incident",
    "baseline_hba1c",
]


def tables(
    people: list[dict[str, Any]], later: list[dict[str, Any]]
) -> dict[str, list[dict[str, str]]]:
    """Return patients, registrations and records; two sound people a practice, so that arms are
    never empty."""
    sound = [
        {
            "practice_id": p,
            "sex": "female",
            "birth_year": "1955",
            "start": "2010-01-01",
            "came_from": "",
            "records": [(TYPE_2, "2012-01-01"), (HBA1C, "2014-12-01")],
        }
        for p in "ABCD"
        for _ in (1, 2)
    ]
    made: dict[str, list[dict[str, str]]] = {"patients": [], "registrations": [], "records": []}
    for place, person in enumerate([*sound, *people]):
        name = f"P{place:02d}"
        after = later[place % len(later)] if later else {}
        facts = {
            "sex": person["sex"],
            "birth_year": person["birth_year"],
            "ethnicity": "White",
            "imd_quintile": "3",
        }
        made["patients"].append(
            {"patient_id": name, **facts, "death_date": after.get("death_date", "")}
        )
        spells = [(person["practice_id"], person["start"], after.get("end", ""))]
        if person["came_from"]:
            spells.insert(0, (person["came_from"], "2009-01-01", "2014-03-20"))
        if after.get("moved_to"):
            spells.append((after["moved_to"], "2015-06-01", ""))
        for practice, start, end in spells:
            made["registrations"].append(
                {"patient_id": name, "practice_id": practice, "start": start, "end": end}
            )
        for code, day in [*person["records"], *after.get("records", [])]:
            value, unit = (
                ("90" if day in FROM_THEN else "50", "mmol/mol") if code == HBA1C else ("", "")
            )
            made["records"].append(
                {"patient_id": name, "date": day, "code": code, "value": value, "unit": unit}
            )
    return made


def cohort(made: dict[str, list[dict[str, str]]], where: pd.DataFrame) -> Built:
    lists, _ = read_all({name: str(LISTS / f"{name}.csv") for name in NAMES}, "snomed")
    backend, result = cleaned(
        patients=made["patients"],
        registrations=made["registrations"],
        records=made["records"],
        practices=where,
        chosen=clean_settings(gap_days=30),
        codelists=lists,
    )
    names = ("patients", "registrations", "measurements", "conditions")
    kept = {name: engine.keep(backend, name, getattr(result, name)) for name in names}
    return fetched(backend, build(backend, kept, where, CHOSEN))


HOW = settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # an example is two whole cohorts, however few the people: few examples of many, and no shrinking


@HOW
@given(pairs=st.lists(st.tuples(PERSON, LATER), min_size=20, max_size=40))
def test_nothing_after_the_index_date_decides(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    people, later = [each for each, _ in pairs], [each for _, each in pairs]
    without, whole = (
        cohort(tables(people, []), practices()),
        cohort(tables(people, later), practices()),
    )
    pd.testing.assert_frame_equal(without.cohort[DECIDED], whole.cohort[DECIDED])
    pd.testing.assert_frame_equal(without.baseline, whole.baseline)
    pd.testing.assert_frame_equal(without.membership, whole.membership)
    pd.testing.assert_frame_equal(without.ledger, whole.ledger)


@HOW
@given(
    pairs=st.lists(st.tuples(PERSON, LATER), min_size=20, max_size=40),
    chance=st.randoms(use_true_random=False),
)
def test_names_and_the_order_of_rows_are_nothing(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]], chance: Any
) -> None:
    made = tables([each for each, _ in pairs], [each for _, each in pairs])
    first = cohort(made, practices())
    ids = [row["patient_id"] for row in made["patients"]]
    people = dict(
        zip(ids, chance.sample([f"N{n:03d}" for n in range(len(ids))], len(ids)), strict=True)
    )
    sites = dict(zip("ABCD", chance.sample(["w", "x", "y", "z"], 4), strict=True))
    renamed = {
        name: [
            {**row, "patient_id": people[row["patient_id"]]}
            | ({"practice_id": sites[row["practice_id"]]} if name == "registrations" else {})
            for row in chance.sample(rows, len(rows))
        ]
        for name, rows in made.items()
    }
    if "practice_id" in renamed["records"][0]:
        raise AssertionError("records name no practice here")
    where = practices(practice_id=[sites[p] for p in "ABCD"]).sample(
        frac=1, random_state=chance.randrange(99)
    )
    again = cohort(renamed, where.reset_index(drop=True))
    back, back_at = (
        {new: old for old, new in people.items()},
        {new: old for old, new in sites.items()},
    )
    named = again.cohort.assign(
        patient_id=again.cohort["patient_id"].map(back).astype("string"),
        practice_id=again.cohort["practice_id"].map(back_at).astype("string"),
    )
    named = named.sort_values("patient_id", ignore_index=True)
    pd.testing.assert_frame_equal(first.cohort, named, check_dtype=False)
    for table in ("baseline", "ledger", "incidence"):
        pd.testing.assert_frame_equal(getattr(first, table), getattr(again, table))
    assert n_moved(first) == n_moved(again)
