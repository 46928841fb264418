"""evalweave check: everything that is wrong with a study and its extract, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.study.whole import Study


def command(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object on stdout.")
    ] = False,
    directory: Annotated[
        Path, typer.Option(help="Where `evalweave run` will write results/ and reports/.")
    ] = Path(),
    accept: Annotated[
        str,
        typer.Option(
            help="Why an extract that is less than that of the run before is right; give `run` the "
            "same."
        ),
    ] = "",
) -> None:
    """Reads everything that a run reads, the whole extract included, and rehearses the run in a
    folder of the system's temporary folder (TMPDIR, readable by you alone) that is thrown away
    afterwards, also after Ctrl-C and SIGTERM: exit code 0 is the promise that `evalweave run`, with
    the same --accept if one is given, ends with a report. Otherwise 1 (data) or 2 (study file) with
    every fault at once.

    Example: evalweave check my-study/study.yaml
    """
    from evalweave.commands._answers import answering

    with answering("check", json) as answer:
        _check(study_file, directory, accept.strip(), answer)


@contextmanager
def _of_files(study: Study, tell: Callable[[str], None]) -> Iterator[Study]:
    """Yield a study that reads files: those of its own, or copies of its database's tables."""
    import tempfile

    if not study.extract.connection:
        yield study
        return
    from evalweave.extract.database import copied

    with tempfile.TemporaryDirectory(prefix="evalweave.") as folder:
        tell("reading the database")
        copied(study, Path(folder))
        yield study.reading_from(folder)


def _check(study_file: Path, directory: Path, accept: str, answer: dict[str, Any]) -> None:
    """Look at everything; what was recognised and noted goes into `answer` as well."""
    import sys

    from evalweave import files
    from evalweave.commands._findings import of_study
    from evalweave.errors import StudyError
    from evalweave.study.file import load_study

    def tell(what: str) -> None:
        print(f"evalweave check: {what}", file=sys.stderr)

    study = load_study(study_file)
    with _of_files(study, tell) as study:
        findings = of_study(study_file, study, directory, tell, accept)
    try:
        files.check_folder(directory / "results" / study.study.name)
    except StudyError as error:
        findings.wrong(error)
    answer |= {
        "study": study.study.name,
        "warnings": [str(note) for note in findings.notes],
        "recognised": findings.recognised,
    }
    for note in findings.notes:
        print(f"Note: {note}")
    listed = findings.listed()
    if listed:
        heading = [f"{len(listed)} things need mending:"] if len(listed) > 1 else []
        raise findings.kind("\n".join([*heading, *listed]))
    print("Nothing wrong was found. Recognised:")
    for line in findings.recognised:
        print(f"  {line}")
