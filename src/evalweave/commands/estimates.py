"""`evalweave estimates`: the stage that gathers the fits of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[
        str, typer.Option(help="Settings: a study file, or JSON text as the workflow passes it.")
    ],
    fits: Annotated[
        Path, typer.Option(help="Folder with one folder an analysis, as `evalweave fit` wrote it.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="Folder for estimates.csv, estimates.json, diagnostics.json, holm.csv."),
    ],
) -> None:
    """Example: evalweave estimates --settings study.yaml --fits results/study/fit --out
    results/study/estimates

    Fills in the unit and the comparison group, adds HbA1c in percentage points (x 0.09148, the
    slope only) and adjusts the declared family of subgroup differences by Holm's method.
    """
    import math

    from evalweave import files
    from evalweave.catalogue.words import number_of
    from evalweave.errors import DataError
    from evalweave.estimates import gather, holm_family
    from evalweave.study.file import load_settings
    from evalweave.study.stages import EstimatesSettings
    from evalweave.tables.analyses import ESTIMATES

    model = load_settings(settings, EstimatesSettings)
    tables, diagnostics = {}, {}
    for analysis in model.analyses:
        folder = fits / analysis.name
        if not (folder / "estimates.csv").exists():
            continue
        tables[analysis.name] = files.read_table(folder / "estimates.csv", ESTIMATES)
        if not (folder / "diagnostics.json").is_file():
            raise DataError(f"{folder / 'diagnostics.json'}: is missing. Run the fit again.")
        diagnostics_of_fit = files.read_json(folder / "diagnostics.json")
        diagnostics[analysis.name] = diagnostics_of_fit.get(analysis.name, diagnostics_of_fit)
    table = gather(tables, model)
    family = holm_family(table, model)
    rows = [
        {name: str(v) if isinstance(v, float) and math.isinf(v) else v for name, v in row.items()}
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]
    files.write_csv(table, out / "estimates.csv")
    files.write_json(rows, out / "estimates.json")
    files.write_json(diagnostics, out / "diagnostics.json")
    files.write_csv(family, out / "holm.csv")
    print(
        f"{number_of(len(table), 'row')} of {number_of(len(tables), 'analysis', 'analyses')}; "
        f"{number_of(len(family), 'difference')} adjusted by Holm. "
        f"Written: {out}."
    )
