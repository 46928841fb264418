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
        str | None,
        typer.Option(
            "--from",
            metavar="EXTRACT",
            help="The extract: a folder, a DuckDB file or the address of a database, such as "
            "'postgresql://reader:${PASSWORD}@host/warehouse' in single quotes (secrets come from "
            "the environment). Look at it, and fill in what can be seen.",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            help="With --from a database: the schema of its tables; not needed where one has an "
            "extract."
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
              evalweave init my-study --from duckdb:///data/extract.duckdb
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
    if schema is not None and extract is None:
        raise StudyError("--schema: goes with --from and a database.")
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"{folder}: this is a file, expected a new folder. Give another name.")
    name = study_name(folder.resolve().name)
    questions: list[str] = []
    if extract is None:
        made = new_study(name, format)
    else:
        made, questions = _surveyed(folder, name, extract, schema, practices)
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
    folder: Path, name: str, said: str, schema: str | None, practices: Path | None
) -> tuple[dict[str, str], list[str]]:
    """Return the files of a study of an extract that is looked at, and what is left to ask."""
    import os
    import tempfile

    from evalweave import engine
    from evalweave.errors import StudyError
    from evalweave.extract.database_survey import Database, connection_from, connection_of
    from evalweave.extract.survey import of_folder, starts_in, survey
    from evalweave.records import codelists
    from evalweave.records.practices import read_practices
    from evalweave.study.connections import masked
    from evalweave.study.outcomes import Outcome, as_the_quantity_is
    from evalweave.templates import list_paths, surveyed, surveyed_study

    def from_study(path: Path) -> str:
        return os.path.relpath(path.resolve(), folder.resolve())

    connection = connection_of(said)
    if practices is not None and not practices.is_file():
        raise StudyError(f"--practices: there is no file {practices}. Correct its path.")
    if schema is not None and connection is None:
        raise StudyError(f"--schema: goes with a database, and {masked(said)} is none.")
    lists, _ = codelists.read_all(list_paths(), "snomed", {})
    outcomes = {
        each: Outcome.model_validate(as_the_quantity_is(each, {})) for each in surveyed.OUTCOMES
    }
    with tempfile.TemporaryDirectory(prefix="evalweave.") as temporary:
        scratch = Path(temporary)
        own, table = None, practices
        if connection is None:
            came, place = of_folder(Path(said)), from_study(Path(said))
            table = practices or starts_in(Path(said))
        else:
            there = Database(connection, schema, scratch, lists, outcomes)
            came, place = there.came, connection_from(connection, folder)
            if there.practices is not None and practices is None:
                own, table = there.practices, scratch / f"{there.starts}.csv"
                table.write_text(own, encoding="utf-8")
        backend = engine.connect("duckdb", spill=scratch)
        seen = survey(backend, came, scratch, lists, outcomes)
        backend.disconnect()
        known = read_practices(table) if table else None
    starts = [] if known is None else list(known["programme_start"].dropna())
    beside = from_study(table) if table and own is None else "practices.csv"
    text, questions = surveyed.study_file(name, seen, place, starts, beside)
    if table is None:
        own = surveyed.practices_table(seen)
    return surveyed_study(text, own), questions
