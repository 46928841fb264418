"""What `evalweave check` looks at: the study file, practices, code lists, the coded project, the
extract, and a rehearsal of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.catalogue.words import number_of
from evalweave.errors import DataError, EvalweaveError, StudyError

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.records.codelists import Codelist
    from evalweave.study.whole import Study


@dataclass
class Findings:
    """What is wrong, what is worth knowing, and what was recognised."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recognised: list[str] = field(default_factory=list)
    kind: type[EvalweaveError] = DataError  # StudyError where a fault is the study file's

    def wrong(self, error: EvalweaveError) -> None:
        """Take in an error's sentences."""
        self.kind = StudyError if isinstance(error, StudyError) else self.kind
        self.faults += str(error).splitlines()

    def listed(self) -> list[str]:
        """Return every fault once, without the headings of the errors they came from."""
        ending = "things need mending:"
        return list(dict.fromkeys(each for each in self.faults if not each.endswith(ending)))


def of_study(
    study_file: Path,
    study: Study,
    directory: Path,
    tell: Callable[[str], None],
    accept: str = "",
) -> Findings:
    """Look at everything that the study names, and rehearse the run when nothing is wrong; `accept`
    is why an extract that is less than the one before is right."""
    from evalweave import engine
    from evalweave.panel import COVARIATES
    from evalweave.study import once, refusals

    findings = Findings(notes=once.contradictions(study))
    findings.recognised.append(
        f"{study.study.title}: {number_of(len(study.analyses), 'analysis', 'analyses')} of "
        f"{number_of(len(study.outcomes), 'outcome')}"
    )
    calls = [
        *refusals.of_study(study, COVARIATES),
        *_unfilled(study),
        *engine.lacking(study.engine),
    ]
    if calls:
        findings.kind, findings.faults = StudyError, calls
    practices = _practices(study, findings)
    lists, sound = _lists(study, findings)
    missing = _files(study)
    findings.faults += missing
    if missing or not all(Path(path).is_file() for path in study.codelists.values()):
        findings.kind = StudyError
    made_up = study.simulation is not None and not Path(study.extract.path).is_dir()
    if study.qualitative is not None and not missing and not made_up:
        _strand(study, findings)
    if study.claims is not None and Path(study.claims).exists():
        from evalweave.triangulation.claims import early_faults, reading_notes

        findings.notes += reading_notes(study.claims)
        findings.faults += early_faults(study)
    if made_up:
        findings.recognised.append(
            "the extract and the coded project are not there yet: they will be simulated, so "
            "nothing was rehearsed with them"
        )
    else:
        before = directory / "results" / study.study.name / "intake.before.json"
        known = lists if sound else None
        _extract(study_file, study, practices, known, findings, tell, before, accept)
    return findings


def _practices(study: Study, findings: Findings) -> pd.DataFrame | None:
    """Read the table of practices and judge it as a design."""
    from evalweave.extract import design
    from evalweave.records.practices import practices_and_notes

    try:
        practices, notes = practices_and_notes(study.practices)
    except EvalweaveError as error:
        findings.wrong(error)
        return None
    findings.notes += notes
    findings.faults += design.practice_faults(practices, study)
    findings.notes += design.straddling(practices, study)
    treated = int(practices["programme_start"].notna().sum())
    findings.recognised.append(
        f"practices: {treated} with the programme, {len(practices) - treated} without"
    )
    return practices


def _lists(study: Study, findings: Findings) -> tuple[dict[str, Codelist], bool]:
    """Read the code lists; return them, and whether all are sound."""
    from evalweave.records import codelists

    systems = study.vocabulary.coding_systems
    lists, wrong = codelists.read_all(study.codelists, study.extract.code_system, systems)
    wrong += codelists.conflicts(lists, study.recorded)
    labels = {name: codelist.labels() for name, codelist in lists.items()}
    asked = codelists.asked_for(study.eligibility, study.comparisons)
    if study.resource_use is not None:
        asked += [used.codelist for used in study.resource_use.items.values()]
    findings.faults += [str(fault) for fault in wrong]
    findings.faults += [str(fault) for fault in codelists.unknown_labels(labels, asked)]
    findings.notes += [note for codelist in lists.values() for note in codelist.notes]
    findings.recognised.append(
        f"code lists: {len(lists)} with "
        f"{number_of(sum(len(codelist.entries) for codelist in lists.values()), 'code')}"
    )
    return lists, not wrong


def _extract(
    study_file: Path,
    study: Study,
    practices: pd.DataFrame | None,
    lists: dict[str, Codelist] | None,
    findings: Findings,
    tell: Callable[[str], None],
    before: Path,
    accept: str,
) -> None:
    """Look the extract over, and rehearse the run with all of it. Without code lists (`lists` is
    None) only its files are looked at."""
    import tempfile

    from evalweave import engine
    from evalweave.commands import _rehearsal as rehearsing
    from evalweave.extract import checking, cost, losses, spelling

    with tempfile.TemporaryDirectory(prefix="evalweave.") as folder:
        scratch = Path(folder)
        backend = engine.connect("duckdb", spill=scratch)
        overview = checking.look_over(backend, study.extract, scratch, study.vocabulary)
        rehearsal = None
        if overview.partly and not overview.faults:  # long files: only now are they read whole
            rehearsal = rehearsing.ingested(study, scratch, tell)
            overview.faults += rehearsal.faults
            if not rehearsal.faults:
                overview.read_whole(backend, scratch / "ingest")
        if lists is not None:
            checking.compare(backend, overview, practices, lists, study)
            findings.notes += spelling.unread(backend, overview.tables, lists, study)
        findings.kind = StudyError if overview.misdirected else findings.kind
        findings.faults += overview.faults
        findings.notes += overview.notes
        findings.recognised += overview.recognised
        findings.recognised += cost.expected(
            study, overview.rows, overview.text_bytes, overview.typed_bytes
        )
        if findings.faults or lists is None:
            return
        rehearsal = rehearsal or rehearsing.ingested(study, scratch, tell)
        rehearsing.rehearse(study_file, study, rehearsal, before, accept)
        findings.notes += rehearsing.accepted(scratch, accept)
        if "clean" in rehearsal.ended:
            findings.recognised += losses.by_outcome(
                backend,
                overview.tables["events"],
                engine.stage_table(backend, scratch / "clean" / "set_aside.parquet", "clean"),
                lists,
                study,
            )
        if "estimates" in rehearsal.ended:
            findings.notes += rehearsing.without_estimate(study, scratch)
        backend.disconnect()
        findings.faults += rehearsal.faults
        findings.kind = rehearsal.kind or findings.kind
        if not rehearsal.faults:
            findings.recognised.append("a rehearsal of the whole run ended with a report")


def _unfilled(study: Study) -> list[str]:
    """Return a sentence for each text that the report would print as the template has it."""
    texts = {
        "study, title": study.study.title,
        "study, programme": study.study.programme,
        "report, question": study.report.question,
        "report, margin_reason": study.report.margin_reason,
    }
    return [
        f"{key}: still says FILL IN, which the report would print. Write it."
        for key, text in texts.items()
        if "FILL IN" in text
    ]


def _strand(study: Study, findings: Findings) -> None:
    """Read the coded project and the tables beside it."""
    from evalweave.qualitative.readers import load

    assert study.qualitative is not None
    try:
        project = load(Path(study.qualitative.project), study.qualitative)
    except EvalweaveError as error:
        findings.faults += str(error).splitlines()
        return
    log = project.import_log
    findings.notes += [str(message) for message in log.loc[log["subject"] == "tables", "message"]]
    findings.recognised.append(
        f"coded project: {number_of(len(project.sources), 'source')}, "
        f"{number_of(len(project.participants), 'person', 'people')}, "
        f"{number_of(len(project.codes), 'code')}, "
        f"{number_of(len(project.codings), 'coding')}, "
        f"{number_of(len(project.themes), 'theme')}"
    )


def _files(study: Study) -> list[str]:
    """Return a sentence for each file of the qualitative strand and the claims that is not
    there."""
    from evalweave.study.qualitative import SIMULATED

    named = {"claims": study.claims}
    if study.qualitative is not None:
        named |= {f"qualitative, {key}": path for key, path in study.qualitative.files().items()}
    simulated = set()
    if study.simulation is not None and study.qualitative is not None:
        simulated = {getattr(study.qualitative, key) for key in SIMULATED}
    return [
        f"{key}: found no file {path}. Correct its path in the study file."
        for key, path in named.items()
        if path is not None and path not in simulated and not Path(path).exists()
    ]
