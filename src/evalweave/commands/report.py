"""`evalweave report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    study: Annotated[Path, typer.Option(help="The study file.")],
    results: Annotated[Path, typer.Option(help="results/<study>/ of the stages before.")],
    out: Annotated[Path, typer.Option(help="The report folder, such as reports/<study>.")],
    extract: Annotated[
        Path | None, typer.Option(help="The extract's folder, where it is not the study file's.")
    ] = None,
    unwritten: Annotated[
        Path | None,
        typer.Option(
            help="Where to note the formats that could not be written, instead of failing."
        ),
    ] = None,
) -> None:
    """Writes report.html and supplement.html (which open offline), further formats that the study
    asks for, the released tables, every figure with its data, and manifest.json. A format that
    cannot be written withholds none of the rest; it is told at the end and in the exit code.

    Counts of people and records pass the study's disclosure profile. Files of an earlier report
    that are no longer part of it are removed. `evalweave audit` then proves that nothing else got
    out.

    Example: evalweave report --study study.yaml --results results/my-study --out reports/my-study
    """
    import sys

    from evalweave.catalogue.words import number_of
    from evalweave.files import keep_private, share, write_text
    from evalweave.release.register import pend
    from evalweave.report.folder import write_report
    from evalweave.report.gather import gather
    from evalweave.study.file import load_study

    declared = load_study(study)
    if extract is not None:
        declared = declared.reading_from(str(extract))
    data = gather(declared, study, results)
    if data.registered is not None:
        pend(data.registered, results)
    share(out)
    made = write_report(data, study, results, out)
    if unwritten is not None:
        keep_private()  # it lies among the results
        write_text("".join(f"{line}\n" for line in made.unwritten), unwritten)
    row = data.main()
    if row is not None:
        from evalweave.report.sentences import main_sentence

        if declared.study.synthetic:
            print("Simulated data.")
        print(main_sentence(data, row))
    if data.profile.exact and not declared.study.synthetic:
        print(
            "NO DISCLOSURE CONTROL: these data are not simulated and the study file says "
            "disclosure: none, so every count and statistic in this folder is exact. It must not "
            "leave the secure area.",
            file=sys.stderr,
        )
    print(f"Written: {number_of(len(made.files), 'file')} in {out}")
    for line in made.unwritten:
        print(line, file=sys.stderr)
    if made.unwritten and unwritten is None:
        raise typer.Exit(1)
