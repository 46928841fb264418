"""`evalweave trace`: one person's way from the rows of the extract to the panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.records.lineage import Row
    from evalweave.study.whole import Study


def command(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    patient: Annotated[str, typer.Option(help="The patient's identifier, as in the extract.")],
    directory: Annotated[
        Path, typer.Option(help="Where the run wrote results/ and reports/.")
    ] = Path(),
    out: Annotated[
        Path | None,
        typer.Option(help="A file inside results/ to write to, instead of the terminal."),
    ] = None,
) -> None:
    """Every row of the person in the extract, with file, row and the rule that kept it or set it
    aside; each measurement with the records that made it, and how (the record itself, a repeat, a
    twin in another unit, averaged); where the person stands in the cohort and its arms; and the
    rows of the panel. It is about a single person: it stays inside the secure area.

    Example: evalweave trace my-study/study.yaml --patient 1234520150
    """
    from evalweave import engine
    from evalweave.errors import DataError, StudyError
    from evalweave.files import keep_private, write_text
    from evalweave.study.file import load_study

    study = load_study(study_file)
    results = directory / "results" / study.study.name
    if out is not None and not out.resolve().is_relative_to(results.parent.resolve()):
        raise StudyError(f"--out: found {out}, expected a file inside {results.parent}.")
    if not (results / "clean" / "set_aside.parquet").is_file():
        raise DataError(f"{results}: no run has come so far as cleaning. Run the study first.")
    keep_private()
    backend = engine.connect("duckdb")
    try:
        lines = _lines(backend, study, results, patient)
    finally:
        backend.disconnect()
    if not lines:
        raise DataError("--patient: no row of the extract is of this person. Compare the spelling.")
    if out is None:
        print("\n".join(lines))
    else:
        write_text("\n".join(lines) + "\n", out)
        print(f"Written: {len(lines)} lines in {out}, which stays inside the secure area.")


def _lines(backend: Any, study: Study, results: Path, patient: str) -> list[str]:
    """Return the person's way, a step a line; nothing for somebody who is in no row."""
    from evalweave import engine
    from evalweave.extract.parts import ingested_table
    from evalweave.records import codelists, lineage, pseudonyms

    systems = study.vocabulary.coding_systems
    lists, _ = codelists.read_all(study.codelists, study.extract.code_system, systems)
    aside = engine.stage_table(backend, results / "clean" / "set_aside.parquet", "clean")
    kinds = lineage.kind_table(lists, study.recorded)
    rows = {
        table: lineage.rows_of(
            backend,
            ingested_table(backend, results / "ingest", table),
            aside,
            patient,
            kinds if table == "events" else None,
        )
        for table in ("patients", "registrations", "events")
    }
    if not any(rows.values()):
        return []
    name = pseudonyms.pseudonym_of(results / "clean", pseudonyms.PATIENT, patient)
    lines = [f"Known as {name} from cleaning on."] if name != patient else []
    for table, of_table in rows.items():
        lines.append(f"Rows of {table}:")
        lines += [f"  {row.place}: {_cells(row)}: {row.fate}" for row in of_table]
    lines.append("Measurements, and the rows that made them:")
    for found in _of_patient(backend, results / "clean" / "measurements.parquet", name):
        made = lineage.records_of(found, rows["events"])
        n = sum(row.rule in ("", "same_day_averaged") for row, _ in made)
        mean = f", the mean of {n} records" if n > 1 else ""
        lines.append(
            f"  {found['date']:%Y-%m-%d} {found['outcome']} {found['value']:g} "
            f"{study.recorded[found['outcome']].unit}{mean}, unit decided by "
            f"{found['unit_decided_by']}"
        )
        lines += [f"    {row.place}: {how}" for row, how in made]
    lines += _studied(backend, study, results, name)
    return lines


def _studied(backend: Any, study: Study, results: Path, patient: str) -> list[str]:
    """Return where the person stands in the cohort, its arms and the panels."""
    from evalweave.records.pseudonyms import PRACTICE, originals

    names = originals(results / "clean", PRACTICE)
    lines = ["Cohort:"]
    members = _of_patient(backend, results / "cohort" / "cohort.parquet", patient)
    lines += [f"  {_said(row, names)}" for row in members]
    if not members:
        lines.append("  not eligible; cohort/ledger.csv counts who was left out by each rule")
    for row in _of_patient(backend, results / "cohort" / "membership.parquet", patient):
        lines.append(f"  comparison {row['comparison']}: {row['arm']}")
    for comparison in study.comparisons:
        lines.append(f"Panel of {comparison}:")
        panel = _of_patient(backend, results / "panel" / f"{comparison}.parquet", patient)
        lines += [f"  {_said(row, names)}" for row in panel] or ["  no person-period"]
    return lines


def _of_patient(backend: Any, path: Path, patient: str) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    table = backend.read_parquet(str(path))
    rows: list[dict[str, Any]] = backend.to_pyarrow(
        table.filter(table.patient_id == patient)
    ).to_pylist()
    by = [name for name in ("period", "date", "comparison") if name in table.columns]
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in by))


def _said(row: dict[str, Any], names: dict[str, str]) -> str:
    return ", ".join(
        f"{name} {names.get(value, value) if name == 'practice_id' else value}"
        for name, value in row.items()
        if value is not None and name != "patient_id"
    )


def _cells(row: Row) -> str:
    said = " ".join(f"{name}={value}" for name, value in row.cells.items())
    return f"{said} [{row.means}]" if row.means else said
