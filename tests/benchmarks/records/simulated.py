"""A national extract made up by DuckDB: N observations of N/25 people, as CPRD Aurum text and as
Parquet.

Simulated data. Half of the observations are of the two outcomes; the others are diagnoses and codes
that no list has. Dirt of the usual kinds: comparators, blanks, words, missing and wrong units,
filler and impossible dates, days outside registration, repeats of the same day.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

PER_PERSON = 25
PRACTICES = 1000
TREATED = 400
PER_FILE = 10_000_000
FIRST, LAST, START = "2011-04-01", "2019-03-31", "2015-04-01"
IFCC, DCCT, EITHER = "1700711000006113", "457954013", "129761000000114"
DIABETES, PRESSURE = "197761014", "405695010"
CODELISTS = {
    "hba1c": [(IFCC, "mmol/mol"), (DCCT, "%"), (EITHER, "")],
    "systolic_bp": [(PRESSURE, "mmHg")],
    "type_2_diabetes": [(DIABETES, "")],
}


def make(folder: Path, observations: int) -> None:
    """Write `text/` (Aurum), `parquet/` (flat) and the study's tables into `folder`, once."""
    if (folder / "made.json").is_file():
        return
    people = observations // PER_PERSON
    for name in ("text", "parquet", "codelists"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    db = duckdb.connect(str(folder / "making.duckdb"))
    db.execute(
        "SET enable_progress_bar = false; SET preserve_insertion_order = false; SET threads = 2"
    )
    _people(db, folder, people)
    for place, first in enumerate(range(0, observations, PER_FILE), start=1):
        _observations(db, folder, place, first, min(first + PER_FILE, observations))
    db.close()
    (folder / "making.duckdb").unlink()
    _study(folder)
    (folder / "made.json").write_text(json.dumps({"observations": observations, "people": people}))


def _people(db: Any, folder: Path, people: int) -> None:
    db.execute(f"""
        CREATE MACRO pick(i, salt, n) AS hash(i * 64 + salt) % n;
        CREATE TABLE people AS SELECT i, 20001 + i % {PRACTICES} AS pracid,
            (1000000 + 7 * i)::VARCHAR || (20001 + i % {PRACTICES})::VARCHAR AS patid,
            1 + pick(i, 1, 2) AS gender, (1935 + pick(i, 2, 45))::INT AS yob,
            DATE '1990-01-01' + pick(i, 3, 8000)::INT AS regstart,
            CASE WHEN pick(i, 4, 100) < 12 THEN DATE '2015-01-01' + pick(i, 5, 1800)::INT
                END AS regend,
            CASE WHEN pick(i, 6, 100) < 5 THEN DATE '2015-01-01' + pick(i, 7, 1800)::INT
                END AS death
        FROM range({people}) AS t(i)""")
    text = "HEADER, DELIMITER '\t', QUOTE '', ESCAPE ''"
    day = "strftime({}, '%d/%m/%Y')"
    db.execute(f"""COPY (SELECT patid, pracid, 1 AS usualgpstaffid, gender, yob, '' AS mob,
        '' AS emis_ddate,
            {day.format("regstart")} AS regstartdate, 3 AS patienttypeid, {day.format("regend")} AS
                regenddate,
            1 AS acceptable, {day.format("death")} AS cprd_ddate FROM people)
        TO '{folder}/text/bench_extract_patient_001.txt' ({text})""")
    db.execute(f"""COPY (SELECT 20001 + i AS pracid, '31/12/2019' AS lcd, '01/01/1995' AS uts,
        1 AS region
        FROM range({PRACTICES}) AS t(i)) TO '{folder}/text/bench_extract_practice_001.txt'
            ({text})""")
    (folder / "text" / "NumUnit.txt").write_text(
        "numunitid\tDescription\n1\tmmol/mol\n2\t%\n3\tmmHg\n4\tmmol/L\n"
    )
    db.execute(f"""COPY (SELECT patid AS patient_id, CASE gender WHEN 1 THEN 'male' ELSE 'female'
        END AS sex,
            yob AS birth_year, death AS death_date FROM people)
                TO '{folder}/parquet/patients.parquet'""")
    db.execute(f"""COPY (SELECT patid AS patient_id, pracid::VARCHAR AS practice_id,
        regstart AS start, regend AS "end",
            DATE '2019-12-31' AS collected_to FROM people)
                TO '{folder}/parquet/registrations.parquet'""")
    db.execute(f"""COPY (SELECT 20001 + i AS practice_id,
            CASE WHEN i < {TREATED} THEN DATE '{START}' END AS programme_start, '' AS area
        FROM range({PRACTICES}) AS t(i)) TO '{folder}/practices.csv' (HEADER)""")


def _observations(db: Any, folder: Path, place: int, first: int, last: int) -> None:
    db.execute(f"""
        CREATE OR REPLACE TABLE made AS
        WITH drawn AS (
            SELECT i, i // {PER_PERSON} AS p, i % {PER_PERSON} AS j, pick(i, 11, 100) AS kind,
                pick(i, 12, 1000) AS dirt,
                DATE '2009-01-01' + pick(i - (pick(i, 13, 50) = 0)::INT, 14, 4000)::INT AS day
            FROM range({first}, {last}) AS t(i)),
        coded AS (
            SELECT *, CASE WHEN j = 0 OR kind >= 60 AND kind < 64 THEN '{DIABETES}' WHEN kind < 36
                THEN '{IFCC}'
                WHEN kind < 40 THEN '{DCCT}' WHEN kind < 44 THEN '{EITHER}' WHEN kind < 60
                    THEN '{PRESSURE}'
                ELSE (7000000000 + pick(i, 15, 5000) * 1000011)::VARCHAR END AS code,
                200 + pick(i, 16, 700) AS tenths
            FROM drawn)
        SELECT coded.i, patid, pracid, code,
            CASE WHEN j = 0 THEN DATE '2004-01-01' + pick(coded.i, 17, 3900)::INT
                 WHEN dirt < 5 THEN DATE '1900-01-01' ELSE day END AS day,
            CASE WHEN code = '{DIABETES}' THEN NULL WHEN dirt BETWEEN 5 AND 9 THEN '<20'
                WHEN dirt BETWEEN 10 AND 14 THEN NULL
                WHEN dirt BETWEEN 15 AND 17 THEN 'see letter'
                WHEN code = '{DCCT}' THEN (5 + (tenths - 200) // 100)::VARCHAR || '.' || (tenths %
                    10)::VARCHAR
                WHEN code = '{PRESSURE}' THEN (100 + tenths // 10)::VARCHAR
                ELSE (20 + tenths // 10)::VARCHAR || CASE WHEN tenths % 4 = 0 THEN '.5' ELSE '' END
                    END AS value,
            CASE WHEN code = '{IFCC}' AND dirt >= 30 THEN 1 WHEN code = '{DCCT}' THEN 2
                WHEN code = '{PRESSURE}' THEN 3 WHEN dirt = 29 THEN 4 END AS unit
        FROM coded JOIN people ON people.i = p ORDER BY coded.i""")
    db.execute(f"""COPY (SELECT patid, i AS consid, pracid, i + 1000000 AS obsid,
            CASE WHEN hash(i) % 2000 = 0 THEN '31/02/2016' ELSE strftime(day, '%d/%m/%Y')
                END AS obsdate,
            strftime(day, '%d/%m/%Y') AS enterdate, 17 AS staffid, '' AS parentobsid,
                code AS medcodeid, value,
            unit AS numunitid, 7 AS obstypeid, '' AS numrangelow, '' AS numrangehigh,
                '' AS probobsid
        FROM made ORDER BY made.i)
        TO '{folder}/text/bench_extract_observation_{place:03}.txt' (HEADER, DELIMITER '\t',
            QUOTE '', ESCAPE '')""")
    db.execute(f"""COPY (SELECT patid AS patient_id, pracid::VARCHAR AS practice_id, day AS date,
        code, value,
            CASE unit WHEN 1 THEN 'mmol/mol' WHEN 2 THEN '%' WHEN 3 THEN 'mmHg' WHEN 4 THEN 'mmol/L'
                END AS unit
        FROM made ORDER BY made.i) TO '{folder}/parquet/events_{place:03}.parquet'""")


def _study(folder: Path) -> None:
    for name, codes in CODELISTS.items():
        lines = [f"{code},medcodeid,{name},{unit},simulated" for code, unit in codes]
        text = "\n".join(["code,code_system,term,implied_unit,source", *lines]) + "\n"
        (folder / "codelists" / f"{name}.csv").write_text(text)
    for name, form in (
        ("text", "format: cprd_aurum"),
        ("parquet", "format: flat, code_system: medcodeid"),
    ):
        (folder / f"{name}.yaml").write_text(f"""\
study: {{name: bench, title: Benchmark, synthetic: true}}
extract: {{{form}, path: {name}}}
practices: practices.csv
codelists:
  hba1c: codelists/hba1c.csv
  systolic_bp: codelists/systolic_bp.csv
  type_2_diabetes: codelists/type_2_diabetes.csv
window: {{first: {FIRST}, last: {LAST}, period: quarter}}
eligibility:
  index_date: {START}
  age: [40, 74]
  conditions: [type_2_diabetes]
  registered_days: 365
comparisons: {{without: {{primary: true}}}}
outcomes:
  hba1c: {{unit: mmol/mol, plausible: [20, 195]}}
  systolic_bp: {{unit: mmHg, plausible: [60, 260]}}
analyses: [{{name: main, estimator: twfe, outcome: hba1c, primary: true}}]
""")
