"""Both strands as the join stage reads them, and the join itself: tables in, tables and plain data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalweave.errors import nearest
from evalweave.qualitative.hierarchy import JOIN
from evalweave.triangulation import crosswalk, joint_display, quotes, stances, threads
from evalweave.triangulation.estimands import Absent, interval_of
from evalweave.triangulation.speakers import speaker_strings

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study import Analysis, Qualitative
    from evalweave.triangulation.claims import Claim
    from evalweave.triangulation.joint_display import Joined
    from evalweave.triangulation.stances import Voices


@dataclass(frozen=True)
class Strands:
    """The tables of both strands, by the names of their contracts."""

    estimates: pd.DataFrame
    absent: Absent
    participants: pd.DataFrame
    sources: pd.DataFrame
    source_participants: pd.DataFrame
    eligibility: pd.DataFrame
    codes: pd.DataFrame
    themes: pd.DataFrame
    theme_codes: pd.DataFrame
    segments: pd.DataFrame
    codings: pd.DataFrame
    stances: pd.DataFrame
    theme_counts: pd.DataFrame


@dataclass(frozen=True)
class Together:
    """What joining gives: two tables, the detail for JSON, the joined claims, and what should be said aloud."""

    joint_display: pd.DataFrame
    quotes: pd.DataFrame
    detail: dict[str, Any]
    joined: tuple[Joined, ...]
    notes: tuple[str, ...]


def join(
    claims: Sequence[Claim], strands: Strands, analyses: Sequence[Analysis], settings: Qualitative
) -> Together:
    """Join the strands claim by claim; deterministic in the tables' content, whatever the order of their rows."""
    labels = dict(zip(strands.themes["theme_id"], strands.themes["label"], strict=True))
    codes = codes_of_themes(strands.theme_codes, strands.codes)
    spoken = stances.speakers(strands.segments, strands.source_participants)
    observations = stances.observation_sources(strands.sources, settings.observation_kinds)
    coders = stances.readers(strands.codings, strands.stances, strands.segments)
    heard: dict[str, Voices] = {}
    joined = []
    for claim in claims:
        heard[claim.claim_id] = stances.voices(
            claim.claim_id,
            asked(claim, strands),
            strands.stances,
            spoken,
            strands.segments,
            coders,
            observations,
        )
        interval = interval_of(claim, analyses, strands.estimates, strands.absent)
        joined.append(
            joint_display.join_claim(
                claim, interval, heard[claim.claim_id], raised(claim, strands.theme_counts)
            )
        )
    usable = quotes.quotable(
        strands.segments, spoken, strands.participants,
        speaker_strings(strands.participants, settings.attributes, settings.quote_k), observations,
    )  # fmt: skip
    chosen = quotes.select_quotes(
        claims, heard, strands.stances, strands.codings, strands.segments, codes,
        dict(zip(strands.codes["code_id"], strands.codes["path"], strict=True)), usable, settings.stance_prefix,
    )  # fmt: skip
    shown = joint_display.detail(joined) | {
        "theme_by_subgroup": crosswalk.theme_by_subgroup(analyses, strands.theme_counts, strands.estimates),
        "threads": [
            threads.thread(theme, codes.get(theme["theme_id"], ()), chosen, strands.theme_counts, joined)
            for theme in _rows(strands.themes, ("theme_id", "label", "definition"))
        ],
        "notes": (notes := _notes(claims, heard, strands.stances)),
    }
    return Together(joint_display.table(joined, labels), chosen, shown, tuple(joined), tuple(notes))


def asked(claim: Claim, strands: Strands) -> frozenset[str]:
    """Return the people of a claim's role who were asked about its theme."""
    of_role = set(strands.participants.loc[strands.participants["role"] == claim.role, "participant_id"])
    table = strands.eligibility
    eligible = table.loc[
        (table["theme_id"] == claim.theme_id) & table["eligible"].fillna(False).astype(bool), "participant_id"
    ]
    return frozenset(str(person) for person in set(eligible) & of_role)


def raised(claim: Claim, theme_counts: pd.DataFrame) -> int:
    """Return how many people of a claim's role raised its theme, as the count stage counted them."""
    row = theme_counts[
        (theme_counts["theme_id"] == claim.theme_id)
        & (theme_counts["role"] == claim.role)
        & theme_counts["code_id"].isna()
        & theme_counts["attribute"].isna()
    ]
    return 0 if row.empty or row["n_participants"].isna().all() else int(row["n_participants"].iloc[0])


def codes_of_themes(theme_codes: pd.DataFrame, codes: pd.DataFrame) -> dict[str, list[str]]:
    """Return theme_id -> the code_ids that make it up, those below a code included where the theme says so."""
    known = sorted(codes["code_id"].astype(str))
    of_theme: dict[str, set[str]] = {}
    for theme, code, below in zip(
        theme_codes["theme_id"], theme_codes["code_id"], theme_codes["descendants"], strict=True
    ):
        found = of_theme.setdefault(str(theme), set())
        found.add(str(code))
        if below:
            found.update(each for each in known if each.startswith(f"{code}{JOIN}"))
    return {theme: sorted(found) for theme, found in sorted(of_theme.items())}


def _notes(claims: Sequence[Claim], heard: Mapping[str, Voices], given: pd.DataFrame) -> list[str]:
    """Return plain sentences on stances that were not counted."""
    declared = [claim.claim_id for claim in claims]
    notes = []
    for other in sorted(set(given["claim_id"].dropna().astype(str)) - set(declared)):
        hint = nearest(other, declared)
        hint = f" {hint}" if hint.startswith("Did you mean") else ""
        notes.append(
            f'The project has stances on "{other}", which is not among the claims: they count nowhere.{hint}'
        )
    for claim in claims:
        voice = heard[claim.claim_id]
        if voice.n_outside:
            notes.append(
                f"{claim.claim_id}: stances of people of another role, or not asked about the theme, are not counted."
            )
        if voice.n_observations_supporting or voice.n_observations_contradicting:
            notes.append(f"{claim.claim_id}: stances in field notes are kept apart; they count nobody.")
    return notes


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    plain = frame[list(columns)].astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
