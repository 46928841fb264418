"""What the log says of who speaks where: sources of nobody or of several, people without any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from evalweave.qualitative.identity import stem
from evalweave.qualitative.people import ALL, EACH, GROUP, UNKNOWN, Link, is_group
from evalweave.qualitative.raw import Log


def log_people(
    log: Log,
    links: Sequence[Link],
    sources: pd.DataFrame,
    participants: pd.DataFrame,
    observation_kinds: Sequence[str],
    marked_in: Sequence[str],
) -> None:
    """Say which sources and people nothing links, and which sources hold words of nobody in
    particular.

    `marked_in` has the source of each marked segment.
    """
    linked_sources = {link.source for link in links}
    observed = set(sources.loc[sources["kind"].isin(observation_kinds), "source_id"])
    everyone = set(sources["source_id"]) - observed
    log.warn(
        "people",
        "sources that nobody is linked to: whose words they hold is not known, so that counts of "
        "themes in them are at best lower bounds. Give a map (source,participant) if somebody "
        "speaks there",
        len(everyone - linked_sources),
    )
    log.note(
        "people",
        "field notes or observations with linked cases: they still belong to nobody",
        len(observed & linked_sources),
    )
    media = set(sources.loc[sources["medium"] != "text", "source_id"])
    log.warn(
        "people",
        "segments of pictures, audio, video, transcripts and PDFs that nobody is linked to: they "
        "count for no person. Link those sources to their people",
        sum(in_source in media & everyone - linked_sources for in_source in marked_in),
    )
    _log_shared(log, links, sources, everyone)
    heard = {link.participant for link in links if link.source not in observed}
    silent = set(participants["participant_id"]) - heard
    log.warn(
        "people", "participants who are linked to no source", len(silent) if len(sources) else 0
    )
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for role in participants["role"].dropna():
        roles[stem(role)].add(role)
    near = [" and ".join(sorted(forms)) for forms in roles.values() if len(forms) > 1]
    log.warn(
        "people",
        f"roles that are nearly one and count apart, each of its own number of people: "
        f"{'; '.join(sorted(near))}. Write them alike if they are one",
        len(near),
    )
    if len(sources) and sources["kind"].isna().any():
        log.warn(
            "sources",
            "sources whose kind is not known: field notes among them would count as somebody's "
            "words",
            int(sources["kind"].isna().sum()),
        )


def _log_shared(log: Log, links: Sequence[Link], sources: pd.DataFrame, everyone: set[str]) -> None:
    """Say which sources several people share as a whole, and what the study declares of them."""
    shared = shared_as_a_whole(links, sources, everyone)
    log.warn(
        "people",
        "sources linked as a whole to several people (or focus groups without turns): whose words "
        "they hold is not known, so that nothing in them counts for any of them. Give each turn "
        "(source,participant,start,end), or say in the table of sources, column shared: each (all "
        "of them said it) or group (a unit of its own)",
        sum(how == UNKNOWN for how in shared.values()),
    )
    log.note(
        "people",
        "sources linked as a whole to several people and declared as said by each of them",
        sum(how == EACH for how in shared.values()),
    )
    log.note(
        "people",
        "sources linked as a whole to several people and declared as the words of a group: a unit "
        "of its own, which counts for none of them; what each of them said is not known",
        sum(how == GROUP for how in shared.values()),
    )


def shared_as_a_whole(
    links: Sequence[Link], sources: pd.DataFrame, among: set[str]
) -> dict[str, str]:
    """Return source → each, group or unknown, for sources that several people share as a whole."""
    whole: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.start is None and not link.segment:
            whole[link.source].add(link.participant)
    kinds = dict(zip(sources["source_id"], sources["kind"].fillna(""), strict=True))
    beside_others = set(sources.loc[sources["unmatched"] == ALL, "source_id"])
    declared = dict(zip(sources["source_id"], sources["shared"].fillna(UNKNOWN), strict=True))
    return {
        source: str(declared[source])
        for source, speaking in whole.items()
        if source in among
        and (len(speaking) > 1 or source in beside_others or is_group(kinds.get(source, "")))
    }
