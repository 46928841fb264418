"""Linked people's accounts of one theme side by side, and quotations by theme and group.

Inside the secure area (`accounts`) every pair stands with all its words. What may leave (`pairs`)
is narrower than for other quotations, since a pair tells more than a person: both may be quoted,
a relation has at least k pairs, nobody's attributes stand beside the words but the role, and the
words stand nowhere else in the report, where they would have attributes. No pair is numbered, so
that pairs cannot be followed over themes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalweave.tables.joint import ACCOUNTS, QUOTES

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.integration import Link
    from evalweave.triangulation.same_words import SameWords

PAIRS = 2  # of a theme and relation that are shown
IN_CELL = 3  # quotations of a theme and group
NEVER_SPOKE = "no coded words"


def accounts(links: Sequence[Link], spoken: pd.DataFrame, themed: pd.DataFrame) -> pd.DataFrame:
    """Return `accounts`: what both of each pair said on each theme, in reading order.

    Args:
        spoken: segment_id, participant_id, source_id: whose words each segment holds.
        themed: theme_id, segment_id, code_id, quote, start.
    """
    import pandas as pd

    said = themed.merge(spoken[["segment_id", "participant_id"]], on="segment_id")
    rows = []
    for number, link in enumerate(links, 1):
        for person, other in ((link.participant, "first"), (link.linked, "second")):
            mine = said[said["participant_id"] == person]
            for row in mine.sort_values(["theme_id", "segment_id", "code_id"]).itertuples():
                rows.append(
                    (
                        *(link.relation, number, row.theme_id, other, person),
                        *(row.segment_id, row.code_id, row.quote),
                    )
                )
    frame = pd.DataFrame(rows, columns=ACCOUNTS.names)
    return ACCOUNTS.conform(
        frame.sort_values(["relation", "theme_id", "pair", "side"], kind="stable")
    )


def pairs(
    links: Sequence[Link],
    usable: pd.DataFrame,
    themes: Mapping[str, Collection[str]],
    roles: Mapping[str, str],
    elsewhere: Collection[str],
    k: int,
    same: SameWords,
) -> list[dict[str, Any]]:
    """Return for each relation and theme the pairs that may be shown: both roles and their words.

    Args:
        usable: quotations that may be shown (segment_id, participant_id, quote, readable).
        themes: theme_id → the segments coded under it.
        roles: participant_id → role.
        elsewhere: segments that the report quotes already.
        k: pairs of a relation below which none is shown.
        same: which stretches hold words of others, so that no words stand twice.
    """
    shown = []
    used = same.of(elsewhere)
    for relation in sorted({link.relation for link in links}):
        of_relation = [link for link in links if link.relation == relation]
        enough = len(of_relation) >= k
        for theme, segments in themes.items():
            sides: list[list[dict[str, str]]] = []
            for link in of_relation if enough else ():
                chosen = [
                    _first(usable, person, set(segments) - used)
                    for person in (link.participant, link.linked)
                ]
                if all(chosen) and len(sides) < PAIRS:
                    used |= same.of(str(quote["segment_id"]) for quote in chosen if quote)
                    people = (link.participant, link.linked)
                    sides.append(
                        [
                            {
                                "role": roles[person],
                                "quote": quote["quote"],
                                "segment_id": str(quote["segment_id"]),
                            }
                            for person, quote in zip(people, chosen, strict=True)
                            if quote
                        ]
                    )
            entry = {"relation": relation, "theme_id": theme, "pairs": sides, "enough": enough}
            shown.append(entry)
    return shown


def _first(usable: pd.DataFrame, person: str, segments: set[str]) -> dict[str, Any] | None:
    mine = usable[(usable["participant_id"] == person) & usable["segment_id"].isin(segments)]
    if mine.empty:
        return None
    order = mine.assign(long=~mine["readable"].astype(bool)).sort_values("long", kind="stable")
    return dict(order.iloc[0])


def by_group(
    usable: pd.DataFrame,
    themes: Mapping[str, Collection[str]],
    codes: Mapping[str, str],
    elsewhere: Collection[str] = (),
) -> pd.DataFrame:
    """Return `quotes` of each theme by what is printed about the speaker, up to `IN_CELL` each,
    each of another person while there are any; words that `pairs` shows are left out.

    `codes`: segment_id → full path of its code.
    """
    import pandas as pd

    rows = []
    for theme, segments in themes.items():
        mine = usable[usable["segment_id"].isin(set(segments) - set(elsewhere))]
        for speaker, group in mine.groupby("speaker", sort=True):
            order = group.assign(
                again=group.groupby("participant_id").cumcount(),
                long=~group["readable"].astype(bool),
                unchosen=group["chosen"] == "",
            ).sort_values(["unchosen", "again", "long"], kind="stable")
            for row in order.head(IN_CELL).to_dict("records"):
                rows.append(
                    {
                        "theme_id": theme,
                        "quote": row["quote"],
                        "speaker": speaker,
                        "code_path": codes.get(str(row["segment_id"]), ""),
                        "participant_id": row["participant_id"],
                        "segment_id": row["segment_id"],
                    }
                )
    return QUOTES.conform(pd.DataFrame(rows, columns=QUOTES.names))
