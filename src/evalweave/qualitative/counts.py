"""Theme counts: people who raised a theme (k) out of those asked about it (N), then references and
sources.

For a theme or code c with everything below it, C(c), and a role r:
    k = |{people of role r who were asked, with a segment coded with any code of C(c)}|
    n_references = |{(segment, code)}| and n_sources = |{source}| over the same people's segments.
Union, never a sum over children; roles are never pooled; a coding given by several coders is one
reference. Observations, groups and words that nobody owns have no k and no N.

Not known is not no. With K the people who raised it and those whose words a coded segment may be
that can be given to nobody, the count is `complete` when |K| = k, `at least` k when |K| > k > 0,
and `not known` (k blank) when |K| > k = 0. Where no table says who was asked, somebody without a
source is not among the N, and still among K, since a source of nobody known may be theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from evalweave.qualitative.attribution import APART, OBSERVATION, UNATTRIBUTED, attribution
from evalweave.qualitative.hierarchy import JOIN, is_below
from evalweave.qualitative.project import Project
from evalweave.qualitative.themes import codes_of_themes
from evalweave.tables.qualitative import THEME_COUNTS

NOT_STATED = "not stated"
COMPLETE, AT_LEAST, NOT_KNOWN = "complete", "at least", "not known"
UNHEARD = "no source"  # why somebody does not count as asked, unless words of nobody are theirs
CELL = ["theme_id", "code_id", "role"]
GROUP = [*CELL, "attribute", "attribute_level"]


def theme_counts(project: Project, attributes: Sequence[str] = ()) -> pd.DataFrame:
    """Return `theme_counts`: themes and codes by role, themes also by each attribute, one at a
    time.

    A blank code_id is the whole theme. Rows with k = 0 are there; rows of groups and of nobody only
    where there are any.
    """
    if project.matrix is not None:
        return _declared(project)
    nodes = _nodes(project)
    given = project.codings[["segment_id", "code_id"]].drop_duplicates()
    given = given.merge(project.segments[["segment_id", "source_id"]], on="segment_id")
    coded = nodes.merge(given.rename(columns={"code_id": "member"}), on="member")
    asked = _asked(project)
    words = attribution(project)
    people = {
        "raised": coded.merge(words.spoken, on="segment_id"),
        "candidates": coded.merge(words.candidates, on="segment_id"),
    }
    asked_or_open = _asked(project, also=UNHEARD)
    among = {"raised": asked, "candidates": asked_or_open}
    people = {
        name: f.merge(among[name], on=["theme_id", "participant_id"]) for name, f in people.items()
    }
    people["asked"] = asked

    cells = nodes[["theme_id", "code_id"]].drop_duplicates()
    everyone = pd.DataFrame({"role": sorted(project.participants["role"].unique())}, dtype="string")
    parts = [_people(cells.merge(everyone, how="cross"), **people, by=CELL)]
    whole = cells[cells["code_id"] == ""]
    for attribute in attributes:
        levels = project.participants[["role"]].assign(
            attribute=attribute, attribute_level=_level(project.participants, attribute)
        )
        grid = whole.merge(levels.drop_duplicates(), how="cross")
        with_level = {
            name: frame.assign(attribute=attribute, attribute_level=_level(frame, attribute))
            for name, frame in people.items()
        }
        parts.append(_people(grid, **with_level, by=GROUP))
    parts.append(_nobody(project, cells, coded.merge(words.apart, on="segment_id")))
    return _finished(pd.concat(parts, ignore_index=True))


def _asked(project: Project, also: str = "") -> pd.DataFrame:
    """Return participants by theme they were asked about, and those who were not for the reason
    `also`."""
    listed = project.eligibility
    asked = listed["eligible"] | (listed["reason"] == also).fillna(False)
    rows = listed.loc[asked, ["participant_id", "theme_id"]]
    return rows.merge(project.participants, on="participant_id")


def fieldwork(project: Project) -> pd.DataFrame:
    """Return role, kind, phase, n_sources, n_participants, first_month and last_month: what was
    done with whom, and when.

    A source counts in the row of every role that speaks in it; observations belong to nobody.
    """
    sources = project.sources[["source_id", "kind", "phase", "date"]].copy()
    sources["month"] = sources["date"].astype("string").str[:7]
    observed = sources["kind"].isin(project.observation_kinds).fillna(False)
    links = project.source_participants[["source_id", "participant_id"]].drop_duplicates()
    links = links.merge(project.participants[["participant_id", "role"]], on="participant_id")
    people = sources[~observed].merge(links, on="source_id", how="left")
    people["role"] = people["role"].fillna(UNATTRIBUTED)
    notes = sources[observed].assign(role=OBSERVATION, participant_id=pd.NA)
    rows = pd.concat([people, notes], ignore_index=True).fillna({"kind": NOT_STATED, "phase": ""})
    grouped = rows.groupby(["role", "kind", "phase"], sort=True)
    counted = grouped.agg(
        n_sources=("source_id", "nunique"),
        n_participants=("participant_id", "nunique"),
        first_month=("month", "min"),
        last_month=("month", "max"),
    )
    counted = counted.reset_index().astype({"n_sources": "Int64", "n_participants": "Int64"})
    counted.loc[counted["role"].isin(APART), "n_participants"] = pd.NA
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
    grid: pd.DataFrame,
    raised: pd.DataFrame,
    candidates: pd.DataFrame,
    asked: pd.DataFrame,
    by: list[str],
) -> pd.DataFrame:
    """Count people, references and sources for every cell of `grid`, and say how complete that
    is."""
    k = raised.groupby(by)["participant_id"].nunique().rename("n_participants")
    may_have = pd.concat([raised[[*by, "participant_id"]], candidates[[*by, "participant_id"]]])
    possible = may_have.groupby(by)["participant_id"].nunique().rename("n_possible")
    references = (
        raised.drop_duplicates([*by, "segment_id", "member"])
        .groupby(by)
        .size()
        .rename("n_references")
    )
    sources = raised.groupby(by)["source_id"].nunique().rename("n_sources")
    asked_by = [name for name in by if name != "code_id"]
    eligible = asked.groupby(asked_by)["participant_id"].nunique().rename("n_eligible")
    counted = grid.merge(
        pd.concat([k, possible, references, sources], axis=1).reset_index(), on=by, how="left"
    )
    counted = counted.merge(eligible.reset_index(), on=asked_by, how="left")
    numbers = ["n_participants", "n_possible", "n_eligible", "n_references", "n_sources"]
    counted[numbers] = counted[numbers].astype("Int64").fillna(0)
    open_ = counted["n_possible"] > counted["n_participants"]
    none = counted["n_participants"] == 0
    counted["attributed"] = COMPLETE
    counted.loc[open_, "attributed"] = AT_LEAST
    counted.loc[open_ & none, "attributed"] = NOT_KNOWN
    counted.loc[open_ & none, "n_participants"] = pd.NA
    return counted.drop(columns="n_possible")


def _nobody(project: Project, cells: pd.DataFrame, apart: pd.DataFrame) -> pd.DataFrame:
    """Count references and sources of observations, of groups, and of words that nobody owns."""
    references = (
        apart.drop_duplicates([*CELL, "segment_id", "member"])
        .groupby(CELL)
        .size()
        .rename("n_references")
    )
    sources = apart.groupby(CELL)["source_id"].nunique().rename("n_sources")
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
