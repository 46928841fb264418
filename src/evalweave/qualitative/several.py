"""Several coded projects of one study, such as link workers' and clients', as one.

Their codebooks are kept apart: codes of a further project stand below its name, `link_workers >
pressure`, and the themes say which codes of which project belong together, and are one code
(`codebooks`). People are the study's, coders of one name are one coder over all projects, and a
source of the same name and text in two projects is one source. So one project cut in two counts as
it did whole, and its coders agree as they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from evalweave.qualitative.codebooks import in_books
from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.project import CONTRACTS, Project

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
