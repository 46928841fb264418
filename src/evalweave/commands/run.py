"""`evalweave run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    study: Annotated[Path, typer.Argument(help="The study file.")] = Path("config/config.yaml"),
    cores: Annotated[str, typer.Option(help="How many cores to use: a number, or all.")] = "all",
    profile: Annotated[
        str | None, typer.Option(help="A Snakemake profile, such as one for a cluster.")
    ] = None,
    directory: Annotated[Path, typer.Option(help="Where results/ and reports/ are written.")] = Path(),
    extract: Annotated[
        Path | None, typer.Option(help="Read the extract from this folder instead of the study file's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and why.")] = False,
) -> None:
    """A run that was stopped goes on where it stopped, and only what a change concerns is done again.

    Example: evalweave run my-study/study.yaml --cores 2
    """
    from evalweave.errors import StudyError
    from evalweave.studyfile import load_study
    from evalweave.workflow import run

    if cores != "all" and not (cores.isdigit() and int(cores) > 0):
        raise StudyError(f'--cores: found "{cores}", expected a number from 1 on, or all.')
    load_study(study)
    code = run(
        study, cores=cores, profile=profile, directory=directory, extract=extract,
        more=["--dry-run"] if dry_run else [],
    )  # fmt: skip
    raise typer.Exit(code)
