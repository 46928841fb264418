"""Several coded projects of one study, such as link workers' and clients', as one.

Their codebooks are kept apart: codes of a further project stand below its name, `link_workers >
pressure`, and the themes say which codes of which project belong together, and are one code
(`codebooks`). People are the study's, coders of one name are one coder over all projects, and a
source of the same name and text in two projects is one source; without texts, one of the same name
and people. So one project cut in two counts as it did whole, and its coders agree as they did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from evalweave.qualitative.codebooks import in_books
from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.project import CONTRACTS, Project
from evalweave.qualitative.raw import Log

if TYPE_CHECKING:
    from evalweave.tables.contract import Table

TOGETHER = (
    *("codes", "codings", "sources", "source_participants", "segments", "stances"),
    *("import_log", "double_coding"),
)


def below(project: Project, name: str) -> Project:
    """Return a project with every code below `name`, its sources coded with that code book, and
    its log's sentences with it."""
    codes = project.codes.assign(
        code_id=name + JOIN + project.codes["code_id"],
        path=name + JOIN + project.codes["path"],
        parent=(name + JOIN + project.codes["parent"]).fillna(name),
        depth=project.codes["depth"] + 1,
    )
    root = pd.DataFrame({"code_id": [name], "path": [name], "depth": [0], "codable": [False]})
    return replace(
        project,
        codes=_conformed(pd.concat([root, codes]), "codes"),
        codings=project.codings.assign(code_id=name + JOIN + project.codings["code_id"]),
        sources=project.sources.assign(codebooks=name),
        import_log=project.import_log.assign(
            message=f"{name}: " + project.import_log["message"].astype("string")
        ),
    )


def kept_apart(projects: Mapping[str, Project], log: Log) -> list[Project]:
    """Return projects (by name) in which a source has an id of its own that has the name of an
    earlier project's, and no text, and other people or nobody: only these tell the two apart."""
    taken: dict[str, set[str]] = {}
    result, counted = [], 0
    for name, project in projects.items():
        links = project.source_participants.groupby("source_id")["participant_id"]
        people = {str(source): set(listed) for source, listed in links}
        untold = project.sources.loc[project.sources["sha256"].isna(), "source_id"]
        anew = {
            source: f"{source}-{name}"
            for source in untold
            if source in taken and taken[source] != (people.get(source) or {""})
        }
        taken = {source: people.get(source, set()) for source in untold} | taken
        counted += len(anew)
        result.append(_renamed(project, anew) if anew else project)
    log.note(
        "sources",
        "sources without a text have the same name in several projects and other people there: "
        "each project has its own",
        counted,
    )
    return result


def _renamed(project: Project, anew: Mapping[str, str]) -> Project:
    """Return a project with other ids of some sources, and of their segments."""
    segments = project.segments
    of = dict(zip(segments["segment_id"], segments["source_id"], strict=True))
    of |= {
        segment: source
        for source, segment in project.source_participants[["source_id", "segment_id"]].itertuples(
            index=False
        )
        if not pd.isna(segment)
    }
    ids = {
        "source_id": anew,
        "segment_id": {
            segment: anew[source] + segment.removeprefix(source)
            for segment, source in of.items()
            if source in anew
        },
    }
    tables = ("sources", "source_participants", "segments", "codings", "stances", "double_coding")
    return replace(
        project,
        **{
            table: getattr(project, table).replace(
                {c: new for c, new in ids.items() if c in getattr(project, table)}
            )
            for table in tables
        },
    )


def together(projects: Sequence[Project]) -> Project:
    """Return projects (the first the main one) as one; what two of them have is there once."""
    first = projects[0]
    if len(projects) == 1:
        return first
    tables = {}
    for name in TOGETHER:
        contract = CONTRACTS[name]
        whole = pd.concat([getattr(project, name) for project in projects], ignore_index=True)
        key = list(contract.key) or contract.names
        unique = whole.drop_duplicates(key)
        if name == "sources":
            filled = whole.groupby("source_id", as_index=False).first()  # the first that knows it
            books = filled["source_id"].map(in_books(projects))
            unique = filled.assign(codebooks=books).sort_values("source_id")
        elif name != "import_log":
            unique = unique.sort_values(key, na_position="first")
        tables[name] = contract.conform(unique)
    texts = {source: text for each in reversed(projects) for source, text in each.texts.items()}
    return replace(first, **tables, texts=texts)


def _conformed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    contract: Table = CONTRACTS[name]
    return contract.conform(frame)
