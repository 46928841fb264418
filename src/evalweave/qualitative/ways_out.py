"""Tables for other programs: participant × code, one row a quotation and code, the codebook.

All of them stay in the secure area. Not known is not no: a person's cell is blank, not 0, where
words with the code may be theirs but can be given to nobody, where they have no source, and where
they were asked about none of the code's themes. A theme's code that nobody used is there: 0 of N is
a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from evalweave.qualitative.attribution import Attribution, attribution
from evalweave.qualitative.hierarchy import JOIN, is_below
from evalweave.qualitative.identity import normal
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codes_of_themes

BETWEEN = "; "
PERSON = ("participant_id", "role")  # before the codes' columns


def participant_codes(project: Project) -> pd.DataFrame:
    """Return a row a participant: participant_id, role and, for each code by its full path, how
    many stretches of theirs carry it; blank where it is not known.

    The codes are those in use, and those of themes of which, and below which, nobody used any.
    One that is called as another column has ` (code)` behind its path.
    """
    given = project.codings[["segment_id", "code_id"]].drop_duplicates()
    words = attribution(project)
    themes = codes_of_themes(project)
    used = set(given["code_id"])
    codes = sorted(used | {c for c in themes["code_id"] if not _any_below(c, used)})
    people = project.participants[[*PERSON]]
    counted = _crossed(given.merge(words.spoken, on="segment_id"), people, codes)
    maybe = _crossed(given.merge(words.candidates, on="segment_id"), people, codes)
    known = counted.mask((counted == 0) & ((maybe > 0) | ~_heard(project, themes, counted)))
    named = known.reset_index(drop=True).rename(columns=_apart(codes, PERSON, " (code)"))
    return pd.concat([people.reset_index(drop=True), named], axis=1)


def _apart(names: Iterable[str], taken: Iterable[str], mark: str) -> dict[str, str]:
    """Return another name for each that another column has, in whatever capitals."""
    names = list(names)
    held = {normal(name) for name in (*names, *taken)}
    other = {}
    for name in names:
        if normal(name) in {normal(each) for each in taken}:
            new = name + mark
            while normal(new) in held:
                new += mark
            held.add(normal(new))
            other[name] = new
    return other


def _any_below(code: str, used: set[str]) -> bool:
    root = tuple(code.split(JOIN))
    return any(is_below(tuple(other.split(JOIN)), root) for other in used)


def _heard(project: Project, themes: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Return, in the shape of `counted`, whether a person has a source and was asked about one of
    the code's themes, or the code is of none."""
    asked = project.eligibility[project.eligibility["eligible"].fillna(False).astype(bool)]
    pairs = asked.merge(themes, on="theme_id")[["participant_id", "code_id"]]
    table = pd.crosstab(pairs["participant_id"], pairs["code_id"]) > 0
    table = table.reindex(index=counted.index, columns=counted.columns, fill_value=False)
    table.loc[:, ~counted.columns.isin(themes["code_id"])] = True
    speaking = counted.index.isin(project.source_participants["participant_id"])
    return table.mul(speaking, axis=0).astype(bool)


def said_or_not(counts: pd.DataFrame) -> pd.DataFrame:
    """Return `participant_codes` with 1 in place of every count above 0."""
    codes = [name for name in counts if name not in PERSON]
    return counts.assign(**{code: counts[code].clip(upper=1) for code in codes})


def _crossed(given: pd.DataFrame, people: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    table = pd.crosstab(given["participant_id"], given["code_id"])
    return table.reindex(index=people["participant_id"], columns=codes, fill_value=0).astype(
        "Int64"
    )


COLUMNS = (
    *("segment_id", "source", "kind", "phase", "date", "start", "end", "place"),
    *("participant_id", "code", "themes", "coders", "quote"),
)


def quotations(project: Project) -> pd.DataFrame:
    """Return a row a stretch and code: whose words, their attributes, source, place, full path,
    themes, coders and the words; sorted by source and place."""
    given = (
        project.codings.groupby(["segment_id", "code_id"], sort=True)["coder_id"]
        .agg(lambda coders: BETWEEN.join(sorted(set(coders))))
        .rename("coders")
        .reset_index()
    )
    themes = (
        codes_of_themes(project)
        .groupby("code_id")["theme_id"]
        .agg(lambda ids: BETWEEN.join(sorted(set(ids))))
        .rename("themes")
    )
    people = project.participants
    attributes = [name for name in people if name != "participant_id"]
    people = people.rename(columns=_apart(attributes, COLUMNS, " (participant)"))
    attributes = [name for name in people if name != "participant_id"]
    spoken = attribution(project).spoken.merge(people, on="participant_id")
    joined = spoken.groupby("segment_id")[["participant_id", *attributes]].agg(
        lambda values: BETWEEN.join(dict.fromkeys(str(v) for v in values if pd.notna(v)))
    )
    sources = project.sources[["source_id", "name", "kind", "phase", "date"]]
    frame = given.merge(project.segments, on="segment_id").merge(sources, on="source_id")
    frame = frame.join(joined, on="segment_id").join(themes, on="code_id")
    frame = frame.rename(columns={"name": "source", "code_id": "code"})
    columns = [*COLUMNS[:9], *attributes, *COLUMNS[9:]]
    return frame.sort_values(["source_id", "start", "segment_id", "code"])[columns]


def codebook(project: Project) -> pd.DataFrame:
    """Return a row a code: path, description, themes, and how often it was given, by itself and
    with everything below it (set union): references, sources, and people of each role; those are
    blank where words with the code may be those of more people of the role."""
    given = project.codings[["segment_id", "code_id"]].drop_duplicates()
    given = given.merge(project.segments[["segment_id", "source_id"]], on="segment_id")
    words, people = attribution(project), project.participants
    roles = {role: set(group["participant_id"]) for role, group in people.groupby("role")}
    themes = codes_of_themes(project).groupby("code_id")["theme_id"]
    of_code = {code: BETWEEN.join(sorted(set(ids))) for code, ids in themes}
    paths = {code: tuple(code.split(JOIN)) for code in project.codes["code_id"]}
    rows = []
    for code in project.codes.itertuples(index=False):
        under = [c for c, path in paths.items() if is_below(path, paths[code.code_id])]
        own = given[given["code_id"] == code.code_id]
        whole = given[given["code_id"].isin([code.code_id, *under])]
        rows.append(
            {
                "code": code.code_id,
                "description": code.description,
                "themes": of_code.get(code.code_id),
                "n_references": len(own),
                "n_references_below": len(whole),
                "n_sources_below": whole["source_id"].nunique(),
            }
            | {
                f"n_{role}_below": n
                for role, n in _people(words, set(whole["segment_id"]), roles).items()
            }
        )
    counts = {f"n_{role}_below": "Int64" for role in roles}
    return pd.DataFrame(rows).astype(counts if rows else {})


def _people(
    words: Attribution, segments: set[str], roles: Mapping[str, set[str]]
) -> dict[str, int | None]:
    """Return by role how many people's words some segments hold; None where it is not known."""
    said, maybe = (
        set(table.loc[table["segment_id"].isin(segments), "participant_id"])
        for table in (words.spoken, words.candidates)
    )
    return {
        role: None if (maybe - said) & people else len(said & people)
        for role, people in roles.items()
    }
