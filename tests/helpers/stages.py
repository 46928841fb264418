"""The stages of a run, one after the other in this process, each called as its rule calls it."""

from __future__ import annotations

import json
from pathlib import Path

from evalweave.commands import (
    audit,
    clean,
    code,
    cohort,
    count,
    crate,
    estimates,
    fit,
    ingest,
    intake,
    join,
    panel,
    report,
    uses,
    value,
)
from evalweave.study import stages
from evalweave.study.file import load_study
from evalweave.study.section import Section
from evalweave.workflow import snakefile


def run(study_file: Path, out: Path) -> None:
    """Do every stage of the study, with `out` for results/<study>; raise what stops one."""
    study = load_study(study_file)

    def settings(kind: type[Section]) -> str:
        return json.dumps(stages.settings_for(study, kind))

    ingest.command(settings(stages.IngestSettings), out / "ingest", table=None, processes=1)
    clean.command(settings(stages.CleanSettings), out / "ingest", out / "clean")
    intake.command(
        settings(stages.CleanSettings),
        out / "ingest",
        out / "clean",
        out / "intake",
        before=out / "intake.before.json",
    )
    cohort.command(settings(stages.CohortSettings), out / "clean", out / "cohort")
    panel.command(
        list(study.comparisons),
        settings(stages.PanelSettings),
        out / "clean",
        out / "cohort",
        out / "panel",
        processes=1,
    )
    if study.resource_use is not None:
        uses.command(
            list(study.comparisons),
            settings(stages.UsesSettings),
            out / "clean",
            out / "cohort",
            out / "uses",
        )
    if study.economics is not None:
        value.command(
            settings(stages.ValueSettings),
            out / "uses",
            out / "panel",
            out / "clean" / "practices.csv",
            out / "economics",
        )
    for analysis in study.analyses:
        comparison = analysis.comparison or study.primary_comparison
        primary = analysis.name == study.primary_analysis.name
        followed = out / "panel" / f"{comparison}.followed.parquet"
        died, of_the_dead = (
            out / "panel" / f"{comparison}.deaths.parquet",
            stages.dead_value(study, analysis.name),
        )
        fit.command(
            out / stages.table_of(study, analysis.name) / f"{comparison}.parquet",
            json.dumps(stages.spec_of(study, analysis.name)),
            out / "fit" / analysis.name,
            followed if stages.followed_with(study, analysis.name) else None,
            None if of_the_dead is None else died,
            of_the_dead,
            may_be_empty=not primary,
            practices=out / "clean" / "practices.csv",
        )
    estimates.command(settings(stages.EstimatesSettings), out / "fit", out / "estimates")
    if study.qualitative:
        coded = settings(stages.CodeSettings)
        code.command(None, coded, out / "code")
        count.command(coded, out / "code", out / "count")
    if study.claims:
        join.command(
            settings(stages.JoinSettings),
            out / "estimates" / "estimates.csv",
            out / "code",
            out / "count",
            out / "join",
        )
    report.command(study_file, out, out / "reports", extract=None)
    audit.command(out / "reports", out, out / "audit.json")
    workflow = snakefile().parent
    crate.command(out / "reports", out / "audit.json", out, workflow, out / "reports/release.zip")
