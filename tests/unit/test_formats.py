"""One simulated study in four formats: the same panel and the same estimate, less what a format has
no field for."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalweave import engine
from evalweave.cohort.building import build
from evalweave.extract.ingest import ingest
from evalweave.extract.parts import ledger
from evalweave.fitting import fit
from evalweave.panel import building as panels
from evalweave.records.cleaning import clean
from evalweave.records.codelists import read_all
from evalweave.simulation.formats import cprd_aurum, ehrql, omop
from evalweave.simulation.practices import demonstration_practices
from evalweave.study.records import Extract
from evalweave.study.stages import (
    CleanSettings,
    CohortSettings,
    PanelSettings,
    settings_for,
)
from helpers.demonstration import STUDY, TABLES, flat_files, simulated
from helpers.framed import framed

MEASURED = ["hba1c", "n_hba1c", "systolic_bp", "n_systolic_bp"]
EVERYWHERE = [
    "patient_id",
    "practice_id",
    "period",
    "first_treated",
    *MEASURED,
    "age",
    "sex",
    "n_conditions",
]


@dataclass(frozen=True)
class Run:
    """What came of one writing of the study, identifiers as in the flat one."""

    panel: pd.DataFrame
    ingested: pd.DataFrame
    cleaned: pd.DataFrame
    notes: list[str]
    aside: pd.DataFrame

    def estimate(self) -> float:
        analysis = {"name": "main", "estimator": "twfe", "inference": ["cr1"], "diagnostics": False}
        spec = {"columns": {"outcome": "hba1c"}, "analyses": [analysis]}
        return float(fit(self.panel, spec).rows[0]["estimate"])

    def set_aside(self) -> dict[str, int]:
        lines = self.cleaned[
            (self.cleaned["entry"] == "set_aside") & (self.cleaned["unit"] == "records")
        ]
        return lines.groupby("rule")["n"].sum().to_dict()


@pytest.fixture(scope="module")
def clean_tables() -> dict[str, pd.DataFrame]:
    return simulated(dirt=False)


@pytest.fixture(scope="module")
def tables(clean_tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Records with every kind of dirt, of people with one registration (two formats cannot say more
    of a mover).

    Without dates that a format reads which writes days first.
    """
    spells, events = clean_tables["registrations"], simulated(dirt=True)["events"]
    n_spells = spells.groupby("patient_id")["start"].transform("size")
    several = set(spells.loc[n_spells > 1, "patient_id"])
    assert len(several) > 10
    days_first = events["date"].str.contains("/") & ~events["date"].isin(
        ["31/02/2016", "30/02/2013"]
    )
    events = events[~days_first].reset_index(drop=True)
    tables = {"patients": clean_tables["patients"], "registrations": spells, "events": events}
    return {
        name: table[~table["patient_id"].isin(several)].reset_index(drop=True)
        for name, table in tables.items()
    }


@pytest.fixture(scope="module")
def flat(tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return through(tmp_path_factory.mktemp("flat"), flat_files(tables), {"format": "flat"})


def through(
    folder: Path,
    files: dict[str, bytes],
    extract: dict[str, Any],
    practices: dict[str, str] | None = None,
    lists: dict[str, str] | None = None,
) -> Run:
    """Write the files and take them to the panel of the demonstration's primary comparison."""
    (folder / "extract").mkdir()
    for name, content in files.items():
        (folder / "extract" / name).write_bytes(content)
    study = STUDY.model_copy(
        update={
            "extract": type(STUDY.extract)(path=str(folder / "extract"), **extract),
            "codelists": lists or STUDY.codelists,
        }
    )
    where = demonstration_practices()
    if practices is not None:
        where["practice_id"] = where["practice_id"].map(practices)
    backend = engine.connect("duckdb")
    parts = {table: ingest(study.extract, "duckdb", table, folder / "out") for table in TABLES}
    known, faults = read_all(study.codelists, study.extract.code_system)
    assert not faults
    read = {
        table: engine.parquet_tables(backend, [part.path for part in parts[table]])
        for table in TABLES
    }
    cleaned = clean(
        backend,
        **read,
        practices=where,
        lists=known,
        settings=CleanSettings.model_validate(settings_for(study, CleanSettings)),
    )
    tidy = {
        name: engine.keep(backend, name, getattr(cleaned, name))
        for name in ("patients", "registrations", "measurements", "conditions")
    }
    cohort = build(
        backend, tidy, where, CohortSettings.model_validate(settings_for(study, CohortSettings))
    )
    built = panels.build(
        backend,
        tidy["measurements"],
        tidy["registrations"],
        cohort.cohort,
        cohort.membership,
        STUDY.primary_comparison,
        PanelSettings.model_validate(settings_for(study, PanelSettings)),
    )
    return Run(
        framed(backend, built.panel),
        pd.concat([ledger(table, parts[table]) for table in TABLES]),
        cleaned.ledger,
        [note for each in parts.values() for part in each for note in part.notes],
        backend.to_pyarrow(cleaned.set_aside).to_pandas(),
    )


def renamed(run: Run, people: dict[str, str], practices: dict[str, str]) -> Run:
    """Return the run with the flat format's identifiers."""
    back = {theirs: ours for ours, theirs in practices.items()}
    panel = run.panel.assign(
        patient_id=run.panel["patient_id"].map(people),
        practice_id=run.panel["practice_id"].map(back),
    )
    assert panel[["patient_id", "practice_id"]].notna().all().all()
    return replace(run, panel=panel.sort_values(["patient_id", "period"], ignore_index=True))


def same(run: Run, flat: Run, columns: list[str] = EVERYWHERE) -> None:
    pd.testing.assert_frame_equal(
        run.panel[columns], flat.panel[columns], check_dtype=False, rtol=1e-12
    )
    assert run.estimate() == pytest.approx(flat.estimate(), rel=1e-9)


def as_aurum(folder: Path, tables: dict[str, pd.DataFrame], missing: str = "", **more: Any) -> Run:
    pracids = cprd_aurum.pracids(tables)
    who = {patid: person for (person, _), patid in cprd_aurum.patids(tables).items()}
    extract = {"format": "cprd_aurum", "code_system": "snomed", "date_format": "dmy"}
    run = through(folder, cprd_aurum.files(tables, missing, **more), extract, pracids)
    return renamed(run, who, pracids)


def as_omop(
    folder: Path, tables: dict[str, pd.DataFrame], extract: dict[str, Any], **how: Any
) -> Run:
    sites = {name: str(number) for name, number in omop.care_site_ids(tables).items()}
    who = {str(number): person for person, number in omop.person_ids(tables).items()}
    lists = None
    if extract.get("code_system") != "snomed":
        lists = omop_lists(folder, omop.concept_ids(tables))
    return renamed(
        through(folder, omop.files(tables, **how), {"format": "omop", **extract}, sites, lists),
        who,
        sites,
    )


def omop_lists(folder: Path, concepts: dict[str, int]) -> dict[str, str]:
    """Write the demonstration's code lists with the concepts that stand for their SNOMED CT
    codes."""
    lists = {}
    for name, path in STUDY.codelists.items():
        with Path(path).open(newline="") as handle:
            rows = [row for row in csv.DictReader(handle) if row["code"] in concepts]
        lists[name] = str(folder / f"{name}.csv")
        with Path(lists[name]).open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["concept_id", "implied_unit", "category"])
            writer.writerows(
                [concepts[r["code"]], r["implied_unit"], r.get("category", "")] for r in rows
            )
    return lists


def test_the_study_is_worth_comparing(flat: Run) -> None:
    assert len(flat.panel) > 3000
    assert flat.panel["white"].mean() > 0.5 and flat.panel["imd_quintile"].notna().mean() > 0.9
    found = set(flat.set_aside())
    assert {
        "value_comparator",
        "date_unreadable",
        "unit_unknown",
        "unit_contradicts_value",
        "same_day_twin",
    } <= found


def test_aurum_gives_the_same_panel(
    tables: dict[str, pd.DataFrame], flat: Run, tmp_path: Path
) -> None:
    run = as_aurum(tmp_path, tables, missing="NA")
    same(run, flat)
    assert run.set_aside() == flat.set_aside()
    assert run.panel[["white", "imd_quintile"]].isna().all().all()
    patients = run.ingested[run.ingested["stage"] == "ingest patients"]
    assert "blank throughout: ethnicity, imd_quintile" in " ".join(patients["reason"])
    assert any("moves between practices are unseen" in note for note in run.notes)
    assert any("staff (1)" in note for note in run.notes)


def without_unacceptable(run: Run, tables: dict[str, pd.DataFrame]) -> Run:
    """Return the run without the people whom a supplier's flag would have set aside: OMOP has no
    such flag."""
    patients = tables["patients"]
    flagged = set(patients.loc[patients["acceptable"] == "false", "patient_id"])
    extra = run.panel["patient_id"].isin(flagged)
    assert extra.any()
    return replace(run, panel=run.panel[~extra].reset_index(drop=True))


def test_omop_gives_the_same_panel(
    tables: dict[str, pd.DataFrame], flat: Run, tmp_path: Path
) -> None:
    run = as_omop(tmp_path, tables, {})
    same(without_unacceptable(run, tables), flat, [*EVERYWHERE, "white"])
    assert run.panel["imd_quintile"].isna().all()
    assert "blank throughout: imd_quintile" in " ".join(run.ingested["reason"])
    assert run.cleaned["rule"].ne("patient_not_acceptable").all()
    assert flat.cleaned["rule"].eq("patient_not_acceptable").any()


def test_omop_as_typed_parquet_in_lower_case(
    tables: dict[str, pd.DataFrame], flat: Run, tmp_path: Path
) -> None:
    run = as_omop(tmp_path, tables, {"code_system": "snomed"}, form="parquet", upper=False)
    same(without_unacceptable(run, tables), flat, [*EVERYWHERE, "white"])
    assert (
        "date_unreadable" not in run.set_aside()
    )  # a typed column cannot hold 31/02/2016: it came blank
    assert run.set_aside()["date_missing"] >= flat.set_aside()["date_unreadable"]


def test_ehrql_gives_the_same_panel(
    tables: dict[str, pd.DataFrame], flat: Run, tmp_path: Path
) -> None:
    events = tables["events"]
    told = flat.aside.loc[flat.aside["rule"].str.startswith("unit_"), "source_row"]
    assert (
        len(told) > 20
    )  # what only the unit's text shows to be wrong is lost without it: leave these out
    fewer = {**tables, "events": events.drop(index=told.to_numpy() - 2)}
    extract = {"format": "flat", "columns": ehrql.COLUMNS, "files": ehrql.FILES}
    run = through(tmp_path, ehrql.files(fewer), extract)
    same(run, flat, list(flat.panel.columns))
    kept = run.ingested[
        (run.ingested["stage"] == "ingest events") & (run.ingested["entry"] == "kept")
    ]
    assert "blank throughout: practice_id, unit_text" in kept["reason"].iloc[0]
    assert not [rule for rule in run.set_aside() if rule == "unit_unknown"]


def test_aurum_splits_movers_in_two(clean_tables: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    spells = clean_tables["registrations"]
    for name, content in cprd_aurum.files(clean_tables).items():
        (tmp_path / name).write_bytes(content)
    extract = Extract.model_validate({"format": "cprd_aurum", "path": str(tmp_path)})
    parts = [
        ingest(extract, "duckdb", table, tmp_path / "out")[0]
        for table in ("patients", "registrations")
    ]
    patients, registrations = (pd.read_parquet(part.path) for part in parts)
    assert registrations["patient_id"].nunique() == len(
        spells[["patient_id", "practice_id"]].drop_duplicates()
    )
    assert set(patients["patient_id"]) == set(registrations["patient_id"])
    assert registrations.groupby("patient_id")["practice_id"].nunique().eq(1).all()
