"""`evalweave reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.release.reproduce import Input
    from evalweave.release.side import Compared


def command(
    report: Annotated[
        Path, typer.Argument(help="The report folder as released, or its release.zip.")
    ],
    extract: Annotated[Path, typer.Option(help="The folder of the extract that it was made from.")],
    study: Annotated[
        Path | None,
        typer.Option(help="The study file; looked for here and beside the report when not given."),
    ] = None,
    cores: Annotated[int, typer.Option(min=1, help="How many cores to use.")] = 2,
    work: Annotated[
        Path | None,
        typer.Option(
            help="An empty folder to rerun in, kept afterwards; a temporary one when not given."
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="ANALYSIS",
            help="Rerun one analysis alone, such as main, and compare its estimates: a short run.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Print every number, not only those that differ.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object on stdout.")
    ] = False,
) -> None:
    """Every input is checked against the manifest by checksum, the study is rerun in a clean
    folder, and every number that was released (tables, figures' tables, and whatever the page
    shows) is put beside the recomputed one: same (to 1e-9), within rounding (prints alike, or
    differs by one in the last place printed), different. What differs is grouped by cause.

    The rerun lies in the system's temporary folder (TMPDIR, readable by you alone) or in --work
    DIR, and holds patient-level data; the temporary one is deleted at the end, also after Ctrl-C
    and SIGTERM.

    Exit code 0 when the inputs are the published ones and every number is the same or within
    rounding, 1 otherwise.

    Example: evalweave reproduce release.zip --extract /secure/extract --study my-study/study.yaml
    """
    from evalweave.commands._answers import answering
    from evalweave.errors import StudyError
    from evalweave.release.opening import opened

    with answering("reproduce", json) as answer:
        if not extract.is_dir():
            raise StudyError(
                f"--extract: found no folder {extract}, expected the folder of the extract's files."
            )
        if work is not None and work.exists() and (not work.is_dir() or any(work.iterdir())):
            raise StudyError(
                f"--work: {work} is not an empty folder. Give one that is empty or does not exist "
                "yet."
            )
        with opened(report) as folder:
            places = (
                Path(),
                *report.resolve().parents[:3],
                folder,
                extract,
                *extract.resolve().parents[:2],
            )
            _reproduce(report, folder, extract, study, places, cores, work, only, every, answer)


def _reproduce(
    report: Path,
    folder: Path,
    extract: Path,
    study: Path | None,
    places: tuple[Path, ...],
    cores: int,
    work: Path | None,
    only: str | None,
    every: bool,
    answer: dict[str, Any],
) -> None:
    from evalweave.commands._answers import main_estimate
    from evalweave.errors import DataError
    from evalweave.release import manifest, side
    from evalweave.release.reproduce import (
        altered_files,
        check_inputs,
        find_study,
        other_versions,
        unchanged,
    )
    from evalweave.release.software import software

    published = manifest.read(folder)
    declared, inputs = check_inputs(published, find_study(published, study, places), extract)
    altered = altered_files(published, folder)
    print(f"Inputs of {report} beside its manifest:")
    _print_inputs(inputs)
    for sentence in altered:
        print(f"  report: {sentence}")
    changed = other_versions(published, software())
    if changed:
        print(f"Other versions than published: {', '.join(changed)}.")
    _stop_where_missing(inputs)
    answer |= {"report": str(report), "main": main_estimate(folder)}

    recomputed = _rerun(declared, inputs, extract, work, cores, only)
    before = side.tables(published, folder)
    rows = side.compare(before, recomputed) if only is None else side.only(before, recomputed, only)
    _print_rows(rows, every)
    counted = side.tally(rows)
    total = sum(row.numbers for row in rows)
    told = ", ".join(f"{n:,} {name}" for name, n in counted.items() if n)
    print(f"Compared: {total:,} numbers in {len(rows):,} rows of tables and page. Rows: {told}.")
    odd = [str(item) for item in inputs if not item.state.startswith("same")]
    why = side.causes(rows, odd, changed, altered)
    for cause, items in why.items():
        print(f"{cause}:")
        print("\n".join(f"  {item}" for item in items))
    good = side.reproduced(rows) and unchanged(inputs) and not altered
    answer |= {
        "reproduced": good,
        "inputs": [{"role": i.role, "name": i.name, "state": i.state} for i in inputs],
        "report_folder": altered,
        "other_versions": changed,
        "numbers": total,
        "rows": counted,
        "differences": why,
        "compared": [_as_json(row, every) for row in rows],
    }
    if not good:
        raise DataError(_verdict(rows, inputs, altered))
    whole = "every released number" if only is None else f"every estimate of {only}"
    print(f"Reproduced: {whole} is the same or within rounding.")


def _stop_where_missing(inputs: list[Input]) -> None:
    from evalweave.errors import DataError

    missing = [item for item in inputs if item.state == "missing"]
    if missing:
        raise DataError(
            "The study cannot be rerun, these inputs are missing: "
            + "; ".join(f"{item.name} ({item.role})" for item in missing)
            + ". Ask for them, or say where they are (--extract, --study)."
        )


def _rerun(
    declared: Any,
    inputs: list[Input],
    extract: Path,
    work: Path | None,
    cores: int,
    only: str | None,
) -> dict[str, Any]:
    """Run the study in a clean folder and return everything that it released, as tables."""
    import shutil
    import tempfile
    from json import dumps

    from evalweave import files
    from evalweave.commands._answers import printed_on_stderr
    from evalweave.errors import DataError
    from evalweave.release import manifest, side
    from evalweave.release.reproduce import reduced, rerun_study
    from evalweave.workflow import run

    study = rerun_study(declared, inputs, extract)
    if only is not None:
        study = reduced(study, only)
    folder = work or Path(tempfile.mkdtemp(prefix="evalweave-reproduce-"))
    try:
        study_file = folder / "study.yaml"  # JSON is YAML; the order of names is the study's
        files.write_text(dumps(study, indent=1, ensure_ascii=False), study_file)
        with printed_on_stderr():
            code = run(study_file, cores=cores, directory=folder, quiet=True, passing=work is None)
        if code != 0:
            where = (
                f"under {folder}" if work else "above; with --work DIR the rerun's folder is kept"
            )
            raise DataError(
                f"The rerun failed, so nothing can be compared. What it said is {where}."
            )
        made = folder / "reports" / declared.study.name
        return side.tables(manifest.read(made), made)
    finally:
        if work is None:
            shutil.rmtree(folder)  # it holds patient-level data


def _print_inputs(inputs: list[Input]) -> None:
    for item in inputs:
        if not item.state.startswith("same") or item.role == "study file":
            print(f"  {item}")
    same = sum(item.state == "same" for item in inputs)
    print(f"  {same} of {len(inputs)} are the same by checksum.")


def _print_rows(rows: list[Compared], every: bool) -> None:
    """Print each estimate beside the recomputed one; of the rest what is not the same, or all."""
    from evalweave.release.numbers import decimals, estimate

    def shown(row: dict[str, Any]) -> str:
        if not row:
            return "none"
        low, high = (
            float("nan" if row.get(end) is None else row[end]) for end in ("ci_low", "ci_high")
        )
        level, places = row.get("level") or 0.95, decimals(row.get("std_error") or 0)
        return estimate(row.get("estimate"), low, high, level=level, places=places)

    print("Each released estimate: published | recomputed | verdict")
    for row in rows:
        if row.table == "estimates":
            line = f"  {row.key}: {shown(row.published)} | {shown(row.recomputed)} | {row.verdict}"
            print(line + (f" ({', '.join(row.differing)})" if row.differing else ""))
    for name in dict.fromkeys(row.table for row in rows if row.table != "estimates" or every):
        others = [row for row in rows if row.table == name]
        odd = [row for row in others if row.verdict != "same"]
        print(f"{name}: {len(others) - len(odd)} of {len(others)} rows the same.")
        for row in others if every else odd:
            _print_cells(row, every)


def _print_cells(row: Compared, every: bool) -> None:
    if not row.cells:
        print(f"  {row.key}: {row.verdict}")
    for cell in row.cells:
        if every or cell.verdict != "same":
            was, now = (
                "blank" if value is None else value for value in (cell.published, cell.recomputed)
            )
            print(f"  {row.key}, {cell.column}: {was} | {now} | {cell.verdict}")


def _as_json(row: Compared, every: bool) -> dict[str, Any]:
    """Return a row, with its cells where they are not the same (or asked for)."""
    cells = [vars(cell) for cell in row.cells if every or cell.verdict != "same"]
    return {"table": row.table, "key": row.key, "verdict": row.verdict, "cells": cells}


def _verdict(rows: list[Compared], inputs: list[Input], altered: list[str]) -> str:
    from evalweave.release.side import GOOD

    wrong = [row for row in rows if row.verdict not in GOOD]
    reasons = []
    if not rows:
        reasons.append("No released number was found, so there is nothing to compare.")
    if wrong:
        reasons.append(
            f"{len(wrong)} of {len(rows)} released rows differ, beginning with {wrong[0].key}."
        )
    odd = [item for item in inputs if not item.state.startswith("same")]
    if odd:
        reasons.append(
            "These inputs are not the published ones: " + "; ".join(str(item) for item in odd) + "."
        )
    if altered:
        reasons.append("The report folder was changed: " + "; ".join(altered) + ".")
    return "Not reproduced. " + " ".join(reasons)
