"""Reading a coded project of any format with the tables beside it."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pandas as pd

from evalweave.catalogue.projects import PROJECTS
from evalweave.errors import DataError, EvalweaveError, Fault, StudyError, nearest, raise_faults
from evalweave.files import read_table
from evalweave.qualitative import inputs
from evalweave.qualitative.assemble import Beside, assemble, coders_of, log_table
from evalweave.qualitative.attribution import heard, speakers
from evalweave.qualitative.codebook import with_unused
from evalweave.qualitative.coders import by_name as coders_by_name
from evalweave.qualitative.coders import pseudonyms, without_codings
from evalweave.qualitative.counts import UNHEARD
from evalweave.qualitative.formats.layouts import refuse_project_file
from evalweave.qualitative.given_stances import with_given
from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.identity import normal
from evalweave.qualitative.matrix import Matrix, of_roles
from evalweave.qualitative.project import CONTRACTS, Project
from evalweave.qualitative.raw import Log, Raw
from evalweave.qualitative.several import below, kept_apart, together
from evalweave.qualitative.show import plain
from evalweave.qualitative.themes import codings_by_theme
from evalweave.reading.archives import fault, must_exist
from evalweave.study.qualitative import FurtherProject, Qualitative
from evalweave.tables.qualitative import ELIGIBILITY, ROLE_COUNTS

T = TypeVar("T")
LISTS = re.compile(r"\s*[,|/+&]\s*")  # between codes of one cell, where nothing better is known


def load(path: Path, settings: Qualitative | None = None) -> Project:
    """Read a project and, with settings, the tables beside it; raise `DataError` with all that is
    wrong.

    Without settings the format is recognised and the project's own cases are its participants.
    """
    refuse_project_file(path)
    format_ = settings.format if settings else recognise(path)
    raw = reader(format_)(path, **_taken(format_, settings))
    if settings is None:
        return assemble(raw, Beside())
    wrong: list[EvalweaveError] = []
    heard = Log()
    raws = {"": raw}
    for name, declared in settings.further_projects.items():
        further = _tried(wrong, partial(_further, declared))
        raws |= {} if further is None else {name: further}
    twice = {name: _double_coding(settings, name, (wrong, heard)) for name in raws}
    wrong += _named_as_codes(path, raw, settings.further_projects)
    coders = pseudonyms(coders_of(raws.values()), settings.coders_of_one_name, heard)
    coders |= without_codings(chain.from_iterable(twice.values()), coders, heard)
    named, crossed, numeric = (
        settings.participants,
        settings.attributes,
        settings.numeric_attributes,
    )
    people = _tried(wrong, lambda: inputs.participants(named, crossed, heard, numeric))
    projects = [
        _one(each, name, settings, people, (coders, twice[name]), (wrong, heard))
        for name, each in raws.items()
    ]
    project = together(kept_apart(dict(zip(raws, projects, strict=True)), heard))
    if settings.stances:
        given = settings.stances
        by_name = coders_by_name(coders)
        stances = _tried(wrong, lambda: with_given(project, given, by_name))
        project = project if stances is None else replace(project, stances=stances)
    codes = project.codes["code_id"]
    complete = all(each.codebook_complete for each in raws.values())
    themes = _tried(wrong, lambda: inputs.themes(settings.themes, codes, complete, heard))
    if themes:
        unused = themes[2]
        _tried(wrong, lambda: _no_lists(path.name, unused, list(codes)))
    log = Log([tuple(row) for row in project.import_log.itertuples(index=False)] + heard.rows)
    asked = ELIGIBILITY.empty()
    if themes and people is not None:
        ids = list(themes[0]["theme_id"])
        if settings.eligibility:
            path_ = settings.eligibility
            known = people["participant_id"]
            asked = _tried(wrong, lambda: inputs.eligibility(path_, known, ids, log))
        else:
            asked = everyone_eligible(project, ids)
            log.warn(
                "eligibility",
                "no table says who was asked what: everyone with a source counts as asked about "
                "every theme",
            )
    inputs.gathered(*wrong)
    assert themes is not None and asked is not None and people is not None
    _log_unused(log, themes[2], list(codes))
    matrix = _of_roles(raw.matrix, people, log)
    project = replace(
        project,
        codes=with_unused(project.codes, themes[2]),
        themes=themes[0],
        theme_codes=themes[1],
        eligibility=asked,
        matrix=matrix,
    )
    _log_unasked(log, project)
    return replace(project, import_log=log_table(log))


def _of_roles(matrix: Matrix | None, people: pd.DataFrame, log: Log) -> Matrix | None:
    """Return a matrix of counts by the participants' roles; say which of its columns are none."""
    if matrix is None:
        return None
    matrix, strange = of_roles(matrix, people["role"].unique())
    log.warn(
        "people",
        "columns of the matrix that are no role of the participants: nobody of them was asked, so "
        "that their counts are out of nothing. Name columns as roles, or say in `columns` which is "
        "which",
        len(strange),
    )
    return matrix


def _one(
    raw: Raw,
    name: str,
    settings: Qualitative,
    people: pd.DataFrame | None,
    coding: tuple[Mapping[str, str], list[dict[str, str]]],
    told: tuple[list[EvalweaveError], Log],
) -> Project:
    """Return one of the study's projects with the tables beside it; faults are kept for later.

    `coding`: coder as read → pseudonym, and the project's double coding as declared.
    """
    (wrong, heard), (coders, double) = told, coding
    own: Qualitative | FurtherProject = settings.further_projects[name] if name else settings
    described, links = own.sources, own.source_participants
    facts = _tried(wrong, lambda: inputs.sources(described, heard) if described else {})
    linked = _tried(wrong, lambda: inputs.source_participants(links, heard) if links else [])
    beside = Beside(
        people,
        facts or {},
        linked or [],
        settings.stance_prefix,
        tuple(settings.observation_kinds),
        settings.shared_sources,
        settings.coders_of_one_name,
        double,
        coders,
    )
    bare = Beside(stance_prefix=settings.stance_prefix, coders=coders)
    project = _tried(wrong, lambda: assemble(raw, beside)) or assemble(raw, bare)
    return below(project, name) if name else project


def _double_coding(
    settings: Qualitative, name: str, told: tuple[list[EvalweaveError], Log]
) -> list[dict[str, str]]:
    """Return the double coding that is declared of one of the study's projects."""
    wrong, heard = told
    path = (settings.further_projects[name] if name else settings).double_coding
    return _tried(wrong, lambda: inputs.double_coding(path, heard) if path else []) or []


def _further(declared: FurtherProject) -> Raw:
    """Read a further project; counts that were added up elsewhere cannot be joined to codings."""
    path = Path(declared.project)
    refuse_project_file(path)
    takes = PROJECTS[declared.format].takes
    if "counts_are" in takes:
        raise StudyError(
            f"further_projects: {path.name} holds counts, which cannot be put together with "
            "another project's codings. Make it the project, or export its coded segments."
        )
    return reader(declared.format)(path, **{key: getattr(declared, key) for key in takes})


def _named_as_codes(path: Path, main: Raw, further: Iterable[str]) -> list[EvalweaveError]:
    """Return what is wrong with further projects that are named like a top code of the main one:
    what is below either would be one."""
    tops = {normal(code.names[0].split(JOIN)[0]) for code in main.codes if code.names}
    return [
        StudyError(
            f'further_projects: "{name}" is a top code of {path.name} too, so that the codes of '
            "both would be one. Give the further project another name."
        )
        for name in further
        if normal(name) in tops
    ]


def _no_lists(file: str, unused: list[str], used: list[str]) -> None:
    """Raise `DataError` for codes of the themes that are in the file only inside a list of several:
    counted as they are they would be nobody's."""
    parts = {normal(p): code for code in used if LISTS.search(code) for p in LISTS.split(code)}
    raise_faults(
        Fault(
            file,
            f'the code "{code}" of the themes only as a part of "{parts[normal(code)]}"',
            "one code a cell, or several with semicolons between",
            "Put semicolons between codes; if that is one code, write it so in the themes.",
        )
        for code in unused
        if normal(code) in parts
    )


def _log_unused(log: Log, unused: list[str], used: list[str]) -> None:
    """Say which codes of the themes are not in a file that lists used codes only; a near name is a
    warning."""
    near = {code: difflib.get_close_matches(code, used, n=1, cutoff=0.75) for code in unused}
    for code, near_codes in near.items():
        if near_codes:
            log.warn(
                "codes",
                f'a code of the themes, "{code}", is not in the file, but "{near_codes[0]}" is: '
                "see its spelling",
            )
    rest = sum(not near_codes for near_codes in near.values())
    log.note("codes", "codes of the themes that nobody used (the file lists used codes only)", rest)


def from_tables(
    folder: Path, observation_kinds: tuple[str, ...] = ("field_note", "observation")
) -> Project:
    """Return the project that `evalweave code --out` wrote into a folder."""
    missing = [name for name in CONTRACTS if not (folder / f"{name}.csv").exists()]
    if missing:
        raise DataError(
            f"{folder}: there is no {missing[0]}.csv. Run `evalweave code` with --out {folder} "
            "first."
        )
    written = {
        name: plain(read_table(folder / f"{name}.csv", contract))
        for name, contract in CONTRACTS.items()
    }
    matrix = None
    if (folder / "matrix.csv").exists():
        counts = plain(read_table(folder / "matrix.csv", ROLE_COUNTS))
        matrix = Matrix(counts[["code_id", "role", "n"]], str(counts["counts_are"].iloc[0]))
    return Project(**written, observation_kinds=observation_kinds, matrix=matrix)


def reader(format_: str) -> Callable[..., Raw]:
    """Return the `read` function of a format; its module is imported only now."""
    if format_ not in PROJECTS:
        raise StudyError(f'format: "{format_}" is not a format. {nearest(format_, PROJECTS)}')
    read: Callable[..., Raw] = _module(format_).read
    return read


def _module(format_: str) -> ModuleType:
    return importlib.import_module(f"evalweave.qualitative.formats.{PROJECTS[format_].reader}")


def _taken(format_: str, settings: Qualitative | None) -> dict[str, Any]:
    """Return the settings that a format's reader takes."""
    return {key: getattr(settings, key) for key in PROJECTS[format_].takes} if settings else {}


def recognise(path: Path) -> str:
    """Return the format of a project by its ending, its first bytes and its header."""
    must_exist(path)
    refuse_project_file(path)
    start = b""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(16)
    for format_ in PROJECTS:
        if _module(format_).recognises(path, start):
            return format_
    if path.is_dir():
        raise fault(path, "a folder that holds none", "a coded project", "Give the project's file.")
    raise fault(
        path, "a format that is not known", "a .qdpx, .qda, .sqlite3, .csv, .xlsx or .xls file"
    )


def everyone_eligible(project: Project, themes: list[str]) -> pd.DataFrame:
    """Return an eligibility in which everyone who has a source was asked about every theme."""
    speaking = set(heard(project)["participant_id"])
    rows = [
        (
            person,
            theme,
            person in speaking or project.sources.empty,
            "has a source" if person in speaking else UNHEARD,
        )
        for person in project.participants["participant_id"]
        for theme in themes
    ]
    frame = ELIGIBILITY.conform(pd.DataFrame(rows, columns=ELIGIBILITY.names))
    return frame.sort_values(["participant_id", "theme_id"], ignore_index=True)


def _log_unasked(log: Log, project: Project) -> None:
    """Say who raised a theme without having been asked, and who was asked but has no source."""
    asked = project.eligibility
    yes = set(
        asked.loc[asked["eligible"], ["participant_id", "theme_id"]].itertuples(
            index=False, name=None
        )
    )
    if project.codings.empty:
        return
    raised = codings_by_theme(project).merge(speakers(project), on="segment_id")
    pairs = set(raised[["participant_id", "theme_id"]].itertuples(index=False, name=None))
    log.warn(
        "eligibility",
        "people who raised a theme they are not listed as asked about: they are not counted in it",
        len(pairs - yes),
    )
    silent = {person for person, _ in yes} - set(heard(project)["participant_id"])
    log.warn(
        "eligibility",
        "people listed as asked who are linked to no source: they can only count as silent",
        len(silent),
    )


def _tried(wrong: list[EvalweaveError], read: Callable[[], T]) -> T | None:
    """Read one table; keep its error for later, so that the errors of all tables are said
    together."""
    try:
        return read()
    except EvalweaveError as error:
        wrong.append(error)
        return None
