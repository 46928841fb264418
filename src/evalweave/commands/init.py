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
) -> None:
    """Writes a commented study file, empty tables for practices, participants, themes, eligibility
    and claims with their explanation, small code lists, and a .gitignore that keeps patient data
    out. Nothing is ever overwritten.

    Example: evalweave init my-study --format cprd_aurum
    """
    import shlex

    from evalweave.errors import StudyError, nearest
    from evalweave.files import write_text
    from evalweave.templates import new_study, study_name

    if format not in EXTRACTS:
        raise StudyError(
            f'--format: "{format}" is not a layout of extracts. {nearest(format, EXTRACTS)}'
        )
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"{folder}: this is a file, expected a new folder. Give another name.")
    made = new_study(study_name(folder.resolve().name), format)
    present = sorted(name for name in made if (folder / name).exists())
    if present:
        raise StudyError(
            f"{folder}: {', '.join(present)} {'is' if len(present) == 1 else 'are'} there already, "
            "and "
            "nothing is "
            "overwritten. Give a new folder."
        )
    try:
        for name, text in made.items():
            write_text(text, folder / name)
    except OSError as error:
        raise StudyError(
            f"{folder}: cannot be written ({error.strerror}). Give another folder."
        ) from None
    study = shlex.quote(str(folder / "study.yaml"))
    print(f"A new study is in {folder}: {len(made)} files. Next:")
    print(
        f"  1. put the extract into {folder / 'extract'}, and fill in practices.csv and study.yaml "
        "(see README.md)"
    )
    print("  2. declare claims in claims.csv before anybody sees an estimate")
    print(f"  3. evalweave check {study}")
    print(f"  4. evalweave run {study}")
