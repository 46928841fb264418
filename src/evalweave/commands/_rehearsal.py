"""The stages of a run, done once in a folder that is thrown away: whatever would stop `run` stops
here, and is said by `check`."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.errors import EvalweaveError

if TYPE_CHECKING:
    from evalweave.study.section import Section
    from evalweave.study.whole import Study

FEWEST = 50  # draws beyond each end of an interval, where a rehearsal draws fewer than the run


@dataclass
class Rehearsal:
    """Which stages ended, and what the others were stopped by."""

    folder: Path  # takes the place of results/<study>
    tell: Callable[[str], None]
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: type[EvalweaveError] | None = None  # of the first fault
    ended: set[str] = field(default_factory=set)

    def do(self, stage: str, needs: set[str], work: Callable[[], None], words: str = "") -> bool:
        """Do a stage when what it needs has ended; return whether it ended itself."""
        if not needs <= self.ended:
            return False
        self.tell(words or stage)
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                work()
        except EvalweaveError as error:
            self.kind = self.kind or type(error)
            lines = [line for line in str(error).splitlines() if not line.endswith(":")]
            at = f"{self.folder}/"
            self.faults += [f"{stage} would stop: {line.replace(at, '')}" for line in lines]
            return False
        self.ended.add(stage)
        return True


def ingested(study: Study, folder: Path, tell: Callable[[str], None]) -> Rehearsal:
    """Read the whole extract into `folder`/ingest as `evalweave ingest` does."""
    from evalweave.commands import ingest
    from evalweave.study.stages import IngestSettings

    rehearsal = Rehearsal(folder, tell)
    settings = _settings(study, IngestSettings)
    rehearsal.do(
        "ingest",
        set(),
        lambda: ingest.command(settings, folder / "ingest", table=None, processes=1),
        "reading the whole extract",
    )
    return rehearsal


def rehearse(
    study_file: Path, study: Study, rehearsal: Rehearsal, before: Path, accept: str = ""
) -> None:
    """Do the stages behind ingest: from cleaning to the audited report. They draw fewer numbers at
    random than the run, and on DuckDB where the run may be on Spark; all else is as in the run.

    `before` is where the run before, if there was one, noted what came; `accept` is why less than
    that is right."""
    from evalweave.commands import audit, clean, cohort, crate, intake, panel, report
    from evalweave.study import stages
    from evalweave.workflow import snakefile

    at = rehearsal.folder
    rehearsal.do(
        "clean",
        {"ingest"},
        lambda: clean.command(_settings(study, stages.CleanSettings), at / "ingest", at / "clean"),
        "cleaning",
    )
    noted = at / "intake.before.json"
    if before.is_file():
        noted.write_bytes(before.read_bytes())
    rehearsal.do(
        "intake",
        {"clean"},
        lambda: intake.command(
            _settings(study, stages.CleanSettings),
            at / "ingest",
            at / "clean",
            at / "intake",
            before=noted,
            accept=accept,
        ),
        "comparing with the run before",
    )
    rehearsal.do(
        "cohort",
        {"intake"},
        lambda: cohort.command(
            _settings(study, stages.CohortSettings), at / "clean", at / "cohort"
        ),
        "finding who is eligible",
    )
    rehearsal.do(
        "panel",
        {"cohort"},
        lambda: panel.command(
            list(study.comparisons),
            _settings(study, stages.PanelSettings),
            at / "clean",
            at / "cohort",
            at / "panel",
            processes=1,
        ),
        "building the panels",
    )
    _uses(study, rehearsal)
    woven = _estimates(study, rehearsal) | _strand(study, rehearsal) | _value(study, rehearsal)
    extract = None if study.simulation else Path(study.extract.path)
    rehearsal.do(
        "report",
        woven,
        lambda: report.command(study_file, at, at / "reports", extract=extract),
        "writing the report",
    )
    rehearsal.do(
        "audit",
        {"report"},
        lambda: audit.command(at / "reports", at, at / "audit.json"),
        "searching the report for what may not be released",
    )
    release = at / "reports" / "release.zip"
    rehearsal.do(
        "crate",
        {"audit"},
        lambda: crate.command(at / "reports", at / "audit.json", at, snakefile().parent, release),
        "packing the release",
    )


def accepted(folder: Path, reason: str) -> list[str]:
    """Return a sentence on what the rehearsed run accepted, if anything."""
    from evalweave.catalogue.words import listed
    from evalweave.files import read_json

    noted = folder / "intake" / "intake.json"
    if not reason or not noted.is_file():
        return []
    kinds = [kind for each in read_json(noted)["accepted"] for kind in each["kinds"]]
    if not kinds:
        return ["--accept: nothing had to be accepted; the extract is as whole as before."]
    return [
        f"--accept: the extract is less than that of the run before ({listed(kinds)}). Give `run` "
        "the same --accept; the supplement prints the reason."
    ]


def _uses(study: Study, rehearsal: Rehearsal) -> None:
    """Count and price the care that was used, where the study asks for it."""
    from evalweave.commands import uses
    from evalweave.study.stages import UsesSettings

    if study.resource_use is None:
        return
    at = rehearsal.folder
    rehearsal.do(
        "uses",
        {"cohort"},
        lambda: uses.command(
            list(study.comparisons),
            _settings(study, UsesSettings),
            at / "clean",
            at / "cohort",
            at / "uses",
        ),
        "counting the care that was used",
    )


def _value(study: Study, rehearsal: Rehearsal) -> set[str]:
    """Value costs against effects, where the study asks for it; return the stage that the report
    needs."""
    from evalweave.commands import value
    from evalweave.study.stages import ValueSettings

    if study.economics is None:
        return set()
    at = rehearsal.folder
    rehearsal.do(
        "value",
        {"uses", "panel"},
        lambda: value.command(
            _settings(study, ValueSettings),
            at / "uses",
            at / "panel",
            at / "clean" / "practices.csv",
            at / "economics",
        ),
        "valuing costs against effects",
    )
    return {"value"}


def _estimates(study: Study, rehearsal: Rehearsal) -> set[str]:
    """Fit every analysis and gather the fits; return the stage that the report needs."""
    from evalweave.commands import estimates, fit
    from evalweave.records.practices import PRACTICES_FILE
    from evalweave.study.stages import (
        EstimatesSettings,
        dead_value,
        followed_with,
        spec_of,
        table_of,
    )

    at, lighter = rehearsal.folder, _with_fewer_draws(study)
    fits = set()
    for place, analysis in enumerate(study.analyses, start=1):
        comparison = analysis.comparison or study.primary_comparison
        primary = analysis.name == study.primary_analysis.name
        stage = f"fit {analysis.name}"
        fits.add(stage)

        def work(
            name: str = analysis.name, comparison: str = comparison, primary: bool = primary
        ) -> None:
            followed = at / "panel" / f"{comparison}.followed.parquet"
            died = at / "panel" / f"{comparison}.deaths.parquet"
            value = dead_value(study, name)
            fit.command(
                at / table_of(study, name) / f"{comparison}.parquet",
                json.dumps(spec_of(lighter, name)),
                at / "fit" / name,
                followed if followed_with(study, name) else None,
                None if value is None else died,
                value,
                may_be_empty=not primary,
                practices=at / "clean" / PRACTICES_FILE,
            )

        rehearsal.do(
            stage,
            {"panel", table_of(study, analysis.name)},
            work,
            f"analysis {place} of {len(study.analyses)}",
        )
    rehearsal.do(
        "estimates",
        fits,
        lambda: estimates.command(
            _settings(study, EstimatesSettings), at / "fit", at / "estimates"
        ),
        "gathering the estimates",
    )
    return {"estimates"}


def _strand(study: Study, rehearsal: Rehearsal) -> set[str]:
    """Read, count and join the coded project; return the stages that the report needs."""
    from evalweave.commands import code, count, join
    from evalweave.study.stages import CodeSettings, JoinSettings

    at, needed = rehearsal.folder, set()
    if study.qualitative:
        settings = _settings(study, CodeSettings)
        rehearsal.do("code", set(), lambda: code.command(None, settings, at / "code"))
        rehearsal.do("count", {"code"}, lambda: count.command(settings, at / "code", at / "count"))
        needed = {"code", "count"}
    if study.claims:
        rehearsal.do(
            "join",
            {"estimates", *needed},
            lambda: join.command(
                _settings(study, JoinSettings),
                at / "estimates" / "estimates.csv",
                at / "code",
                at / "count",
                at / "join",
            ),
            "joining the strands",
        )
        needed.add("join")
    return needed


def without_estimate(study: Study, folder: Path) -> list[str]:
    """Return a sentence for each analysis that ran and has no estimate; the report says why."""
    from evalweave.files import read_table
    from evalweave.tables.analyses import ESTIMATES

    return [
        f"analyses, {analysis.name}: no estimate can be computed from this extract; the report "
        "will say why."
        for analysis in study.analyses
        if read_table(folder / "fit" / analysis.name / "estimates.csv", ESTIMATES).empty
    ]


def _settings(study: Study, kind: type[Section]) -> str:
    from evalweave.study.stages import settings_for

    settings: dict[str, Any] = settings_for(study, kind)
    if "engine" in settings:
        settings["engine"] = "duckdb"
    return json.dumps(settings)


def _with_fewer_draws(study: Study) -> Study:
    """Return the study with as many draws as an interval of its level needs, never more than it
    asks for."""
    analyses = [
        analysis.model_copy(
            update={
                "draws": min(analysis.draws, math.ceil(2 * FEWEST / (1 - analysis.level))),
            }
        )
        for analysis in study.analyses
    ]
    return study.model_copy(update={"analyses": analyses})
