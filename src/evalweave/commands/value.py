"""`evalweave value`: the stage of a study's economic evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study.economics import EconomicsSpec


def command(
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    uses: Annotated[Path, typer.Option(help="Folder that `evalweave uses` wrote.")],
    measured: Annotated[Path, typer.Option(help="Folder that `evalweave panel` wrote.")],
    practices: Annotated[
        Path, typer.Option(help="practices.csv of `evalweave clean`, for `allocation`.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the tables and economics.json.")],
) -> None:
    """What a programme costs against what it does, as the study's `economics` section declares it:
    the same as `evalweave economics`, on the care used and the outcomes measured.

    Example: evalweave value --settings study.yaml --uses results/my-study/uses --measured
    results/my-study/panel --practices results/my-study/clean/practices.csv --out
    results/my-study/economics
    """
    import os

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import pandas as pd

    from evalweave import files
    from evalweave.commands.economics import TABLES
    from evalweave.economics import of_study
    from evalweave.economics.evaluation import evaluate
    from evalweave.errors import DataError
    from evalweave.panel.prices import as_declared
    from evalweave.study.file import load_settings
    from evalweave.study.periods import periods_a_year
    from evalweave.study.stages import ValueSettings

    chosen = load_settings(settings, ValueSettings)
    comparison = of_study.compared(chosen)
    spec = of_study.spec_of(chosen, comparison)
    a_year = periods_a_year(chosen.window.cut)
    frame, notes = _read(spec, uses, measured, practices, comparison, a_year)
    tables = {name.removesuffix(".csv"): pd.DataFrame(columns=["item"]) for name in TABLES}
    try:
        result = evaluate(frame, spec, f"{comparison}.parquet", notes)
        tables |= result.tables()
        summary, lines = result.summary, result.spoken(spec.effect.unit, spec.cost.unit)
    except DataError as error:  # reported as such, as a secondary analysis without an estimate is
        summary, lines = {"absent": str(error)}, [f"No economic evaluation: {error}"]
    for name, table in tables.items():
        files.write_csv(table, out / f"{name}.csv")
    summary |= {"comparison": comparison, "prices": as_declared(chosen.resource_use)}
    files.write_json(summary, out / "economics.json")
    print("\n".join(lines))


def _read(
    spec: EconomicsSpec,
    uses: Path,
    measured: Path,
    practices: Path,
    comparison: str,
    a_year: int,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the two panels of a comparison side by side, and how they were read."""
    import pyarrow.parquet as pq

    from evalweave import seals
    from evalweave.economics import of_study
    from evalweave.estimators.read_panel import read_panel
    from evalweave.records.practices import areas_of, read_practices
    from evalweave.study.allocation import AREA
    from evalweave.study.economics import columns_read

    columns = spec.columns_of(spec.effect)
    unit, cluster = columns.owner, columns.cluster or columns.owner
    who, keys = [unit, cluster], {unit: True, columns.period: False}
    wanted = columns_read(spec)
    areas = wanted.pop(AREA, None)
    frames, notes = [], list[str]()
    for folder in (uses, measured):
        table = folder / f"{comparison}.parquet"
        seals.check(table)
        there = set(pq.read_schema(table).names)
        mine = {name: text for name, text in wanted.items() if name in there}
        wanted = {name: text for name, text in wanted.items() if name not in there}
        frame, said = read_panel(table, {**keys, **mine}, [name for name in who if name in mine])
        frames.append(frame)
        notes += said
    frame, said = of_study.side_by_side(frames[0], frames[1], spec, a_year)
    if areas is not None:
        seals.check(practices)
        frame[AREA] = frame[cluster].map(areas_of(read_practices(practices)))
    return frame, (*notes, *said)
