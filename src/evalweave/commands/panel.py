"""evalweave panel: the patient-by-period panel of one comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    comparison: Annotated[str, typer.Option(help="Name of a comparison in the study file.")],
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    cleaned: Annotated[Path, typer.Option(help="Folder that `evalweave clean` wrote.")],
    cohort: Annotated[Path, typer.Option(help="Folder that `evalweave cohort` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the panel, its trends and its ledger.")],
) -> None:
    """One row a patient and period with a measurement; one column an outcome. `evalweave fit` reads
    it as it is.

    Example: evalweave panel --comparison area_without_programme --settings study.yaml
    --cleaned results/my-study/clean --cohort results/my-study/cohort --out results/my-study/panel
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from evalweave import engine
    from evalweave.errors import DataError, StudyError, nearest
    from evalweave.files import write_csv, written_aside
    from evalweave.panel.building import build
    from evalweave.study.file import load_settings
    from evalweave.study.stages import PanelSettings

    chosen = load_settings(settings, PanelSettings)
    for name in ("cohort", "membership"):
        if not (cohort / f"{name}.parquet").is_file():
            raise DataError(
                f"{cohort / name}.parquet: there is no such file. Run `evalweave cohort` first."
            )
    known = pq.read_table(
        cohort / "membership.parquet", columns=["comparison"], read_dictionary=["comparison"]
    )
    names = sorted(pc.unique(known["comparison"].cast("string")).to_pylist())
    if comparison not in names:
        raise StudyError(
            f'--comparison: "{comparison}" is not in the cohort. {nearest(comparison, names)}'
        )
    out.mkdir(parents=True, exist_ok=True)
    with engine.working(chosen.engine, out) as backend:
        built = build(
            backend,
            engine.stage_table(backend, cleaned / "measurements.parquet", "clean"),
            engine.stage_table(backend, cleaned / "registrations.parquet", "clean"),
            engine.stage_table(backend, cohort / "cohort.parquet", "cohort"),
            engine.stage_table(backend, cohort / "membership.parquet", "cohort"),
            comparison,
            chosen,
        )
        for table, name in (
            (built.panel, f"{comparison}.parquet"),
            (built.followed, f"{comparison}.followed.parquet"),
        ):
            with written_aside(out / name) as aside:
                backend.to_parquet(table, aside, compression="zstd")
    write_csv(built.trends, out / f"{comparison}.trends.csv")
    write_csv(built.ledger, out / f"{comparison}.ledger.csv")
    rows = pq.read_metadata(out / f"{comparison}.parquet").num_rows
    print(
        f"{comparison}: {rows} person-periods of {built.n_patients} patients in "
        f"{built.n_practices} practices."
    )
