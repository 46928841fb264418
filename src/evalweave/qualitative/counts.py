"""Theme counts: people who raised a theme (k) out of those asked about it (N), then references and
sources.

For a theme or code c with everything below it, C(c), and a role r:
    k = |{people of role r who were asked, with a segment coded with any code of C(c)}|
    n_references = |{(segment, code)}| and n_sources = |{source}| over the same people's segments.
Union, never a sum over children; roles are never pooled; a coding given by several coders is one
reference. Observations and words that nobody owns have no k and no N.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from evalweave.qualitative.attribution import OBSERVATION, UNATTRIBUTED, roles, speakers
from evalweave.qualitative.hierarchy import JOIN, is_below
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codes_of_themes
from evalweave.tables.qualitative import THEME_COUNTS

NOT_STATED = "not stated"
CELL = ["theme_id", "code_id", "role"]
GROUP = [*CELL, "attribute", "attribute_level"]


def theme_counts(project: Project, attributes: Sequence[str] = ()) -> pd.DataFrame:
    """Return `theme_counts`: themes and codes by role, themes also by each attribute, one at a
    time.

    A blank code_id is the whole theme. Rows with k = 0 are there; `unattributed` rows only where
    there are any.
    """
    if project.matrix is not None:
        return _declared(project)
    nodes = _nodes(project)
    given = project.codings[["segment_id", "code_id"]].drop_duplicates()
    given = given.merge(project.segments[["segment_id", "source_id"]], on="segment_id")
    coded = nodes.merge(given.rename(columns={"code_id": "member"}), on="member")
    asked = project.eligibility.loc[project.eligibility["eligible"], ["participant_id", "theme_id"]]
    asked = asked.merge(project.participants, on="participant_id")
    said = coded.merge(speakers(project), on="segment_id")
    said = said.merge(asked, on=["theme_id", "participant_id"])

    cells = nodes[["theme_id", "code_id"]].drop_duplicates()
    everyone = pd.DataFrame({"role": sorted(project.participants["role"].unique())}, dtype="string")
    parts = [_people(cells.merge(everyone, how="cross"), said, asked, CELL)]
    whole = cells[cells["code_id"] == ""]
    for attribute in attributes:
        levels = project.participants[["role"]].assign(
            attribute=attribute, attribute_level=_level(project.participants, attribute)
        )
        grid = whole.merge(levels.drop_duplicates(), how="cross")
        with_level = {
            name: frame.assign(attribute=attribute, attribute_level=_level(frame, attribute))
            for name, frame in (("said", said), ("asked", asked))
        }
        parts.append(_people(grid, with_level["said"], with_level["asked"], GROUP))
    parts.append(_nobody(project, cells, coded))
    return _finished(pd.concat(parts, ignore_index=True))


def fieldwork(project: Project) -> pd.DataFrame:
    """Return role, kind, phase, n_sources, n_participants: what was done with whom.

    A source counts in the row of every role that speaks in it; observations belong to nobody.
    """
    sources = project.sources[["source_id", "kind", "phase"]].copy()
    observed = sources["kind"].isin(project.observation_kinds).fillna(False)
    links = project.source_participants[["source_id", "participant_id"]].drop_duplicates()
    links = links.merge(project.participants[["participant_id", "role"]], on="participant_id")
    people = sources[~observed].merge(links, on="source_id", how="left")
    people["role"] = people["role"].fillna(UNATTRIBUTED)
    notes = sources[observed].assign(role=OBSERVATION, participant_id=pd.NA)
    rows = pd.concat([people, notes], ignore_index=True).fillna({"kind": NOT_STATED, "phase": ""})
    grouped = rows.groupby(["role", "kind", "phase"], sort=True)
    counted = grouped.agg(
        n_sources=("source_id", "nunique"), n_participants=("participant_id", "nunique")
    )
    counted = counted.reset_index().astype({"n_sources": "Int64", "n_participants": "Int64"})
    counted.loc[counted["role"].isin([OBSERVATION, UNATTRIBUTED]), "n_participants"] = pd.NA
    counted["phase"] = counted["phase"].replace("", pd.NA)
    return counted


def _nodes(project: Project) -> pd.DataFrame:
    """Return (theme_id, code_id, member): the whole theme (blank) and each of its codes, with what
    is below."""
    rows = []
    for theme, codes in codes_of_themes(project).groupby("theme_id")["code_id"]:
        paths = {code: tuple(code.split(JOIN)) for code in codes}
        for member, path in paths.items():
            rows.append((theme, "", member))
            rows += [(theme, code, member) for code, root in paths.items() if is_below(path, root)]
    return pd.DataFrame(rows, columns=["theme_id", "code_id", "member"], dtype="string")


def _people(
    grid: pd.DataFrame, said: pd.DataFrame, asked: pd.DataFrame, by: list[str]
) -> pd.DataFrame:
    """Count people, references and sources for every cell of `grid`."""
    k = said.groupby(by)["participant_id"].nunique().rename("n_participants")
    references = (
        said.drop_duplicates([*by, "segment_id", "member"])
        .groupby(by)
        .size()
        .rename("n_references")
    )
    sources = said.groupby(by)["source_id"].nunique().rename("n_sources")
    asked_by = [name for name in by if name != "code_id"]
    eligible = asked.groupby(asked_by)["participant_id"].nunique().rename("n_eligible")
    counted = grid.merge(
        pd.concat([k, references, sources], axis=1).reset_index(), on=by, how="left"
    )
    counted = counted.merge(eligible.reset_index(), on=asked_by, how="left")
    numbers = ["n_participants", "n_eligible", "n_references", "n_sources"]
    counted[numbers] = counted[numbers].astype("Int64").fillna(0)
    return counted


def _nobody(project: Project, cells: pd.DataFrame, coded: pd.DataFrame) -> pd.DataFrame:
    """Count references and sources of observations, and of words that nobody owns."""
    spoken = roles(project)
    spoken = spoken[spoken["role"].isin([OBSERVATION, UNATTRIBUTED])]
    found = coded.merge(spoken, on="segment_id")
    references = (
        found.drop_duplicates([*CELL, "segment_id", "member"])
        .groupby(CELL)
        .size()
        .rename("n_references")
    )
    sources = found.groupby(CELL)["source_id"].nunique().rename("n_sources")
    counted = pd.concat([references, sources], axis=1).reset_index()
    if project.sources["kind"].isin(project.observation_kinds).any():
        zero = cells.assign(role=OBSERVATION).astype({"role": "string"})
        counted = zero.merge(counted, on=CELL, how="outer")
    counted[["n_references", "n_sources"]] = (
        counted[["n_references", "n_sources"]].astype("Int64").fillna(0)
    )
    return counted


def _level(frame: pd.DataFrame, attribute: str) -> pd.Series:
    return frame[attribute].astype("string").fillna(NOT_STATED)


def _declared(project: Project) -> pd.DataFrame:
    """Return counts as a matrix declares them; a theme of one code has that code's, others none."""
    assert project.matrix is not None
    column = {
        "participants": "n_participants",
        "references": "n_references",
        "sources": "n_sources",
    }
    counts = project.matrix.counts
    pairs = project.theme_codes[["theme_id", "code_id"]]
    rows = pairs.merge(counts, on="code_id")
    single = pairs.groupby("theme_id")["code_id"].transform("size") == 1
    whole = pairs[single].merge(counts, on="code_id").assign(code_id="")
    rows = pd.concat([rows, whole], ignore_index=True)
    if project.matrix.counts_are in column:
        rows[column[project.matrix.counts_are]] = rows["n"].astype("Int64")
    asked = project.eligibility.loc[project.eligibility["eligible"]].merge(
        project.participants, on="participant_id"
    )
    eligible = asked.groupby(["theme_id", "role"]).size().rename("n_eligible").reset_index()
    rows = rows.merge(eligible, on=["theme_id", "role"], how="left")
    if project.matrix.counts_are == "participants":
        over = rows["n_participants"] > rows["n_eligible"].fillna(0)
        rows.loc[over, "n_eligible"] = (
            pd.NA
        )  # more people than were asked: the denominator is another one
    return _finished(rows)


def _finished(rows: pd.DataFrame) -> pd.DataFrame:
    for name in ("attribute", "attribute_level"):
        if name not in rows:
            rows[name] = pd.NA
    rows["code_id"] = rows["code_id"].replace("", pd.NA)
    rows = rows.sort_values(GROUP, na_position="first")
    return THEME_COUNTS.conform(rows)
