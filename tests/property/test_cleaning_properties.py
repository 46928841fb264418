"""Extracts in three formats, read and cleaned: every row kept or set aside, and nothing kept but
what a naive reading of the same cells gives.

One set of records is written as flat files, as CPRD Aurum and as OMOP. The oracle judges them with
`datetime`, `Fraction` and a list of words, rule by rule in the order of the documentation, without
a line of ours.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import re
import tempfile
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from evalweave import engine
from evalweave import ledger as ledgers
from evalweave.extract.ingest import ingest
from evalweave.records.cleaning import clean
from evalweave.records.codelists import read_all
from evalweave.study.records import Extract
from evalweave.study.stages import CleanSettings
from evalweave.tables.records import PRACTICES

LISTS = Path(__file__).parents[2] / "config" / "codelists"
CODES = {
    "flat": {
        "ifcc": "999791000000106",
        "dcct": "1019431000000105",
        "either": "1003671000000109",
        "t2": "44054006",
    },
    "cprd_aurum": {
        "ifcc": "1700711000006113",
        "dcct": "457954013",
        "either": "129761000000114",
        "t2": "197761014",
    },
    "omop": {"ifcc": "3004410", "dcct": "3004410", "either": "3004410", "t2": "201826"},
}
UNITS = {
    "mmol/mol": "mmol/mol",
    "MMOL / MOL": "mmol/mol",
    "%": "%",
    "% hba1c": "%",
    "": "",
    "unknown": "",
    "mg/dL": None,
    "mmol/L": None,
}
VALUES = [
    "48",
    "48.0",
    "53",
    "75.5",
    "20",
    "19.9",
    "195",
    "195.1",
    "6.5",
    "6.54",
    "9",
    "19.99",
    "0",
    "-5",
    "200",
    "<20",
    ">= 180",
    "≤5",
    "~48",
    "1_0",
    "nan",
    "inf",
    "1e400",
    "٤٨",
    "see letter",
    "",
    "4.8e1",
    "1e5",
    "0048",
]
DAYS = [
    dt.date(2016, 5, 1),
    dt.date(2016, 5, 2),
    dt.date(2012, 3, 31),
    dt.date(2011, 4, 1),
    dt.date(2011, 3, 31),
    dt.date(2019, 3, 31),
    dt.date(2019, 4, 1),
    dt.date(1900, 1, 1),
    dt.date(1931, 1, 1),
    dt.date(2031, 1, 1),
    dt.date(2016, 2, 29),
]
BAD_DAYS = ["31/02/2016", "0000-00-00", "soon", ""]
FILLERS = {dt.date(1900, 1, 1)}
PEOPLE = {
    "flat": [f"P{n}" for n in range(9)] + ["12622041000006111"],
    "cprd_aurum": [f"12622041000{n}20001" for n in range(10)],
    "omop": [str(12622041000006110 + n) for n in range(10)],
}
PRACTICE = "20001"


def drawn(random_: random.Random, n: int) -> list[dict[str, Any]]:
    """Return records: person (0 to 9; 10 is nobody), day or bad text, code, value, unit."""
    return [
        {
            "person": random_.choice([*range(10), 10]),
            "day": random_.choice([*DAYS * 4, *BAD_DAYS]),
            "code": random_.choice(["ifcc", "dcct", "either", "either", "t2", "other"]),
            "value": random_.choice(VALUES),
            "unit": random_.choice(list(UNITS)),
        }
        for _ in range(n)
    ]


def judged(
    records: list[dict[str, Any]], form: str
) -> tuple[Counter[str], dict[tuple[int, dt.date], Fraction]]:
    """Return how many records each rule sets aside, and the mean of each person and day,
    naively."""
    aside: Counter[str] = Counter()
    good: dict[tuple[int, dt.date], list[tuple[str, Fraction, int]]] = {}
    for place, record in enumerate(records):
        rule, unit, value = one(record, form)
        if rule:
            aside[rule] += 1
        elif record["code"] != "t2":
            good.setdefault((record["person"], record["day"]), []).append((unit, value, place))
    means = {}
    for key, day in good.items():
        first = {(unit, value): place for unit, value, place in reversed(day)}
        aside["same_day_repeat"] += len(day) - len(first)
        ours = [value for unit, value in first if unit == "mmol/mol"]
        left = {
            each: place
            for each, place in first.items()
            if each[0] == "mmol/mol" or not any(abs(each[1] - our) <= 1 for our in ours)
        }
        aside["same_day_twin"] += len(first) - len(left)
        values = [value for _, value in left]
        if max(values) - min(values) > 22:
            aside["same_day_spread"] += len(left)
        else:
            aside["same_day_averaged"] += len(left) - 1
            means[key] = sum(values, Fraction(0)) / len(values)
    return +aside, means


def one(record: dict[str, Any], form: str) -> tuple[str, str, Fraction]:
    """Return the first rule that a record fails ("" = none), its unit, and its value in
    mmol/mol."""
    nothing = Fraction(0)
    if record["code"] == "other":
        return "code_not_listed", "", nothing
    if record["person"] == 10:
        return "patient_unknown", "", nothing
    day = record["day"]
    if isinstance(day, str):
        return ("date_unreadable" if day else "date_missing"), "", nothing
    if day in FILLERS:
        return "date_filler", "", nothing
    if day < dt.date(1950, 1, 1):
        return "date_before_birth", "", nothing
    if record["code"] == "t2":
        return "", "", nothing
    if not dt.date(2011, 4, 1) <= day <= dt.date(2019, 3, 31):
        return "date_outside_window", "", nothing
    text = record["value"]
    if not text:
        return "value_missing", "", nothing
    if re.fullmatch(r"(<|>|<=|>=|≤|≥|~) ?[0-9.]+", text):
        return "value_comparator", "", nothing
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[0-9]+)?", text) or text == "1e400":
        return "value_not_a_number", "", nothing
    value = Fraction(text)
    unit = UNITS[record["unit"]]
    if unit is None:
        return "unit_unknown", "", nothing
    implied = {"ifcc": "mmol/mol", "dcct": "%"}.get(record["code"]) if form != "omop" else None
    unit = unit or implied or ("%" if value < 20 else "mmol/mol")
    if (unit == "mmol/mol") != (value >= 20):
        return "unit_contradicts_value", "", nothing
    amount = value if unit == "mmol/mol" else (value - Fraction("2.152")) / Fraction("0.09148")
    return ("" if 20 <= amount <= 195 else "value_out_of_range"), unit, amount


def table(header: list[str], rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return out.getvalue().encode()


def files(
    form: str, records: list[dict[str, Any]], people: list[str], n_files: int = 1
) -> dict[str, bytes]:
    """Write ten sound people, their registrations and the records; the n-th record goes into file n
    mod `n_files`."""
    order = "%d/%m/%Y" if form == "cprd_aurum" else "%Y-%m-%d"
    codes, everybody = CODES[form], [*people, "9998"]
    lines = [
        [
            everybody[r["person"]],
            r["day"] if isinstance(r["day"], str) else r["day"].strftime(order),
            codes.get(r["code"], "123456"),
            r["value"],
            r["unit"],
        ]
        for r in records
    ]
    if form == "flat":
        made = {
            "patients.csv": table(
                ["patient_id", "sex", "birth_year"], [[p, "female", "1950"] for p in people]
            ),
            "registrations.csv": table(
                ["patient_id", "practice_id", "start", "end"],
                [[p, PRACTICE, "1950-01-01", ""] for p in people],
            ),
        }
        header = ["patient_id", "date", "code", "value", "unit"]
        return made | {f"events_{n}.csv": table(header, lines[n::n_files]) for n in range(n_files)}
    if form == "cprd_aurum":
        numbers = {text: str(n) for n, text in enumerate(UNITS) if text}
        patient = ["patid", "pracid", "gender", "yob", "regstartdate", "regenddate", "acceptable"]
        header = ["patid", "obsdate", "medcodeid", "value", "numunitid"]
        lines = [[*line[:4], numbers.get(line[4], "NA")] for line in lines]
        made = {
            "s_extract_patient_001.txt": table(
                patient,
                [[p, PRACTICE, "2", "1950", "01/01/1950", "NA", "1"] for p in people],
                "\t",
                "\r\n",
            ),
            "NumUnit.txt": table(
                ["numunitid", "Description"], [[n, t] for t, n in numbers.items()], "\t", "\r\n"
            ),
        }
        return made | {
            f"s_extract_observation_{n:03}.txt": table(header, lines[n::n_files], "\t", "\r\n")
            for n in range(n_files)
        }
    person = ["person_id", "gender_concept_id", "year_of_birth", "care_site_id"]
    period = ["person_id", "observation_period_start_date", "observation_period_end_date"]
    header = [
        "person_id",
        "measurement_date",
        "measurement_concept_id",
        "value_as_number",
        "unit_source_value",
    ]
    condition = ["person_id", "condition_start_date", "condition_concept_id"]
    measured = [line for line, r in zip(lines, records, strict=True) if r["code"] != "t2"]
    diagnosed = [line[:3] for line, r in zip(lines, records, strict=True) if r["code"] == "t2"]
    made = {
        "PERSON.csv": table(person, [[p, "8532", "1950", PRACTICE] for p in people]),
        "OBSERVATION_PERIOD.csv": table(period, [[p, "1950-01-01", "2998-12-31"] for p in people]),
    }
    made |= {
        f"MEASUREMENT/part-{n}.csv": table(header, measured[n::n_files]) for n in range(n_files)
    }
    return made | ({"CONDITION_OCCURRENCE.csv": table(condition, diagnosed)} if diagnosed else {})


class Result:
    """What cleaning made of files, as plain Python."""

    def __init__(self, form: str, written: dict[str, bytes], unit: str = "mmol/mol") -> None:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "extract"
            for name, content in written.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            extract = Extract.model_validate({"format": form, "path": str(folder)})
            backend = engine.connect("duckdb")
            names = ("patients", "registrations", "events")
            parts = {name: ingest(extract, "duckdb", name, Path(made) / "out") for name in names}
            tables = {
                n: engine.parquet_tables(backend, [part.path for part in parts[n]]) for n in names
            }
            lists, faults = read_all(
                {n: str(LISTS / f"{n}.csv") for n in ("hba1c", "type_2_diabetes")},
                extract.code_system,
            )
            assert not faults
            plausible = (
                [20, 195] if unit == "mmol/mol" else [20 * 0.09148 + 2.152, 195 * 0.09148 + 2.152]
            )
            said = CleanSettings.model_validate(
                {
                    "engine": "duckdb",
                    "extract": extract.model_dump(),
                    "practices": "",
                    "codelists": {},
                    "cleaning": {},
                    "window": {"first": "2011-04-01", "last": "2019-03-31"},
                    "outcomes": {"hba1c": {"unit": unit, "plausible": plausible}},
                }
            )
            where = PRACTICES.conform(
                pd.DataFrame({"practice_id": [PRACTICE], "programme_start": [None]})
            )
            found = clean(backend, **tables, practices=where, lists=lists, settings=said)
            self.measured = {
                (row["patient_id"], row["date"]): row["value"]
                for row in backend.to_pyarrow(found.measurements).to_pylist()
            }
            self.aside = backend.to_pyarrow(found.set_aside).to_pylist()
            self.ledger = found.ledger
            self.rows = {n: sum(part.rows for part in parts[n]) for n in names}
        ledgers.check(self.ledger)
        self.totals = self.ledger.groupby(["unit", "entry"])["n"].sum().to_dict()
        self.by_rule = self.ledger.groupby(["unit", "rule"])["n"].sum().to_dict()

    def of_records(self) -> Counter[str]:
        return Counter(
            {rule: n for (unit, rule), n in self.by_rule.items() if unit == "records" and rule}
        )


def examples(n: int) -> settings:
    """A whole pipeline costs seconds, so few examples of many records, and no search for a smaller
    one.

    The first example is the simplest there is, so even that must hold something: what is drawn is a
    seed.
    """
    phases = [Phase.explicit, Phase.generate]
    return settings(
        max_examples=n, deadline=None, phases=phases, suppress_health_check=list(HealthCheck)
    )


SOUND = {"person": 0, "day": dt.date(2016, 5, 9), "code": "ifcc", "value": "48", "unit": "mmol/mol"}


@pytest.mark.parametrize("form", sorted(CODES))
@examples(2)
@given(seed=st.integers(0, 2**32), n=st.integers(200, 500))
def test_what_is_kept_is_what_a_naive_reading_gives(form: str, seed: int, n: int) -> None:
    records = [SOUND] * 60 + drawn(
        random.Random(seed), n
    )  # enough sound ones that the file as a whole is sound
    result = Result(form, files(form, records, PEOPLE[form], 1 + seed % 3))
    aside, means = judged(records, form)
    assert result.totals["records", "received"] == result.rows["events"] == len(records)
    assert result.totals["patients", "kept"] == result.totals["registrations", "kept"] == 10
    assert result.of_records() == aside
    places = {(row["source_file"], row["source_row"]) for row in result.aside}
    assert len(places) == len(result.aside) == sum(aside.values())
    assert result.totals["records", "kept"] == len(records) - len(places)
    want = {(PEOPLE[form][person], day): float(mean) for (person, day), mean in means.items()}
    assert result.measured == pytest.approx(want, rel=1e-12)


@examples(1)
@given(seed=st.integers(0, 2**32))
def test_order_files_and_names_change_nothing_and_what_was_kept_is_kept_again(seed: int) -> None:
    random_ = random.Random(seed)
    records = [SOUND] * 30 + drawn(random_, 150)
    first = Result("flat", files("flat", records, PEOPLE["flat"]))
    names = [f"{random_.randrange(10**18):018}" for _ in range(10)]
    shuffled = random_.sample(records, len(records))
    again = Result("flat", files("flat", shuffled, names, 3))
    back = dict(zip(names, PEOPLE["flat"], strict=True))
    assert {
        (back[person], day): value for (person, day), value in again.measured.items()
    } == first.measured
    pd.testing.assert_frame_equal(again.ledger, first.ledger)
    kept = [
        {
            "person": PEOPLE["flat"].index(person),
            "day": day,
            "code": "ifcc",
            "value": repr(value),
            "unit": "mmol/mol",
        }
        for (person, day), value in first.measured.items()
    ]
    once_more = Result("flat", files("flat", kept, PEOPLE["flat"]))
    assert once_more.measured == first.measured  # what cleaning kept, it keeps, to the last digit
    assert not once_more.aside


@examples(1)
@given(seed=st.integers(0, 2**32))
def test_the_unit_of_measure_changes_nothing(seed: int) -> None:
    random_ = random.Random(seed)
    values = [Decimal(random_.randint(2000, 19500)).scaleb(-2) for _ in range(60)] + [
        Decimal(20),
        Decimal(195),
    ]

    def written(texts: list[str], unit: str) -> dict[str, bytes]:
        days = [dt.date(2012, 1, 1) + dt.timedelta(days=place) for place in range(len(texts))]
        sound = [
            {"person": n % 10, "day": day, "code": "either", "value": text, "unit": unit}
            for n, (day, text) in enumerate(zip(days, texts, strict=True))
        ]
        return files("flat", sound, PEOPLE["flat"])

    first = Result("flat", written([str(value) for value in values], "mmol/mol"))
    assert sorted(first.measured.values()) == sorted(float(value) for value in values)
    percent = [repr(float(value) * 0.09148 + 2.152) for value in values if float(value) < 195]
    kept = [float(value) for value in values if float(value) < 195]
    if kept:
        second = Result("flat", written(percent, "%"))
        assert sorted(second.measured.values()) == pytest.approx(sorted(kept), abs=1e-9)
        reported = Result(
            "flat", written([str(v) for v in values if float(v) < 195], "mmol/mol"), "%"
        )
        assert sorted(reported.measured.values()) == pytest.approx(
            [v * 0.09148 + 2.152 for v in sorted(kept)], abs=1e-9
        )
