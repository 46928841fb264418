"""`evalweave reproduce`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.release.reproduce import Compared, Input


def command(
    report: Annotated[
        Path, typer.Argument(help="The report folder as released, with its manifest.json.")
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
    json: Annotated[
        Path | None, typer.Option(help="Write the comparison to this file as well.")
    ] = None,
) -> None:
    """Every input is checked against the manifest by checksum, the study is rerun in a clean
    folder, and each released estimate is printed beside the recomputed one: same (to 1e-9), within
    rounding (prints alike), different.

    Exit code 0 when the inputs are the published ones and every number is the same or within
    rounding, 1 otherwise.

    Example: evalweave reproduce reports/my-study --extract /secure/extract --study
    my-study/study.yaml
    """
    import platform
    from importlib import metadata

    from evalweave import files
    from evalweave.errors import DataError, StudyError
    from evalweave.release import manifest
    from evalweave.release.reproduce import (
        altered_files,
        check_inputs,
        compare,
        find_study,
        other_versions,
        reproduced,
        tally,
        unchanged,
    )

    if not extract.is_dir():
        raise StudyError(
            f"--extract: found no folder {extract}, expected the folder of the extract's files."
        )
    if work is not None and work.exists() and (not work.is_dir() or any(work.iterdir())):
        raise StudyError(
            f"--work: {work} is not an empty folder. Give one that is empty or does not exist yet."
        )
    published = manifest.read(report)
    places = (
        Path(),
        *report.resolve().parents[:2],
        report,
        extract,
        *extract.resolve().parents[:2],
    )
    study_file = find_study(published, study, places)
    declared, inputs = check_inputs(published, study_file, extract)
    altered = altered_files(published, report)

    print(f"Inputs of {report} beside its manifest:")
    _print_inputs(inputs)
    for sentence in altered:
        print(f"  report: {sentence}")
    now = {
        **manifest.dependencies(),
        "python": platform.python_version(),
        "evalweave": metadata.version("evalweave"),
    }
    if changed := other_versions(published, now):
        print(f"Other versions than published: {', '.join(changed)}.")
    missing = [item for item in inputs if item.state == "missing"]
    if missing:
        raise DataError(
            "The study cannot be rerun, these inputs are missing: "
            + "; ".join(f"{item.name} ({item.role})" for item in missing)
            + ". Ask for them, or say where they are (--extract, --study)."
        )

    recomputed = _rerun(declared, inputs, extract, work, cores)
    rows = compare(published["released"], recomputed["released"])
    _print_rows(rows)
    counted = tally(rows)
    print(
        "Rows of released tables: "
        + ", ".join(f"{n} {name}" for name, n in counted.items() if n)
        + "."
    )
    good = reproduced(rows) and unchanged(inputs) and not altered
    if json is not None:
        value = {
            "reproduced": good,
            "inputs": [
                {"role": item.role, "name": item.name, "state": item.state} for item in inputs
            ],
            "report_folder": altered,
            "other_versions": changed,
            "rows": counted,
            "compared": [vars(row) for row in rows],
        }
        files.write_json(value, json)
    if good:
        print("Reproduced: every released number is the same or within rounding.")
        return
    raise DataError(_verdict(rows, inputs, altered))


def _rerun(
    declared: Any, inputs: list[Input], extract: Path, work: Path | None, cores: int
) -> dict[str, Any]:
    """Run the study in a clean folder and return the manifest of what it released."""
    import shutil
    import tempfile

    from evalweave import files
    from evalweave.errors import DataError
    from evalweave.release import manifest
    from evalweave.release.reproduce import rerun_study
    from evalweave.workflow import run

    folder = work or Path(tempfile.mkdtemp(prefix="evalweave-reproduce-"))
    try:
        study_file = folder / "study.yaml"  # JSON is YAML
        files.write_json(rerun_study(declared, inputs, extract), study_file)
        with _stages_on_stderr():
            code = run(study_file, cores=cores, directory=folder, quiet=True)
        if code != 0:
            where = (
                f"under {folder}" if work else "above; with --work DIR the rerun's folder is kept"
            )
            raise DataError(
                f"The rerun failed, so nothing can be compared. What it said is {where}."
            )
        return manifest.read(folder / "reports" / declared.study.name)
    finally:
        if work is None:
            shutil.rmtree(folder)  # it holds patient-level data


@contextmanager
def _stages_on_stderr() -> Iterator[None]:
    """Send what the stages' processes print to stderr: stdout carries the comparison only."""
    import os
    import sys

    sys.stdout.flush()
    standard_output = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(standard_output, 1)
        os.close(standard_output)


def _print_inputs(inputs: list[Input]) -> None:
    for item in inputs:
        if not item.state.startswith("same") or item.role == "study file":
            print(f"  {item}")
    same = sum(item.state == "same" for item in inputs)
    print(f"  {same} of {len(inputs)} are the same by checksum.")


def _print_rows(rows: list[Compared]) -> None:
    """Print each estimate beside the recomputed one; of other tables only what is not the same."""
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
    for name in sorted({row.table for row in rows} - {"estimates"}):
        others = [row for row in rows if row.table == name]
        odd = [row for row in others if row.verdict != "same"]
        print(f"{name}: {len(others) - len(odd)} of {len(others)} rows the same.")
        for row in odd:
            print(f"  {row.key}: {row.verdict} ({', '.join(row.differing)})")


def _verdict(rows: list[Compared], inputs: list[Input], altered: list[str]) -> str:
    from evalweave.release.reproduce import GOOD

    wrong = [row for row in rows if row.verdict not in GOOD]
    reasons = []
    if not rows:
        reasons.append("The manifest lists no released number, so there is nothing to compare.")
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
