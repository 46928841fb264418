"""`evalweave audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    report: Annotated[Path, typer.Argument(help="The report folder, such as reports/my-study.")],
    results: Annotated[
        Path, typer.Option(help="The results folder of the run, which knows every identifier.")
    ],
    out: Annotated[
        Path, typer.Option(help="Where to write audit.json (outside the report folder).")
    ],
) -> None:
    """Every file is read back and searched for identifiers, small or unrounded counts and paths of
    a machine.

    Exit code 1, and one sentence per finding, when something may not be released. No sentence
    repeats an identifier, so that the log may be shown.

    Example: evalweave audit reports/my-study --results results/my-study --out
    results/my-study/audit.json
    """
    from evalweave import files
    from evalweave.catalogue.words import number_of
    from evalweave.errors import DataError, StudyError
    from evalweave.release.audit import audit, machine_texts
    from evalweave.release.identifiers import of_results
    from evalweave.release.register import confirm, earlier

    if out.resolve().is_relative_to(report.resolve()):
        raise StudyError(
            f"--out: found {out}, inside the report folder; expected a place outside, such as "
            f"{results}."
        )
    result = audit(report, of_results(results), machine_texts(), earlier(results))
    files.write_json(result.as_json(), out)
    if result.findings:
        raise DataError(
            f"{report} may not be released ({number_of(len(result.findings), 'finding')}):\n"
            + "\n".join(result.findings)
        )
    print(
        f"Audited {number_of(len(result.files), 'file')} of {report} under the profile "
        f"{result.profile}: nothing found that may not be released."
    )
    number = confirm(report, results)
    if number:
        print(f"Registered as release {number} in {results / 'releases'}.")
    if result.not_searched:
        kinds = ", ".join(f"{n:,} of {kind}s" for kind, n in sorted(result.not_searched.items()))
        print(f"Identifiers that equal years, counts or words, so not searched for: {kinds}.")
