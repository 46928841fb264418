"""evalweave uses: care used by person and period, counted, priced, with person-time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    comparison: Annotated[
        list[str],
        typer.Option(help="Name of a comparison in the study file; may be given several times."),
    ],
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    cleaned: Annotated[Path, typer.Option(help="Folder that `evalweave clean` wrote.")],
    cohort: Annotated[Path, typer.Option(help="Folder that `evalweave cohort` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
) -> None:
    """One row a patient and period in follow-up: counts of each item of `resource_use`, their
    costs, and `exposure`. Without a record it is zero. `evalweave fit` and `evalweave economics`
    read it as it is.

    Example: evalweave uses --comparison area_without_programme --settings study.yaml
    --cleaned results/my-study/clean --cohort results/my-study/cohort --out results/my-study/uses
    """
    import pyarrow.parquet as pq

    from evalweave import engine
    from evalweave.files import write_csv, written_aside
    from evalweave.panel.prices import prices
    from evalweave.panel.uses import build_uses
    from evalweave.records.codelists import check_labels
    from evalweave.study.file import load_settings
    from evalweave.study.stages import UsesSettings

    chosen = load_settings(settings, UsesSettings)
    costs = prices(chosen.resource_use)
    counted = [used.codelist for used in chosen.resource_use.items.values()]
    check_labels(cleaned / "codelists.csv", counted)
    out.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(comparison):
        with engine.working(chosen.engine, out) as backend:
            made = build_uses(
                backend,
                engine.stage_table(backend, cleaned / "conditions.parquet", "clean"),
                engine.stage_table(backend, cleaned / "registrations.parquet", "clean"),
                engine.stage_table(backend, cohort / "cohort.parquet", "cohort"),
                engine.stage_table(backend, cohort / "membership.parquet", "cohort"),
                name,
                chosen,
                costs,
            )
            with written_aside(out / f"{name}.parquet") as aside:
                backend.to_parquet(made.panel, aside, compression="zstd")
        write_csv(made.counts, out / f"{name}.events.csv")
        write_csv(made.trends, out / f"{name}.trends.csv")
        write_csv(made.ledger, out / f"{name}.ledger.csv")
        rows = pq.read_metadata(out / f"{name}.parquet").num_rows
        left = int((made.counts["n_events"] - made.counts["n_counted"]).sum())
        print(f"{name}: {rows} person-periods; {left} events out of follow-up were left out.")
