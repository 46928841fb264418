"""evalweave panel: the patient-by-period panel of every comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evalweave.study.stages import PanelSettings


def command(
    comparison: Annotated[
        list[str],
        typer.Option(help="Name of a comparison in the study file; may be given several times."),
    ],
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    cleaned: Annotated[Path, typer.Option(help="Folder that `evalweave clean` wrote.")],
    cohort: Annotated[Path, typer.Option(help="Folder that `evalweave cohort` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the panels, their trends and ledgers.")],
    processes: Annotated[
        int, typer.Option(min=1, help="How many comparisons are built at a time.")
    ] = 1,
) -> None:
    """One row a patient and period with a measurement; one column an outcome. `evalweave fit` reads
    it as it is.

    Example: evalweave panel --comparison area_without_programme --settings study.yaml
    --cleaned results/my-study/clean --cohort results/my-study/cohort --out results/my-study/panel
    """
    from evalweave.engine import at_a_time
    from evalweave.errors import DataError
    from evalweave.side_by_side import side_by_side
    from evalweave.study.file import load_settings
    from evalweave.study.stages import PanelSettings

    chosen = load_settings(settings, PanelSettings)
    for name in ("cohort", "membership"):
        if not (cohort / f"{name}.parquet").is_file():
            raise DataError(
                f"{cohort / name}.parquet: there is no such file. Run `evalweave cohort` first."
            )
    out.mkdir(parents=True, exist_ok=True)
    loaded = ["evalweave.panel.building:build"]
    if chosen.engine == "duckdb":
        loaded.append("evalweave.engine.duckdb_engine")
    processes = at_a_time(processes, chosen.engine)
    names = list(dict.fromkeys(comparison))
    side_by_side(lambda name: _built(name, chosen, cleaned, cohort, out), names, processes, loaded)


def _built(comparison: str, chosen: PanelSettings, cleaned: Path, cohort: Path, out: Path) -> str:
    """Write one comparison's panel and return what is to be said of it."""
    import pyarrow.parquet as pq

    from evalweave import engine
    from evalweave.files import write_csv, written_aside
    from evalweave.panel.building import build

    _known(comparison, cohort)
    with engine.working(chosen.engine, out) as backend:
        built = build(
            backend,
            engine.stage_table(backend, cleaned / "measurements.parquet", "clean"),
            engine.stage_table(backend, cleaned / "registrations.parquet", "clean"),
            engine.stage_table(backend, cohort / "cohort.parquet", "cohort"),
            engine.stage_table(backend, cohort / "membership.parquet", "cohort"),
            comparison,
            chosen,
            engine.stage_table(backend, cleaned / "patients.parquet", "clean"),
        )
        for table, name in (
            (built.panel, f"{comparison}.parquet"),
            (built.followed, f"{comparison}.followed.parquet"),
            (built.deaths, f"{comparison}.deaths.parquet"),
        ):
            with written_aside(out / name) as aside:
                backend.to_parquet(table, aside, compression="zstd")
    write_csv(built.trends, out / f"{comparison}.trends.csv")
    assert built.died is not None  # patients were given
    write_csv(built.died, out / f"{comparison}.died.csv")
    write_csv(built.ledger, out / f"{comparison}.ledger.csv")
    rows = pq.read_metadata(out / f"{comparison}.parquet").num_rows
    return (
        f"{comparison}: {rows} person-periods of {built.n_patients} patients in "
        f"{built.n_practices} practices."
    )


def _known(comparison: str, cohort: Path) -> None:
    """Raise for a comparison that nobody is a member of."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from evalweave import seals
    from evalweave.errors import StudyError, nearest

    seals.check(cohort / "membership.parquet")
    known = pq.read_table(
        cohort / "membership.parquet", columns=["comparison"], read_dictionary=["comparison"]
    )
    names = sorted(pc.unique(known["comparison"].cast("string")).to_pylist())
    if comparison not in names:
        raise StudyError(
            f'--comparison: "{comparison}" is not in the cohort. {nearest(comparison, names)}'
        )
