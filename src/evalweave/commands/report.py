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
) -> None:
    """Writes report.html (one file that opens offline), the released tables, every figure with its
    data, and manifest.json.

    Counts of people and records pass the study's disclosure profile. Files of an earlier report
    that are no longer part of it are removed. `evalweave audit` then proves that nothing else got
    out.

    Example: evalweave report --study study.yaml --results results/my-study --out reports/my-study
    """
    import sys

    from evalweave.catalogue.words import number_of
    from evalweave.files import share
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
    written = write_report(data, study, results, out)
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
    if "pdf" in declared.report.formats:
        print(
            "A PDF is not written: print report.html to PDF from any browser; it is laid out "
            "for A4."
        )
    print(f"Written: {number_of(len(written), 'file')} in {out}")
