"""evalweave check: everything that is wrong with a study and its extract, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evalweave.study.whole import Study


def command(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object on stdout.")
    ] = False,
) -> None:
    """Reads the study file, code lists, practices and the beginning of each file of the extract,
    and looks for the qualitative files. Exits 0 and says what it recognised, or 1 (data) or 2
    (study file) with every fault at once.

    Example: evalweave check my-study/study.yaml
    """
    from evalweave.commands._answers import answering

    with answering("check", json) as answer:
        _check(study_file, answer)


def _check(study_file: Path, answer: dict[str, Any]) -> None:
    """Look at everything; what was recognised and noted goes into `answer` as well."""
    import tempfile

    from evalweave import engine
    from evalweave.catalogue.words import number_of
    from evalweave.errors import DataError, EvalweaveError, StudyError
    from evalweave.extract import checking, cost, spelling
    from evalweave.panel import COVARIATES
    from evalweave.records import codelists
    from evalweave.records.practices import practices_and_notes
    from evalweave.study import refusals
    from evalweave.study.file import load_study

    study = load_study(study_file)
    faults: list[str] = []
    kind: type[EvalweaveError] = DataError
    recognised = [
        f"{study.study.title}: {number_of(len(study.analyses), 'analysis', 'analyses')} of "
        f"{number_of(len(study.outcomes), 'outcome')}"
    ]
    wrong_calls = [
        *refusals.of_study(study, COVARIATES),
        *_unfilled(study),
        *engine.lacking(study.engine),
    ]
    if wrong_calls:
        kind, faults = StudyError, wrong_calls
    practices = None
    notes: tuple[str, ...] | list[str] = ()
    try:
        practices, notes = practices_and_notes(study.practices)
        faults += checking.practice_faults(practices, study)
        treated = int(practices["programme_start"].notna().sum())
        recognised.append(
            f"practices: {treated} with the programme, {len(practices) - treated} without"
        )
    except EvalweaveError as error:
        kind = StudyError if isinstance(error, StudyError) else kind
        faults += str(error).splitlines()
    systems = study.vocabulary.coding_systems
    lists, wrong = codelists.read_all(study.codelists, study.extract.code_system, systems)
    wrong += codelists.conflicts(lists, study.outcomes)
    faults += [str(fault) for fault in wrong]
    labels = {name: codelist.labels() for name, codelist in lists.items()}
    asked = codelists.asked_for(study.eligibility, study.comparisons)
    faults += [str(fault) for fault in codelists.unknown_labels(labels, asked)]
    notes = [*notes, *(note for codelist in lists.values() for note in codelist.notes)]
    recognised.append(
        f"code lists: {len(lists)} with "
        f"{number_of(sum(len(codelist.entries) for codelist in lists.values()), 'code')}"
    )
    missing = _files(study)
    faults += missing
    if missing or not all(Path(path).is_file() for path in study.codelists.values()):
        kind = StudyError
    made_up = study.simulation is not None and not Path(study.extract.path).is_dir()
    if made_up:
        recognised.append(
            "the extract and the coded project are not there yet: they will be simulated"
        )
    else:
        with tempfile.TemporaryDirectory(prefix="evalweave.") as scratch:
            backend = engine.connect("duckdb", spill=scratch)
            extract = checking.look_over(backend, study.extract, Path(scratch), study.vocabulary)
            if not wrong:
                checking.compare(backend, extract, practices, lists, study)
                notes += spelling.unread(backend, extract.tables, lists, study)
        kind = StudyError if extract.misdirected else kind
        faults += extract.faults
        notes += extract.notes
        recognised += extract.recognised
        recognised += cost.expected(study, extract.rows, extract.text_bytes, extract.typed_bytes)
    if study.qualitative is not None and not missing and not made_up:
        strand_lines, strand_notes, wrong_strand = _strand(study)
        notes += strand_notes
        recognised += strand_lines
        faults += wrong_strand
    if study.claims is not None and Path(study.claims).exists():
        from evalweave.triangulation.claims import early_faults, reading_notes

        notes += reading_notes(study.claims)
        faults += early_faults(study)
    answer |= {
        "study": study.study.name,
        "warnings": [str(note) for note in notes],
        "recognised": recognised,
    }
    for note in notes:
        print(f"Note: {note}")
    if faults:
        listed = [fault for fault in faults if not fault.endswith("things need mending:")]
        heading = [f"{len(listed)} things need mending:"] if len(listed) > 1 else []
        raise kind("\n".join([*heading, *listed]))
    print("Nothing wrong was found. Recognised:")
    for line in recognised:
        print(f"  {line}")


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


def _strand(study: Study) -> tuple[list[str], list[str], list[str]]:
    """Return what the qualitative strand holds, how its tables were read, and what is wrong with
    it."""
    from evalweave.catalogue.words import number_of
    from evalweave.errors import EvalweaveError
    from evalweave.qualitative.readers import load

    assert study.qualitative is not None
    try:
        project = load(Path(study.qualitative.project), study.qualitative)
    except EvalweaveError as error:
        return [], [], str(error).splitlines()
    log = project.import_log
    table_notes = [str(message) for message in log.loc[log["subject"] == "tables", "message"]]
    recognised = [
        f"coded project: {number_of(len(project.sources), 'source')}, "
        f"{number_of(len(project.participants), 'person', 'people')}, "
        f"{number_of(len(project.codes), 'code')}, "
        f"{number_of(len(project.codings), 'coding')}, "
        f"{number_of(len(project.themes), 'theme')}"
    ]
    return recognised, table_notes, []


def _files(study: Study) -> list[str]:
    """Return a sentence for each file of the qualitative strand and the claims that is not
    there."""
    from evalweave.study.qualitative import FILES, SIMULATED

    named = {"claims": study.claims}
    if study.qualitative is not None:
        for key in FILES:
            named[f"qualitative, {key}"] = getattr(study.qualitative, key)
    simulated = set()
    if study.simulation is not None and study.qualitative is not None:
        simulated = {getattr(study.qualitative, key) for key in SIMULATED}
    return [
        f"{key}: found no file {path}. Correct its path in the study file."
        for key, path in named.items()
        if path is not None and path not in simulated and not Path(path).exists()
    ]
