"""CPRD GOLD, in the layout of its data specification: data fields by entity type, practices from
patid, records from before a practice was up to standard."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from evalweave.extract.readers import looks_like
from helpers.extracts import rows

FILES = {
    "x_Extract_Patient_001.txt": [
        "patid\tgender\tyob\tmob\tcrd\ttod\ttoreason\tdeathdate\taccept",
        "1234007\t2\t157\t0\t01/02/2003\t\t0\t\t1",
        "1235012\t1\t1960\t6\t01/02/2003\t30/06/2017\t1\t30/06/2017\t0",
    ],
    "x_Extract_Practice_001.txt": [
        "pracid\tregion\tlcd\tuts",
        "7\t1\t30/06/2018\t01/02/2005",
        "12\t1\t30/06/2018\t",
    ],
    "x_Extract_Clinical_001.txt": [
        "patid\teventdate\tmedcode\tenttype\tadid",
        "1234007\t05/05/2011\t758\t0\t0",
    ],
    "x_Extract_Test_001.txt": [
        "patid\teventdate\tmedcode\tenttype\tdata1\tdata2\tdata3\tdata4",
        "1234007\t05/05/2016\t14051\t275\t3\t48.000\t97\t0",
        "1234007\t06/05/2016\t14051\t275\t4\t130\t97\t0",
        "1234007\t07/05/2016\t14051\t275\t3\t6.5\t1\t0",
        "1234007\t08/05/2016\t44\t163\t3\t5.1\t96\t0",
    ],
}


def put(folder: Path) -> dict[str, str]:
    for name, lines in FILES.items():
        (folder / name).write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return {"format": "cprd_gold", "date_format": "dmy", "code_system": "gold_medcode"}


def test_patients_and_practices(tmp_path: Path) -> None:
    settings = put(tmp_path)
    assert looks_like(tmp_path, "flat") == "cprd_gold"
    first, second = rows(tmp_path, "patients", **settings)
    assert (first["patient_id"], first["sex"], first["birth_year"]) == ("1234007", "female", 1957)
    assert (second["birth_year"], second["birth_month"], second["acceptable"]) == (1960, 6, False)
    assert second["death_date"] == dt.date(2017, 6, 30)
    first, second = rows(tmp_path, "registrations", **settings)
    assert (first["practice_id"], second["practice_id"]) == ("7", "12")
    assert (first["usable_from"], first["collected_to"]) == (
        dt.date(2005, 2, 1),
        dt.date(2018, 6, 30),
    )
    assert (second["usable_from"], second["end"]) == (None, dt.date(2017, 6, 30))


def test_data_fields_are_read_by_their_entity(tmp_path: Path) -> None:
    events = rows(tmp_path, "events", **put(tmp_path))
    read = [
        (e["code_system"], e["code"], e["value"], e["value_text"], e["unit_text"]) for e in events
    ]
    assert read == [
        ("gold_medcode", "758", None, None, None),
        ("gold_entity", "275", 48.0, None, "mmol/mol"),
        ("gold_entity", "275", None, ">130", "mmol/mol"),
        ("gold_entity", "275", 6.5, None, "%"),
        ("gold_medcode", "44", 5.1, None, "SUM 96"),
    ]


def test_operators_say_whether_a_value_is_exact(tmp_path: Path) -> None:
    """Lookup OPR: 0 missing, 1 <, 2 <=, 3 =, 4 >, 5 >=, 6 ~; other numbers are qualifiers."""
    settings = put(tmp_path)
    said = ["0", "1", "2", "3", "3.000", "4", "5", "6", "", "9"]
    (tmp_path / "x_Extract_Test_001.txt").write_text(
        "patid\teventdate\tmedcode\tenttype\tdata1\tdata2\tdata3\n"
        + "".join(f"1234007\t05/05/2016\t14051\t275\t{each}\t48\t97.000\n" for each in said)
    )
    events = [e for e in rows(tmp_path, "events", **settings) if e["code"] == "275"]
    assert [e["value"] or e["value_text"] for e in events] == [
        *(48.0, "<48", "<=48", 48.0, 48.0, ">48", ">=48", "~48", 48.0, "OPR 9 48"),
    ]
    assert {e["unit_text"] for e in events} == {"mmol/mol"}
