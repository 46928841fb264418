"""`evalweave code`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    project: Annotated[
        Path | None,
        typer.Argument(
            help="A .qdpx, .qdc, QualCoder .qda, Taguette .sqlite3, or coded segments as CSV or "
            "XLSX."
        ),
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(help="A study file, one with `qualitative:` alone, or JSON text."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the tidy tables into this folder.")
    ] = None,
) -> None:
    """Prints sources, people, codes, codings, coders and everything that reading noticed, so that
    an export can be checked before anyone joins it to estimates. With a study file the tables
    beside the project (participants, sources, themes, eligibility) are read and checked too.

    Examples: evalweave code interviews.qdpx
              evalweave code --settings study.yaml --out results/my-study/code
    """
    from evalweave.errors import StudyError
    from evalweave.files import write_csv, written_aside
    from evalweave.qualitative import readers, show
    from evalweave.qualitative.refi_out import qdpx
    from evalweave.qualitative.stand_ins import not_carried
    from evalweave.study.strand import load_strand

    strand = load_strand(settings) if settings else None
    if project is None and strand is None:
        raise StudyError("Give a coded project, or --settings with a study file that names one.")
    read = readers.load(project or Path(strand.project if strand else ""), strand)
    print(show.summary(read, names=out is None))
    if out is not None:
        for name, table in read.tables().items():
            write_csv(show.neutral(table), out / f"{name}.csv")
        if read.matrix is not None:
            counts = read.matrix.counts.assign(counts_are=read.matrix.counts_are)
            write_csv(show.neutral(counts), out / "matrix.csv")
        with written_aside(out / "project.qdpx") as aside:
            prefix = strand.stance_prefix if strand else "claim"
            aside.write_bytes(qdpx(read, stance_prefix=prefix))
        for sentence in not_carried(read):
            print(sentence)
        print(f"Written: {len(read.tables())} tables and project.qdpx (REFI-QDA) in {out}")
