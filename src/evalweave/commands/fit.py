"""`evalweave fit`: the estimators alone, on anybody's panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study.analyses import FitSpec

WRITTEN = (
    "estimates.csv",
    "estimates.json",
    "diagnostics.json",
    "covariance.csv",
    "influence.parquet",
    "delta.csv",
)


def command(
    panel: Annotated[
        Path,
        typer.Argument(help="The panel: CSV, Parquet, Stata or XLSX; one row a unit and period."),
    ],
    spec: Annotated[
        str, typer.Option(help="What to fit: a YAML or JSON file, or its text in braces.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for estimates.csv, estimates.json, diagnostics.json, covariance.csv and "
            "influence.parquet."
        ),
    ],
    followed: Annotated[
        Path | None,
        typer.Option(
            help="Who was in follow-up when, as `evalweave panel` writes it (from_period to "
            "to_period, a row a unit and "
            "unbroken run): adds a difference-in-differences on being measured to the diagnostics."
        ),
    ] = None,
    deaths: Annotated[
        Path | None,
        typer.Option(
            help="Person-periods of the dead, as `evalweave panel` writes them; with --dead-value."
        ),
    ] = None,
    dead_value: Annotated[
        float | None, typer.Option(help="The outcome of the dead: a composite of both.")
    ] = None,
    practices: Annotated[
        Path | None,
        typer.Option(
            help="A table of practices (practice_id, programme_start, area); its areas are used by "
            "`allocation` of the SPEC, and looked at where it has none."
        ),
    ] = None,
    may_be_empty: Annotated[
        bool,
        typer.Option(
            "--may-be-empty", help="An analysis without any estimate is no failure; it says why."
        ),
    ] = False,
) -> None:
    """Example: evalweave fit panel.csv --spec spec.yaml --out results/fit

    with a spec.yaml such as

        columns: {unit: patient_id, period: year, cluster: practice_id, outcome: hba1c}
        analyses:
          - {name: main, estimator: twfe, inference: [cr2, wild_bootstrap]}
          - {name: cs, estimator: callaway_santanna, covariates: [age]}

    first_treated is the first treated period, blank = never. Estimators: <estimators>. Inference:
    <inferences>. Outcomes keep their
    unit. diagnostics.json says what was done to the data and why a term is absent; covariance.csv
    and influence.parquet are for tests of your own (docs/your-own-panel.md).
    """
    import math
    import os
    import sys

    # One thread adds in one order: the same bytes on every machine, and no waiting for a busy core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from evalweave import files, seals
    from evalweave.errors import StudyError
    from evalweave.estimators.follow_up import amounts, followed_rows, with_blanks, with_dead
    from evalweave.estimators.read_panel import columns_of, read_panel
    from evalweave.fitting import fit
    from evalweave.measured import measured_effect
    from evalweave.panel import DEAD_SHARE
    from evalweave.study.allocation import AREA
    from evalweave.study.analyses import FitSpec
    from evalweave.study.file import load_spec

    model = load_spec(spec, FitSpec)
    if followed is not None and (model.columns.unit is None or model.columns.outcomes):
        raise StudyError("--followed: needs a unit, and one outcome.")
    if (deaths is None) != (dead_value is None):
        raise StudyError("--deaths and --dead-value belong together; give both, or neither.")
    files.check_folder(out)
    files.clear(out, WRITTEN, (panel, followed, deaths, practices, Path(spec)))
    who = [name for name in (model.columns.unit, model.columns.cluster) if name]
    for table in (panel, followed, deaths, practices):
        if table is not None:
            seals.check(table)
    wanted = columns_of(model)
    areas = None
    if practices is not None:
        from evalweave.records.practices import areas_of, read_practices

        areas = areas_of(read_practices(practices))
        wanted.pop(AREA, None)
    frame, notes = read_panel(panel, wanted, who, as_categories=True)
    runs = None
    if followed is not None:
        runs = _runs(followed, model)
        if any(ESTIMATORS[each.estimator].blank_outcomes for each in model.analyses):
            frame = with_blanks(frame, runs, model.columns)
    seen = frame
    if deaths is not None and dead_value is not None:
        known = {
            name: text
            for name, text in wanted.items()
            if name not in (model.columns.outcome, model.columns.exposure)
        }
        died, _ = read_panel(deaths, {**known, DEAD_SHARE: False}, who)
        frame, note = with_dead(frame, died, model.columns, dead_value)
        model, notes = amounts(model), (*notes, note)
    if areas is not None:
        frame[AREA] = frame[model.columns.cluster or model.columns.owner].map(areas)

    def progress(text: str) -> None:
        print(f"evalweave fit: {text}", file=sys.stderr)

    looked_at = AREA if areas is not None else None
    result = fit(frame, model, panel.name, progress, may_be_empty, notes, looked_at)
    if runs is not None:
        measured = f"measured_{model.columns.outcome}"
        asked = model.columns.model_copy(update={"outcome": measured, "weight": None, "kind": None})
        rows = followed_rows(runs, seen, model.columns, measured)
        del frame, seen, runs  # a national one would not fit beside the rows
        effect = measured_effect(rows, asked, measured)
        for name in result.fits:
            result.diagnostics[name]["measured_did"] = effect
    table = result.tidy()
    rows = [
        {
            name: str(value) if isinstance(value, float) and math.isinf(value) else value
            for name, value in row.items()
        }
        for row in result.rows
    ]
    files.write_csv(table, out / "estimates.csv")
    files.write_json(rows, out / "estimates.json")
    files.write_json(result.diagnostics, out / "diagnostics.json")
    files.write_csv(result.covariance_rows(), out / "covariance.csv")
    files.write_parquet(result.influence_rows(), out / "influence.parquet")
    delta = result.delta_rows()
    if len(delta):
        files.write_csv(delta, out / "delta.csv")
    refused = bool(result.miscalled) or not may_be_empty
    print(result.summary(rest=str(out / "estimates.csv"), failures=not refused))
    print(
        f"Written: {out / 'estimates.csv'}, estimates.json and diagnostics.json beside it; "
        "covariance.csv and influence.parquet for tests of your own."
    )
    if refused:
        result.check()


def _runs(followed: Path, model: FitSpec) -> pd.DataFrame:
    """Return who was in follow-up when: a row a unit and unbroken run of periods."""
    from evalweave.estimators.read_panel import columns_of, read_panel

    given = {name: text for name, text in columns_of(model).items() if name in model.columns.who()}
    who = [name for name in (model.columns.unit, model.columns.cluster) if name]
    wanted = {**given, "from_period": False, "to_period": False}
    return read_panel(followed, wanted, who, as_categories=True)[0]


command.__doc__ = (
    (command.__doc__ or "")
    .replace("<estimators>", ", ".join(ESTIMATORS))
    .replace("<inferences>", ", ".join(INFERENCES))
)
