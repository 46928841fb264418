"""`evalweave init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.catalogue.words import listed


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The new folder; its name becomes the study's.")
    ],
    format: Annotated[
        str, typer.Option(help=f"Layout of the extract: {listed(EXTRACTS, 'or')}.")
    ] = next(iter(EXTRACTS)),
    extract: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The extract's folder: look at it, and fill in what can be seen."
        ),
    ] = None,
    practices: Annotated[
        Path | None,
        typer.Option(help="With --from: the table of practices and their programme_start."),
    ] = None,
) -> None:
    """Writes a commented study file, empty tables for practices, participants, themes, eligibility
    and claims with their explanation, small code lists, and a .gitignore that keeps patient data
    out. With --from it looks at an extract and fills in format, files, columns, dates, coding
    system, practices, window and the analyses that the columns allow; what it could not see stands
    as questions at the end of the study file. Nothing is ever overwritten.

    Examples: evalweave init my-study --format cprd_aurum
              evalweave init my-study --from /data/extract --practices /data/practices.csv
    """
    import shlex

    from evalweave.errors import StudyError, nearest
    from evalweave.files import write_text
    from evalweave.templates import new_study, study_name

    if format not in EXTRACTS:
        raise StudyError(
            f'--format: "{format}" is not a layout of extracts. {nearest(format, EXTRACTS)}'
        )
    if practices is not None and extract is None:
        raise StudyError("--practices: goes with --from. Else fill in practices.csv.")
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"{folder}: this is a file, expected a new folder. Give another name.")
    name = study_name(folder.resolve().name)
    questions: list[str] = []
    if extract is None:
        made = new_study(name, format)
    else:
        made, questions = _surveyed(folder, name, extract, practices)
    present = sorted(name for name in made if (folder / name).exists())
    if present:
        raise StudyError(
            f"{folder}: {', '.join(present)} {'is' if len(present) == 1 else 'are'} there already, "
            "and "
            "nothing is "
            "overwritten. Give a new folder."
        )
    try:
        for file, text in made.items():
            write_text(text, folder / file)
    except OSError as error:
        raise StudyError(
            f"{folder}: cannot be written ({error.strerror}). Give another folder."
        ) from None
    study = shlex.quote(str(folder / "study.yaml"))
    print(f"A new study is in {folder}: {len(made)} files. Next:")
    steps = [
        f"put the extract into {folder / 'extract'}, and fill in practices.csv and study.yaml "
        "(see README.md)",
        "declare claims in claims.csv before anybody sees an estimate",
    ]
    if extract is not None:
        steps = [f"answer what the extract could not tell: {each}" for each in questions]
    steps += [f"evalweave check {study}", f"evalweave run {study}"]
    for place, step in enumerate(steps, start=1):
        print(f"  {place}. {step}")


def _surveyed(
    folder: Path, name: str, extract: Path, practices: Path | None
) -> tuple[dict[str, str], list[str]]:
    """Return the files of a study of an extract that is looked at, and what is left to ask."""
    import os
    import tempfile

    from evalweave import engine
    from evalweave.errors import StudyError
    from evalweave.extract.survey import survey
    from evalweave.records import codelists
    from evalweave.records.practices import read_practices
    from evalweave.study.outcomes import Outcome, as_the_quantity_is
    from evalweave.templates import list_paths, surveyed, surveyed_study

    if practices is not None and not practices.is_file():
        raise StudyError(f"--practices: there is no file {practices}. Correct its path.")
    lists, _ = codelists.read_all(list_paths(), "snomed", {})
    outcomes = {
        each: Outcome.model_validate(as_the_quantity_is(each, {})) for each in surveyed.OUTCOMES
    }
    with tempfile.TemporaryDirectory(prefix="evalweave.") as scratch:
        backend = engine.connect("duckdb", spill=scratch)
        seen = survey(backend, extract, Path(scratch), lists, outcomes)
        backend.disconnect()
    table = practices or surveyed.starts_in(extract)

    def from_study(path: Path) -> str:
        return os.path.relpath(path.resolve(), folder.resolve())

    known = read_practices(table) if table else None
    starts = [] if known is None else list(known["programme_start"].dropna())
    text, questions = surveyed.study_file(
        name, seen, from_study(extract), starts, from_study(table) if table else "practices.csv"
    )
    own = None if table else surveyed.practices_table(seen)
    return surveyed_study(text, own), questions
