"""`evalweave run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evalweave.study.whole import Study


def command(
    study: Annotated[Path, typer.Argument(help="The study file.")] = Path("config/config.yaml"),
    cores: Annotated[
        str | None,
        typer.Option(
            help="How many cores to use: a number, or all (the default without --profile)."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Where jobs go: slurm, or the folder of a Snakemake profile of your own."
        ),
    ] = None,
    directory: Annotated[
        Path, typer.Option(help="Where results/ and reports/ are written.")
    ] = Path(),
    extract: Annotated[
        Path | None,
        typer.Option(help="Read the extract from this folder instead of the study file's."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and why.")
    ] = False,
    accept: Annotated[
        str,
        typer.Option(
            metavar="REASON",
            help="Go on with an extract that is less than the one of the run before; the "
            "supplement to the report prints the reason.",
        ),
    ] = "",
    json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as one JSON object on stdout.")
    ] = False,
) -> None:
    """A run that was stopped goes on where it stopped, and only what a change concerns is done
    again. Ctrl-C and SIGTERM end its jobs too, with 130 or 143.

    Example: evalweave run my-study/study.yaml --cores 2
    """
    import sys
    import time

    from evalweave.commands._answers import answering
    from evalweave.commands._outcome import outcome, stopped
    from evalweave.commands._stages import on_a_terminal, watched
    from evalweave.freshness import UNWRITTEN
    from evalweave.stopping import Stopped
    from evalweave.workflow import run

    with answering("run", json) as answer:
        declared = _checked(study, cores, extract)
        noted = directory / "results" / declared.study.name / UNWRITTEN
        began = time.time()
        try:
            with watched(on_a_terminal() and not (json or dry_run)) as (told, stages):
                code = run(
                    study,
                    cores=cores,
                    profile=profile,
                    directory=directory,
                    extract=extract,
                    more=["--dry-run"] if dry_run else [],
                    accept=accept.strip(),
                    told=told,
                )
        except Stopped:
            if not dry_run:
                answer |= stopped(directory, declared.study.name)
            raise
        if json and not dry_run:
            answer |= outcome(directory, declared.study.name, code)
            answer["unwritten"] = unwritten(noted)
        elif not dry_run:
            if told and stages.nothing:
                print("Nothing had to be done.")
            unexplained = "\n".join(stages.last) if told else ""
            _last_words(directory, declared.study.name, code, began, unexplained)
            print("\n".join(unwritten(noted)), end="", file=sys.stderr, flush=True)
        raise typer.Exit(code or int(bool(unwritten(noted)) and not dry_run))


def unwritten(noted: Path) -> list[str]:
    """Return a sentence for each file of the report that could not be written."""
    return noted.read_text(encoding="utf-8").splitlines() if noted.is_file() else []


def _last_words(
    directory: Path, study: str, code: int, began: float = 0.0, unexplained: str = ""
) -> None:
    """Print the main estimate, its verdict and the report's path; or the cause of a failure.

    Args:
        began: when the run began, in seconds since 1970: what logs said before is no cause of it.
        unexplained: what is printed of a failure that no stage explains.
    """
    import sys

    from evalweave.commands._outcome import cause, closing

    if code == 0:
        print("\n".join(closing(directory, study)), flush=True)
    elif words := cause(directory, study, began):
        print(f"evalweave: {words}", file=sys.stderr, flush=True)
    elif unexplained:
        print(unexplained, file=sys.stderr, flush=True)


def _checked(study: Path, cores: str | None, extract: Path | None) -> Study:
    """Return the study; raise `StudyError` for everything that would stop its run at once."""
    from evalweave import engine
    from evalweave.errors import StudyError
    from evalweave.panel import COVARIATES
    from evalweave.study import refusals
    from evalweave.study.file import load_study

    if cores not in (None, "all") and not (cores.isdigit() and int(cores) > 0):
        raise StudyError(f'--cores: found "{cores}", expected a number from 1 on, or all.')
    declared = load_study(study)
    wrong = [
        *refusals.of_study(declared, COVARIATES),
        *missing_inputs(declared, extract),
        *engine.lacking(declared.engine),
    ]
    if wrong:
        raise StudyError(
            "\n".join([*wrong, "Nothing was run. `evalweave check` looks at everything."])
        )
    return declared


def missing_inputs(study: Study, extract: Path | None = None) -> list[str]:
    """Return a sentence for every file that the workflow would look for in vain."""
    from evalweave.study.qualitative import SIMULATED

    strand = study.qualitative
    named = {"practices": study.practices, "claims": study.claims}
    named |= {f"codelists, {name}": path for name, path in study.codelists.items()}
    if strand:
        made_up = SIMULATED if study.simulation else ()  # a simulation makes these, and the extract
        named |= {
            f"qualitative, {key}": path
            for key, path in strand.files().items()
            if key not in made_up
        }
    if extract or not (study.simulation or study.extract.connection):
        named["extract, path"] = str(extract or study.extract.path)
    return [
        f"{key}: there is no {path}. Correct the path in the study file, or put it there."
        for key, path in named.items()
        if path is not None and not Path(path).exists()
    ]
