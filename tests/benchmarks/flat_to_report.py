"""Processor time and memory of every stage, from a flat text extract to the audited report.

    python tests/benchmarks/flat_to_report.py --patients 1000000 --folder DIR

A million people with 8.4 million records: a diagnosis and 7.4 HbA1c values each on average, in 400
practices of which half start a programme. Each stage is the command that its rule calls, measured
by itself (os.wait4; make the extract by a run of its own, as a child's peak begins with the
parent's). Simulated; nothing of it is about anybody.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb

PRACTICES = 400
STUDY = """\
study: {name: big, title: A million made-up people, synthetic: true}
extract: {format: flat, path: extract}
practices: practices.csv
codelists: {hba1c: hba1c.csv, type_2_diabetes: t2d.csv}
window: {first: 2011-04-01, last: 2019-03-31, period: financial_year}
eligibility: {index_date: 2015-04-01, age: [40, 74], conditions: [type_2_diabetes]}
comparisons: {all: {primary: true}}
outcomes: {hba1c: {label: HbA1c}}
analyses:
  - {name: main, estimator: twfe, outcome: hba1c, primary: true}
  - {name: event_study, estimator: event_study, outcome: hba1c}
disclosure: nhs_england
"""


def extract(folder: Path, patients: int) -> None:
    """Write a study with a made-up extract to `folder`."""
    at = folder / "extract"
    at.mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY)
    (folder / "hba1c.csv").write_text(
        "code,code_system,implied_unit\n999791000000106,snomed,mmol/mol\n"
    )
    (folder / "t2d.csv").write_text("code,code_system\n44054006,snomed\n")
    (folder / "practices.csv").write_text(
        "practice_id,programme_start\n"
        + "".join(f"{10000 + p},{'2015-04-01' if p % 2 else ''}\n" for p in range(PRACTICES))
    )
    db = duckdb.connect(config={"threads": 2})
    db.execute("SELECT setseed(0.5)")
    db.execute(
        f"""CREATE TABLE people AS SELECT 4000000000 + i * 7919 AS patient_id, i % {PRACTICES} AS p,
            CASE WHEN i % 2 = 0 THEN 'female' ELSE 'male' END AS sex,
            1941 + (hash(i) % 34)::INT AS birth_year, 1 + (hash(i, 1) % 5)::INT AS imd_quintile,
            8 * (random() + random() + random() - 1.5) AS own
            FROM range({patients}) t(i)"""
    )
    copy = "(FORMAT csv, HEADER)"
    db.execute(
        f"""COPY (SELECT patient_id, sex, birth_year, imd_quintile FROM people)
            TO '{at}/patients.csv' {copy}"""
    )
    db.execute(
        f"""COPY (SELECT patient_id, 10000 + p AS practice_id, DATE '2001-04-02' AS start
                FROM people)
            TO '{at}/registrations.csv' {copy}"""
    )
    db.execute(
        f"""COPY (
            SELECT patient_id, DATE '2009-05-01' AS date, '44054006' AS code, '' AS value,
                '' AS unit
            FROM people
            UNION ALL
            SELECT patient_id, day, '999791000000106',
                round(58 + own + 6 * (random() - 0.5)
                      - CASE WHEN p % 2 = 1 AND day >= DATE '2015-04-01' THEN 2 ELSE 0 END, 1)
                ::VARCHAR,
                'mmol/mol'
            FROM (SELECT patient_id, p, own,
                         DATE '2011-04-01' + (365 * k + floor(random() * 364))::INT AS day,
                         random() AS came
                  FROM people, range(8) t(k))
            WHERE came < 0.925)
            TO '{at}/events.csv' {copy}"""
    )


def measured(words: list[str], folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and peak MB of a command."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "evalweave", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{words[0]}: {said.decode()[-800:]}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, default=1_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--only", nargs="*")
    given = asked.parse_args()
    folder = given.folder / str(given.patients)
    if not folder.is_dir():
        extract(folder, given.patients)
    study = "study.yaml"
    from evalweave.study import stages
    from evalweave.study.file import load_study
    from evalweave.workflow import snakefile

    declared = load_study(folder / study)
    fits = {
        f"fit {each.name}": [
            *(
                "fit",
                "panel/all.parquet",
                "--spec",
                json.dumps(stages.spec_of(declared, each.name)),
            ),
            *("--out", f"fit/{each.name}", "--practices", "clean/practices.csv"),
            *(["--followed", "panel/all.followed.parquet"] if each.primary else []),
        ]
        for each in declared.analyses
    }
    every = {
        "ingest": ["ingest", "--settings", study, "--out", "ingest", "--processes", "1"],
        "clean": ["clean", "--settings", study, "--ingested", "ingest", "--out", "clean"],
        "intake": [
            *("intake", "--settings", study, "--ingested", "ingest", "--cleaned", "clean"),
            *("--out", "intake"),
        ],
        "cohort": ["cohort", "--settings", study, "--cleaned", "clean", "--out", "cohort"],
        "panel": [
            *("panel", "--settings", study, "--cleaned", "clean", "--cohort", "cohort"),
            *("--comparison", "all", "--out", "panel", "--processes", "1"),
        ],
        **fits,
        "estimates": ["estimates", "--settings", study, "--fits", "fit", "--out", "estimates"],
        "report": ["report", "--study", study, "--results", ".", "--out", "reports"],
        "audit": ["audit", "reports", "--results", ".", "--out", "audit.json"],
        "crate": [
            "crate",
            "reports",
            "--audit",
            "audit.json",
            "--results",
            ".",
            "--workflow",
            str(snakefile().parent),
            "--out",
            "reports/release.zip",
        ],
    }
    total = [0.0, 0.0, 0.0]
    for stage, words in every.items():
        if given.only and stage not in given.only:
            continue
        wall, cpu, peak = measured(words, folder)
        total = [total[0] + wall, total[1] + cpu, max(total[2], peak)]
        print(f"{stage:18} {wall:7.1f} s {cpu:7.1f} CPU-s {peak:6.0f} MB", flush=True)
    print(f"{'together':18} {total[0]:7.1f} s {total[1]:7.1f} CPU-s {total[2]:6.0f} MB at most")


if __name__ == "__main__":
    main()
