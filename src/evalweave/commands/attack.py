"""`evalweave attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    report: Annotated[
        Path,
        typer.Argument(help="The released folder, such as reports/my-study, or its release.zip."),
    ],
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier release of the study; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Try to undo a release with nothing but its files, as an intruder would: feasible intervals of
    every hidden or rounded count by linear programming, differences across tables and earlier
    releases, means of whole numbers, standardised differences.

    Exit code 1, and one sentence per count that gives way. docs/disclosure.md says what each
    profile promises.

    Example: evalweave attack reports/my-study --earlier /elsewhere/reports-of-last-year
    """
    import json

    from evalweave.errors import DataError
    from evalweave.release.intruder import attack_folder

    rules, attacked = attack_folder(report, earlier or [])
    if as_json:
        result = {"profile": rules.name, **attacked.as_json(), "findings": attacked.findings}
        print(json.dumps(result, indent=1))
    if attacked.findings:
        raise DataError(
            f"{report}: {len(attacked.findings)} of {attacked.protected} protected counts "
            "recovered:\n" + "\n".join(attacked.findings)
        )
    if not as_json:
        fewest = ", ".join(f"{n} values of {kind} ones" for kind, n in attacked.narrowest.items())
        print(
            f"{report}: 0 of {attacked.protected:,} protected counts recovered from "
            f"{attacked.relations:,} sums (profile {rules.name}; at least {fewest or 'all'} left)."
        )
