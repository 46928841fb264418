"""evalweave cohort: who is eligible, in which arm, followed until when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[str, typer.Option(help="A study file, or its settings as JSON text.")],
    cleaned: Annotated[Path, typer.Option(help="Folder that `evalweave clean` wrote.")],
    out: Annotated[
        Path,
        typer.Option(help="Folder for the cohort, its baseline and balance tables and the ledger."),
    ],
) -> None:
    """Eligibility is fixed at the index date as the study file declares it; each person left out
    has one reason.

    Example: evalweave cohort --settings study.yaml --cleaned results/my-study/clean --out
    results/my-study/cohort
    """
    from evalweave import engine
    from evalweave.cohort.building import build
    from evalweave.files import write_csv, written_aside
    from evalweave.records.codelists import asked_for, check_labels
    from evalweave.records.practices import cleaned_practices
    from evalweave.study.file import load_settings
    from evalweave.study.stages import CohortSettings

    chosen = load_settings(settings, CohortSettings)
    practices = cleaned_practices(cleaned)
    check_labels(cleaned / "codelists.csv", asked_for(chosen.eligibility, chosen.comparisons))
    out.mkdir(parents=True, exist_ok=True)
    with engine.working(chosen.engine, out) as backend:
        clean = {
            name: engine.stage_table(backend, cleaned / f"{name}.parquet", "clean")
            for name in ("patients", "registrations", "measurements", "conditions")
        }
        built = build(backend, clean, practices, chosen)
        for name in ("cohort", "membership"):
            with written_aside(out / f"{name}.parquet") as aside:
                backend.to_parquet(getattr(built, name), aside, compression="zstd")
    write_csv(built.baseline, out / "baseline.csv")
    write_csv(built.balance, out / "balance.csv")
    write_csv(built.incidence, out / "incidence.csv")
    write_csv(built.ledger, out / "ledger.csv")
    arms = built.sizes.set_index("arm").reindex(["programme", "comparison"]).fillna(0).astype(int)
    for arm, n in arms.iterrows():
        print(
            f"{arm}: {n['n_patients']} eligible patients in {n['n_practices']} practices; "
            f"{n['n_moved']} later moved to a practice of the other arm."
        )
