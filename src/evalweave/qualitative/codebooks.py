"""Code books of several projects: with which a source was coded, and which of their codes are one.

A source is coded with the code book of its own project: that another project's code is not in it is
nobody's decision. Codes of two projects are one code where the themes say so: they count for the
same themes, and they have the same path in their projects or are the only code of their project
there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from evalweave.qualitative.hierarchy import JOIN
from evalweave.qualitative.identity import normal
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codes_of_themes

MAIN = "(main)"  # no name of a further project
BETWEEN = "; "


def books_of_sources(project: Project) -> dict[str, frozenset[str]]:
    """Return source_id → the projects in which it was coded, `MAIN` or a further one's name."""
    written = project.sources["codebooks"].fillna(MAIN)
    return {
        str(source): frozenset(names.split(BETWEEN))
        for source, names in zip(project.sources["source_id"], written, strict=True)
    }


def written(books: Iterable[str]) -> str | None:
    """Return the cell of `sources.codebooks`; blank for the main project alone."""
    names = sorted(set(books))
    return None if names == [MAIN] else BETWEEN.join(names)


def book_of(code: str, books: Iterable[str]) -> str:
    """Return the project whose code book a code stands in."""
    root = code.split(JOIN)[0]
    return root if root in books else MAIN


def one_code(project: Project) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Return code_id → the code that it is one with (the main project's first), and for each of
    these the projects that have it."""
    books = frozenset().union(*books_of_sources(project).values())
    placed = codes_of_themes(project)
    themes = placed.groupby("code_id")["theme_id"].agg(frozenset).to_dict()
    codes = {
        *project.codes["code_id"],
        *project.codings["code_id"],
        *placed["code_id"],
    }
    groups: dict[object, list[str]] = defaultdict(list)
    for code in sorted(codes):
        groups[themes.get(code) or code].append(code)
    same: dict[str, str] = {}
    having: dict[str, frozenset[str]] = {}
    for together in groups.values():
        for members in _alike(together, books):
            members.sort(key=lambda code: (book_of(code, books) != MAIN, code))
            same |= dict.fromkeys(members, members[0])
            having[members[0]] = frozenset(book_of(code, books) for code in members)
    return same, having


def _alike(codes: Sequence[str], books: frozenset[str]) -> list[list[str]]:
    """Return codes of the same themes in groups that are one code, at most one of each project."""
    of_books = [book_of(code, books) for code in codes]
    if len(set(of_books)) == len(codes):
        return [list(codes)]
    by_path: dict[str, list[str]] = defaultdict(list)
    for code, book in zip(codes, of_books, strict=True):
        by_path[normal(code if book == MAIN else code.removeprefix(book + JOIN))].append(code)
    return list(by_path.values())


def in_books(projects: Sequence[Project]) -> dict[str, str | None]:
    """Return source_id → the cell of `sources.codebooks` over several projects."""
    found: dict[str, set[str]] = defaultdict(set)
    for project in projects:
        for source, books in books_of_sources(project).items():
            found[source] |= books
    return {source: written(books) for source, books in found.items()}
