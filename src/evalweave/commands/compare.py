"""`evalweave compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    old: Annotated[
        Path,
        typer.Argument(metavar="OLD_REPORT", help="The report folder of before, or release.zip."),
    ],
    new: Annotated[
        Path, typer.Argument(metavar="NEW_REPORT", help="The report folder of now, or release.zip.")
    ],
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page that opens offline, too.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object on stdout.")
    ] = False,
) -> None:
    """Prints inputs, settings and versions that changed, then records, patients and practices,
    estimates (how large the change is beside the standard error, and whether the interval still
    includes zero), theme counts and labels of claims. It only reads what was released.

    Exit code 0 whether or not something changed.

    Example: evalweave compare old/release.zip reports/my-study --html changes.html
    """
    from evalweave import files
    from evalweave.commands._answers import answering
    from evalweave.release.comparison import compare, main_row, read_report
    from evalweave.release.comparison_page import page
    from evalweave.release.comparison_text import lines
    from evalweave.release.opening import opened

    with answering("compare", json) as answer, opened(old) as was, opened(new) as now:
        before, after = read_report(was, str(old)), read_report(now, str(new))
        comparison = compare(before, after)
        for line in lines(comparison, before, after):
            print(line)
        if html is not None:
            files.write_text(page(comparison, before, after), html)
        answer |= {
            "old": before.name,
            "new": after.name,
            "main": {"old": main_row(before), "new": main_row(after)},
            "warnings": comparison.notes,
            "changes": comparison.as_json(),
        }
