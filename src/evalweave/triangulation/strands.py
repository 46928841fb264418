"""Both strands as the join stage reads them, and the join itself: tables in, tables and plain data
out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evalweave.errors import nearest
from evalweave.qualitative.counts import COMPLETE, NOT_KNOWN
from evalweave.qualitative.identity import by_normal, normal
from evalweave.qualitative.themes import codes_of_themes, codings_by_theme
from evalweave.tables.joint import INTEGRATION
from evalweave.triangulation import crosswalk, joint_display, meshing, quotes, stances, threads
from evalweave.triangulation.chosen import Decision, decided
from evalweave.triangulation.estimands import Absent, interval_of
from evalweave.triangulation.names import Names, without_names
from evalweave.triangulation.same_words import SameWords
from evalweave.triangulation.speakers import speaker_strings
from evalweave.triangulation.voices_inside import voices_inside

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.qualitative.project import Project
    from evalweave.study.analyses import Analysis
    from evalweave.study.qualitative import Qualitative
    from evalweave.triangulation.claims import Claim
    from evalweave.triangulation.integration import Link
    from evalweave.triangulation.joint_display import Joined
    from evalweave.triangulation.stances import Voices


@dataclass(frozen=True)
class Strands:
    """Both strands: estimates (with why a term has none), the coded project, and its counts."""

    estimates: pd.DataFrame
    absent: Absent
    project: Project
    theme_counts: pd.DataFrame


@dataclass(frozen=True)
class Beside:
    """What people wrote for the joining: decisions on quotations by segment, names that must not
    leave, who belongs to whom, and `integration`."""

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    links: tuple[Link, ...] = ()
    integration: pd.DataFrame | None = None


@dataclass(frozen=True)
class Together:
    """What joining gives: the tables by their names, the detail for JSON, the joined claims, and
    what should be said aloud."""

    joint_display: pd.DataFrame
    quotes: pd.DataFrame
    quote_matrix: pd.DataFrame
    quote_warnings: pd.DataFrame
    accounts: pd.DataFrame
    integration: pd.DataFrame
    detail: dict[str, Any]
    joined: tuple[Joined, ...]
    notes: tuple[str, ...]


def join(
    claims: Sequence[Claim],
    strands: Strands,
    analyses: Sequence[Analysis],
    settings: Qualitative,
    family: Sequence[str] = (),
    beside: Beside = Beside(),
) -> Together:
    """Join the strands claim by claim; deterministic in the tables' content, whatever the order of
    their rows. `family` names the analyses whose differences are one family of comparisons."""
    project = with_claim_names(strands.project, claims)
    labels = dict(zip(project.themes["theme_id"], project.themes["label"], strict=True))
    members = codes_of_themes(project)
    codes = {
        theme: sorted(members.loc[members["theme_id"] == theme, "code_id"]) for theme in labels
    }
    words = stances.words_of(project)
    coded = codings_by_theme(project)
    heard: dict[str, Voices] = {}
    joined = []
    for claim in claims:
        of_theme = coded.loc[coded["theme_id"] == claim.theme_id, "segment_id"]
        heard[claim.claim_id] = stances.voices(
            claim.claim_id,
            asked(claim, project),
            project,
            words,
            frozenset(of_theme),
            claim.minimum,
        )
        interval = interval_of(claim, analyses, strands.estimates, strands.absent, family)
        counted = raised(claim, strands.theme_counts)
        joined.append(joint_display.join_claim(claim, interval, heard[claim.claim_id], *counted))
    strings = speaker_strings(project.participants, settings.attributes, settings.quote_k)
    inside = voices_inside(project)
    quotable = quotes.quotable(
        project.segments, words.spoken, project.participants, strings, inside
    )
    same = SameWords(project.segments)
    usable, warned = decided(quotable, beside.decisions, beside.names, same)
    named = zip(project.codes["code_id"], project.codes["path"], strict=True)
    paths = {code: without_names(path, beside.names) for code, path in named}
    chosen = quotes.select_quotes(
        claims, heard, project.stances, project.codings, project.segments, codes, paths, usable
    )
    written = INTEGRATION.empty() if beside.integration is None else beside.integration
    notes = _notes(claims, heard, project.stances) + _quote_notes(warned)
    of_theme = {
        theme: frozenset(coded.loc[coded["theme_id"] == theme, "segment_id"]) for theme in labels
    }
    mesh = _meshed(project, beside.links, usable, of_theme, chosen, settings.quote_k, same)
    in_pairs = same.of(
        quote["segment_id"] for entry in mesh for pair in entry["pairs"] for quote in pair
    )
    given = coded.drop_duplicates("segment_id").set_index("segment_id")["code_id"]
    matrix = meshing.by_group(usable, of_theme, given.map(paths).to_dict(), in_pairs)
    themed = coded.merge(project.segments[["segment_id", "quote"]], on="segment_id")
    shown = joint_display.detail(joined) | {
        "theme_by_subgroup": crosswalk.theme_by_subgroup(
            analyses, strands.theme_counts, strands.estimates
        ),
        "threads": [
            threads.thread(theme, codes[theme["theme_id"]], chosen, strands.theme_counts, joined)
            for theme in _rows(project.themes, ("theme_id", "label", "definition"))
        ],
        "pairs": [_without_identifiers(entry) for entry in mesh],
        "notes": notes,
    }
    return Together(
        joint_display.table(joined, labels, written),
        chosen,
        matrix,
        warned,
        meshing.accounts(beside.links, words.spoken, themed),
        written,
        shown,
        tuple(joined),
        tuple(notes),
    )


def _meshed(
    project: Project,
    links: Sequence[Link],
    usable: pd.DataFrame,
    of_theme: Mapping[str, frozenset[str]],
    chosen: pd.DataFrame,
    k: int,
    same: SameWords,
) -> list[dict[str, Any]]:
    """Return the pairs of linked people that may be shown, words of the report's other quotations
    left out."""
    people = project.participants
    roles = dict(zip(people["participant_id"], people["role"], strict=True))
    return meshing.pairs(links, usable, of_theme, roles, set(chosen["segment_id"]), k, same)


def _without_identifiers(entry: Mapping[str, Any]) -> dict[str, Any]:
    sides = [[{"role": q["role"], "quote": q["quote"]} for q in pair] for pair in entry["pairs"]]
    return dict(entry) | {"pairs": sides}


def _quote_notes(warned: pd.DataFrame) -> list[str]:
    held = warned.loc[warned["held_back"].fillna(False).astype(bool), "segment_id"].nunique()
    if not held:
        return []
    return [
        f"{held} quotations are held back, since they may name people or places, or hold words "
        "that were left out or redacted in another stretch: see quote_warnings.csv. Redact them, "
        "or choose them by key, in `qualitative: quotes`; words that may leave go to "
        "`allowed_words`."
    ]


def with_claim_names(project: Project, claims: Sequence[Claim]) -> Project:
    """Return the project with stances on claims in the spelling of the claims file."""
    known = by_normal(claim.claim_id for claim in claims)
    named = project.stances["claim_id"].map(lambda name: known.get(normal(str(name)), name))
    return replace(project, stances=project.stances.assign(claim_id=named.astype("string")))


def asked(claim: Claim, project: Project) -> frozenset[str]:
    """Return the people of a claim's role who were asked about its theme."""
    people, table = project.participants, project.eligibility
    of_role = set(people.loc[people["role"] == claim.role, "participant_id"])
    eligible = table.loc[
        (table["theme_id"] == claim.theme_id) & table["eligible"].fillna(False).astype(bool),
        "participant_id",
    ]
    return frozenset(str(person) for person in set(eligible) & of_role)


def raised(claim: Claim, theme_counts: pd.DataFrame) -> tuple[int | None, str]:
    """Return how many people of a claim's role raised its theme, as the count stage counted them,
    and whether that is complete, at least, or not known (None)."""
    row = theme_counts[
        (theme_counts["theme_id"] == claim.theme_id)
        & (theme_counts["role"] == claim.role)
        & theme_counts["code_id"].isna()
        & theme_counts["attribute"].isna()
    ]
    if row.empty:
        return 0, COMPLETE
    import pandas as pd

    k, attributed = row["n_participants"].iloc[0], row["attributed"].iloc[0]
    stated = COMPLETE if pd.isna(attributed) else str(attributed)
    if pd.isna(k):
        return None, NOT_KNOWN
    return int(k), stated


def _notes(claims: Sequence[Claim], heard: Mapping[str, Voices], given: pd.DataFrame) -> list[str]:
    """Return plain sentences on stances that were not counted."""
    declared = [claim.claim_id for claim in claims]
    notes = []
    for other in sorted(set(given["claim_id"].dropna().astype(str)) - set(declared)):
        hint = nearest(other, declared)
        hint = f" {hint}" if hint.startswith("Did you mean") else ""
        notes.append(
            f'The project has stances on "{other}", which is not among the claims: they count '
            f"nowhere.{hint}"
        )
    for claim in claims:
        voice = heard[claim.claim_id]
        if voice.n_outside:
            notes.append(
                f"{claim.claim_id}: stances of people of another role, or not asked about the "
                "theme, are not counted."
            )
        if voice.n_unattributed:
            notes.append(
                f"{claim.claim_id}: stances in words that cannot be given to a person (a "
                "group's too) are not counted; what they could change is not known."
            )
        if voice.n_observations_supporting or voice.n_observations_contradicting:
            notes.append(
                f"{claim.claim_id}: stances in field notes are kept apart; they count nobody."
            )
    return notes


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    plain = frame[list(columns)].astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
