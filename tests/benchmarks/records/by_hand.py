"""The same job as one DuckDB script that knows this extract: one registration a person, no mergers,
three codes.

It does what evalweave must deliver: parsing with failures counted, the rules in their order, one
reason a row, the counts by reason, arm and quarter, the rows set aside, the measurements, the
cohort and the panel. It leaves out what this extract does not need (overlapping spells, other
formats, checksums, faults of files).

    python by_hand.py FOLDER text|parquet OUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
from simulated import DCCT, DIABETES, EITHER, FIRST, IFCC, LAST, PRESSURE, START

FILLERS = "1800-01-01 1801-01-01 1860-01-01 1899-12-30 1899-12-31 1900-01-01"


def main(folder: Path, kind: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute(
        "SET enable_progress_bar = false; SET memory_limit = '1GB'; SET temp_directory = "
        f"'{out}/spill'"
    )
    (_parse if kind == "text" else _typed)(db, folder, out)
    _clean(db, folder, out)
    _panel(db, out)


def _text(db: Any, path: str, columns: str) -> str:
    names = ", ".join(f"'{name}': 'VARCHAR'" for name in columns.split())
    return (
        f"read_csv('{path}', auto_detect = false, header = true, delim = '\t', quote = '', escape "
        "= '', "
        f"columns = {{{names}}}, filename = true)"
    )


def _parse(db: Any, folder: Path, out: Path) -> None:
    """Text to typed Parquet, once, with rows numbered and failures counted."""
    observation = (
        "patid consid pracid obsid obsdate enterdate staffid parentobsid medcodeid value numunitid "
        "obstypeid "
        "numrangelow numrangehigh probobsid"
    )
    patient = (
        "patid pracid usualgpstaffid gender yob mob emis_ddate regstartdate patienttypeid "
        "regenddate acceptable cprd_ddate"
    )
    day = "try_cast({0}[7:10] || '-' || {0}[4:5] || '-' || {0}[1:2] AS DATE)"
    db.execute(
        f"""CREATE TABLE units AS SELECT * FROM read_csv('{folder}/text/NumUnit.txt', delim = '\t',
            all_varchar = true)"""
    )
    for place, path in enumerate(sorted((folder / "text").glob("*observation*"))):
        db.execute(f"""COPY (SELECT patid AS patient_id, pracid AS practice_id,
            {day.format("obsdate")} AS date,
                obsdate AS date_text, medcodeid AS code, value AS value_text,
                    try_cast(value AS DOUBLE) AS value,
                Description AS unit_text, '{path.name}' AS source_file, source_row
            FROM (SELECT *, row_number() OVER () + 1 AS source_row
                FROM {_text(db, str(path), observation)})
            LEFT JOIN units USING (numunitid)) TO '{out}/events_{place}.parquet' (COMPRESSION
                zstd)""")
    db.execute(f"""SELECT count(*) FILTER (date IS NULL AND date_text IS NOT NULL),
            count(*) FILTER (value IS NULL AND value_text IS NOT NULL)
                FROM '{out}/events_*.parquet'""")
    db.execute(f"CREATE VIEW events AS SELECT * FROM '{out}/events_*.parquet'")
    practices = "bench_extract_practice_001.txt"
    db.execute(f"""CREATE TABLE people AS SELECT patid AS patient_id, pracid AS practice_id,
        yob::INT AS birth_year,
            {day.format("regstartdate")} AS start, {day.format("regenddate")} AS stop,
                {day.format("cprd_ddate")} AS death,
            {day.format("lcd")} AS collected
        FROM {_text(db, f"{folder}/text/bench_extract_patient_001.txt", patient)}
        JOIN (SELECT pracid, lcd
            FROM {_text(db, f"{folder}/text/{practices}", "pracid lcd uts region")})
            USING (pracid)""")


def _typed(db: Any, folder: Path, out: Path) -> None:
    db.execute(f"""CREATE VIEW events AS SELECT patient_id, practice_id, date,
        date::VARCHAR AS date_text, code,
            value AS value_text, try_cast(value AS DOUBLE) AS value, unit AS unit_text,
                filename AS source_file,
            file_row_number + 2 AS source_row
        FROM read_parquet('{folder}/parquet/events_*.parquet', filename = true,
            file_row_number = true)""")
    db.execute(f"""CREATE TABLE people AS SELECT patient_id, practice_id,
        birth_year::INT AS birth_year, start, "end" AS stop,
            death_date AS death, collected_to AS collected
        FROM '{folder}/parquet/patients.parquet' JOIN '{folder}/parquet/registrations.parquet'
            USING (patient_id)""")


def _clean(db: Any, folder: Path, out: Path) -> None:
    fillers = ", ".join(f"DATE '{day}'" for day in FILLERS.split())
    db.execute(f"""
        CREATE TABLE codes(code VARCHAR, outcome VARCHAR, implied VARCHAR);
        INSERT INTO codes VALUES ('{IFCC}', 'hba1c', 'mmol/mol'), ('{DCCT}', 'hba1c', '%'),
            ('{EITHER}', 'hba1c', NULL),
            ('{PRESSURE}', 'systolic_bp', 'mmHg'), ('{DIABETES}', NULL, NULL);
        CREATE TABLE practices AS SELECT practice_id, programme_start,
            programme_start IS NOT NULL AS programme
        FROM read_csv('{folder}/practices.csv',
            types = {{'practice_id': 'VARCHAR', 'programme_start': 'DATE'}});
        CREATE TABLE known AS SELECT people.*, programme, make_date(birth_year, 1, 1) AS born,
            row_number() OVER (ORDER BY patient_id) AS person FROM people JOIN practices
                USING (practice_id)""")
    db.execute(f"""CREATE TABLE judged AS
        WITH joined AS (
            SELECT e.source_file, e.source_row, person, e.date, e.value_text, e.value, c.outcome,
                k.practice_id, programme,
                CASE WHEN e.date BETWEEN DATE '{FIRST}' AND DATE '{LAST}'
                     THEN year(e.date) * 4 + quarter(e.date) - 1 END AS quarter,
                CASE e.unit_text WHEN 'mmol/mol' THEN 'mmol/mol' WHEN '%' THEN '%' WHEN 'mmHg'
                    THEN 'mmHg' END AS told,
                CASE WHEN outcome = 'hba1c' THEN coalesce(told, implied, CASE WHEN value < 20
                    THEN '%' ELSE 'mmol/mol' END)
                     ELSE coalesce(told, implied) END AS unit,
                CASE WHEN told IS NOT NULL THEN 'text' WHEN implied IS NOT NULL THEN 'code'
                    ELSE 'range' END AS decided,
                CASE WHEN unit = '%' THEN (value - 2.152) / 0.09148 ELSE value END AS amount,
                CASE WHEN c.code IS NULL THEN 1 WHEN k.person IS NULL THEN 2
                    WHEN e.date IS NULL AND date_text IS NULL THEN 3 WHEN e.date IS NULL THEN 4
                    WHEN e.date IN ({fillers}) OR year(e.date) >= 2999 THEN 5 WHEN e.date < born
                        THEN 6
                    WHEN e.date > death THEN 7 WHEN e.date > stop THEN 8 WHEN e.date > collected
                        THEN 9
                    WHEN outcome IS NULL THEN NULL
                    WHEN e.date NOT BETWEEN DATE '{FIRST}' AND DATE '{LAST}' THEN 10
                        WHEN e.date < start THEN 11
                    WHEN value_text IS NULL THEN 12
                    WHEN value IS NULL AND regexp_matches(value_text,
                        '^\\s*(<|>|<=|>=)\\s*\\d+(\\.\\d+)?\\s*$') THEN 13
                    WHEN value IS NULL THEN 14 WHEN unit_text IS NOT NULL AND told IS NULL THEN 15
                    WHEN outcome = 'hba1c' AND ((unit = '%') <> (value < 20)) THEN 16
                    WHEN outcome = 'hba1c' AND amount NOT BETWEEN 20 AND 195 THEN 17
                    WHEN outcome <> 'hba1c' AND amount NOT BETWEEN 60 AND 260 THEN 17
                        END::TINYINT AS rule
            FROM events e LEFT JOIN codes c USING (code) LEFT JOIN known k USING (patient_id))
        SELECT source_file, source_row, person, programme, quarter, rule,
            CASE WHEN rule IS NULL THEN date END AS date, CASE WHEN rule IS NULL THEN outcome
                END AS outcome,
            CASE WHEN rule IS NULL THEN amount END AS amount, CASE WHEN rule IS NULL THEN unit
                END AS unit,
            CASE WHEN rule IS NULL THEN decided END AS decided
        FROM joined""")
    db.execute("""
        CREATE TABLE days AS SELECT person, outcome, date, count(*) AS n, any_value(amount) AS mean,
            any_value(decided) AS decided
        FROM judged WHERE rule IS NULL AND outcome IS NOT NULL GROUP BY ALL;
        CREATE TABLE several AS
        WITH rows AS (SELECT j.*, unit IS NOT DISTINCT FROM CASE WHEN outcome = 'hba1c'
            THEN 'mmol/mol' ELSE 'mmHg' END AS ours,
                row_number() OVER (PARTITION BY person, outcome, date, unit,
                    amount ORDER BY source_file, source_row) > 1 AS again
            FROM judged j SEMI JOIN (SELECT * FROM days WHERE n > 1) d USING (person, outcome, date)
                WHERE rule IS NULL),
        twins AS (SELECT DISTINCT a.source_file, a.source_row FROM rows a JOIN rows b USING (person,
            outcome, date)
            WHERE NOT a.again AND NOT b.again AND NOT a.ours AND b.ours AND abs(a.amount - b.amount)
                <= 1),
        marked AS (SELECT rows.*, twins.source_row IS NOT NULL AS twin FROM rows LEFT JOIN twins
            USING (source_file, source_row))
        SELECT source_file, source_row, person, outcome, date, decided, programme, quarter,
            list_avg(list(amount ORDER BY amount) FILTER (NOT again AND NOT twin) OVER day) AS mean,
            CASE WHEN again THEN 18 WHEN twin THEN 19
                WHEN max(amount) FILTER (NOT again AND NOT twin) OVER day - min(amount) FILTER (NOT
                    again AND NOT twin) OVER day > 22
                THEN 20
                WHEN row_number() OVER (PARTITION BY person, outcome, date,
                    again OR twin ORDER BY source_file, source_row) > 1
                THEN 21 END::TINYINT AS rule
        FROM marked WINDOW day AS (PARTITION BY person, outcome, date)""")
    db.execute(f"""COPY (SELECT rule, programme, quarter, count(*) AS n FROM
            (SELECT rule, programme, quarter FROM judged WHERE rule IS NOT NULL OR outcome IS NULL
             UNION ALL SELECT rule, programme, quarter FROM several
             UNION ALL SELECT NULL, programme, year(date) * 4 + quarter(date) - 1
                FROM days JOIN known USING (person) WHERE n = 1) GROUP BY ALL ORDER BY ALL)
                    TO '{out}/ledger.csv'""")
    db.execute(f"""COPY (SELECT source_file, source_row, rule FROM judged WHERE rule IS NOT NULL
            UNION ALL SELECT source_file, source_row, rule FROM several WHERE rule IS NOT NULL
            ORDER BY source_file, source_row) TO '{out}/set_aside.parquet' (COMPRESSION zstd)""")
    db.execute(f"""COPY (SELECT patient_id, practice_id, date, outcome, mean AS value,
        decided AS unit_decided_by, n AS n_same_day
            FROM (SELECT person, outcome, date, mean, decided, n FROM days WHERE n = 1
                UNION ALL SELECT person, outcome, date, several.mean, several.decided, n
                FROM several JOIN days USING (person, outcome, date) WHERE rule IS NULL) JOIN known
                    USING (person)
            ORDER BY person, outcome, date) TO '{out}/measurements.parquet' (COMPRESSION zstd)""")
    db.execute("""CREATE TABLE diabetes AS SELECT person, min(date) AS first FROM judged
        WHERE rule IS NULL AND outcome IS NULL GROUP BY person; DROP TABLE judged""")


def _panel(db: Any, out: Path) -> None:
    db.execute(f"""CREATE TABLE cohort AS SELECT known.*,
            year(DATE '{START}') - birth_year - 1 AS age,
            least(coalesce(stop, DATE '2999-12-31'), coalesce(death, DATE '2999-12-31'), collected,
                DATE '{LAST}') AS censored
        FROM known JOIN diabetes USING (person)
        WHERE first < DATE '{START}' AND start <= DATE '{START}' - 365 AND coalesce(stop,
            DATE '2999-12-31') >= DATE '{START}'
            AND collected >= DATE '{START}' AND coalesce(death, DATE '2999-12-31') > DATE '{START}'
                AND age BETWEEN 40 AND 74""")
    db.execute(f"""COPY (SELECT patient_id, practice_id, quarter AS period,
            CASE WHEN programme THEN year(DATE '{START}') * 4 + quarter(DATE '{START}') - 1
                END AS first_treated,
            list_avg(list(value ORDER BY value) FILTER (outcome = 'hba1c')) AS hba1c,
                count(*) FILTER (outcome = 'hba1c') AS n_hba1c,
            list_avg(list(value ORDER BY value) FILTER (outcome = 'systolic_bp')) AS systolic_bp,
            count(*) FILTER (outcome = 'systolic_bp') AS n_systolic_bp
        FROM (SELECT patient_id, outcome, value, date, year(date) * 4 + quarter(date) - 1 AS quarter
            FROM '{out}/measurements.parquet') JOIN cohort USING (patient_id) WHERE date <= censored
        GROUP BY ALL ORDER BY patient_id, period) TO '{out}/panel.parquet' (COMPRESSION zstd)""")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
