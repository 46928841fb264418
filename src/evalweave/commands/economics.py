"""`evalweave economics`: what a programme costs against what it does, on anybody's panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TABLES = (
    "increments.csv",
    "net_benefit.csv",
    "curve.csv",
    "plane.csv",
    "scenarios.csv",
    "subgroups.csv",
)
WRITTEN = (*TABLES, "economics.json", "plane.svg", "acceptability.svg", "net-benefit.svg")


def command(
    panel: Annotated[
        Path,
        typer.Argument(help="The panel: CSV, Parquet, Stata or XLSX; one row a unit and period."),
    ],
    spec: Annotated[
        str, typer.Option(help="What to value: a YAML or JSON file, or its text in braces.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the tables and figures.")],
) -> None:
    """Example: evalweave economics panel.csv --spec economics.yaml --out results/economics

    with an economics.yaml such as

        columns: {unit: patient_id, period: year, cluster: practice_id}
        effect: {outcome: hba1c, unit: mmol/mol, better: lower, analysis: {estimator: twfe}}
        cost: {outcome: cost, unit: GBP, analysis: {estimator: poisson}}
        programme_cost: {amount: 120, per: person, source: "the provider's accounts"}
        thresholds: {values: [0, 50, 100, 200], reason: "declared by the commissioner"}
        perspective: NHS
        price_year: 2019

    Both outcomes are estimated again without each practice in turn, so that the interval of the net
    benefit knows how costs and effects go together. Writes net_benefit.csv, increments.csv,
    scenarios.csv, subgroups.csv, curve.csv, plane.csv, economics.json and three figures.
    docs/economics.md explains it.
    """
    import os
    import sys

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from evalweave import files
    from evalweave.economics.evaluation import evaluate
    from evalweave.estimators.read_panel import read_panel
    from evalweave.report.figures import economic
    from evalweave.study.economics import EconomicsSpec, columns_read
    from evalweave.study.file import load_spec

    model = load_spec(spec, EconomicsSpec)
    files.check_folder(out)
    files.clear(out, WRITTEN, (panel, Path(spec)))
    wanted = columns_read(model)
    columns = model.columns_of(model.effect)
    who = [name for name in (columns.unit, columns.cluster) if name]
    frame, notes = read_panel(panel, wanted, who)
    print("evalweave economics: estimating again without each practice", file=sys.stderr)
    result = evaluate(frame, model, panel.name, notes)
    for name, table in result.tables().items():
        files.write_csv(table, out / f"{name}.csv")
    files.write_json(result.summary, out / "economics.json")
    units = (model.effect.unit, model.cost.unit)
    point = result.both.effect, result.both.cost
    figures = {
        "plane": economic.plane(result.plane, point, *units),
        "acceptability": economic.acceptability(result.curve, *units),
        "net-benefit": economic.net_benefit_curve(result.curve, *units, model.level),
    }
    for name, drawn in figures.items():
        files.write_text(drawn.drawing.svg, out / f"{name}.svg")
    notes = (*result.summary["few"], *result.summary["notes"])
    for line in (*result.spoken(*units), *(f"  {note}" for note in notes)):
        print(line)
    print(f"Written: {out / 'net_benefit.csv'}, economics.json, tables and figures beside it.")
