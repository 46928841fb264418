"""`evalweave crate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    report: Annotated[Path, typer.Argument(help="The report folder, such as reports/my-study.")],
    audit: Annotated[Path, typer.Option(help="What `evalweave audit` wrote of it.")],
    results: Annotated[
        Path, typer.Option(help="The results folder of the run, which knows every identifier.")
    ],
    workflow: Annotated[Path, typer.Option(help="The folder of the workflow's Snakefile.")],
    out: Annotated[Path, typer.Option(help="Where to write release.zip.")],
) -> None:
    """Packs the released folder as it was audited, the record of the audit and the workflow into a
    zip file: a BagIt folder with a Five Safes RO-Crate (w3id.org/5s-crate) that says who, what,
    from which inputs, with which software and settings.

    Only files that passed the audit as they are get in, and what is added is searched for
    identifiers as well. The same release gives the same bytes.

    Example: evalweave crate reports/my-study --audit results/my-study/audit.json --results
    results/my-study --workflow . --out reports/my-study/release.zip
    """
    from evalweave import files
    from evalweave.catalogue.words import number_of
    from evalweave.release.audit import machine_texts
    from evalweave.release.identifiers import of_results
    from evalweave.release.pack import audited, pack

    release = audited(report, audit, workflow)
    files.share(out.parent)
    pack(release, of_results(results), machine_texts(), out)
    print(f"Packed: {number_of(len(release.audit['files']), 'audited file')} into {out}")
