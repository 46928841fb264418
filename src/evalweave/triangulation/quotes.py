"""Quotations for the report: by a rule, not by taste, with consent, and with both sides shown.

For each claim and stance the eligible people of its role who may be quoted; for each theme one more
without a claim. Within a claim a person who was not quoted yet comes before one who was, a
quotation of readable length (`SHORT` to `LONG` characters) before others, then the order of source
and position. A long one is cut at a word and ends with " […]". The words are left as they are (the
report escapes them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalweave.tables.joint import QUOTES
from evalweave.triangulation.stances import CONTRADICTS, SUPPORTS

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.claims import Claim
    from evalweave.triangulation.stances import Voices

SHORT, LONG, CUT = 40, 320, 400
PER_STANCE = 2
ANY_CLAIM = "*"  # chosen by its key, for whatever it speaks to
USABLE = ("segment_id", "participant_id", "quote", "readable", "speaker", "chosen")
UNUSABLE = ("ambiguous",)  # positions that may point at other words


def quotable(
    segments: pd.DataFrame,
    spoken: pd.DataFrame,
    participants: pd.DataFrame,
    speakers: Mapping[str, str],
    inside: pd.DataFrame,
) -> pd.DataFrame:
    """Return `USABLE` of every segment that may be quoted, in reading order; `chosen` is blank.

    `spoken` says whose words a segment holds; one of several people is not quoted. `inside` says
    who may have words in it besides. Everybody must have consented (not merely be unasked).
    """
    consenting = set(
        participants.loc[participants["consent_quote"].fillna(False).astype(bool), "participant_id"]
    )
    single = spoken.drop_duplicates("segment_id", keep=False)
    unasked = inside.loc[~inside["participant_id"].isin(consenting), "segment_id"]
    usable = segments.merge(single[["segment_id", "participant_id"]], on="segment_id")
    usable = usable[
        usable["participant_id"].isin(consenting & set(speakers))
        & ~usable["segment_id"].isin(unasked)
        & ~usable["offset_check"].isin(UNUSABLE)
        & (usable["quote"].fillna("").str.strip() != "")
    ]
    usable = usable.sort_values(["source_id", "start", "end", "segment_id"], kind="stable")
    return usable.assign(
        quote=usable["quote"].map(shorten),
        readable=usable["quote"].str.strip().str.len().between(SHORT, LONG),
        speaker=usable["participant_id"].map(dict(speakers)),
        chosen="",
    )[[*USABLE]].reset_index(drop=True)


def shorten(quote: str) -> str:
    """Return a quotation without surrounding space, cut at a word when longer than `CUT`
    characters."""
    text = " ".join(str(quote).split())
    return text if len(text) <= CUT else text[:CUT].rsplit(" ", 1)[0] + " […]"


def select_quotes(
    claims: Sequence[Claim],
    voices: Mapping[str, Voices],
    stances: pd.DataFrame,
    codings: pd.DataFrame,
    segments: pd.DataFrame,
    codes_of_theme: Mapping[str, Sequence[str]],
    paths: Mapping[str, str],
    usable: pd.DataFrame,
) -> pd.DataFrame:
    """Return the `tables.QUOTES` of the report.

    Args:
        codes_of_theme: theme_id -> code_ids (with descendants) that make it up.
        paths: code_id -> full path.
        usable: what `quotable` returns, with `chosen` (blank, a claim, or `ANY_CLAIM`): those that
            somebody chose by their key go before those that the rule chooses.
    """
    import pandas as pd

    placed = segments.set_index("segment_id")[["source_id", "start", "end"]]
    themed = codings[["segment_id", "code_id"]].drop_duplicates().join(placed, on="segment_id")
    used: set[str] = set()
    rows: list[dict[str, str]] = []

    def take(candidates: pd.DataFrame, n: int, theme: str, claim: str, stance: str) -> None:
        people: set[str] = set()
        for _ in range(n):
            rest = candidates[~candidates["participant_id"].isin(people)]
            if rest.empty:
                return
            order = rest.assign(
                unchosen=rest["chosen"] == "",
                again=rest["participant_id"].isin(used),
                long=~rest["readable"],
            )
            best = order.sort_values(["unchosen", "again", "long"], kind="stable").iloc[0]
            people.add(best["participant_id"])
            used.add(best["participant_id"])
            rows.append(
                {
                    "claim_id": claim,
                    "theme_id": theme,
                    "stance": stance,
                    "quote": best["quote"],
                    "code_path": _path(
                        best["segment_id"], themed, placed, codes_of_theme.get(theme, ()), paths
                    ),
                    "speaker": best["speaker"],
                    "participant_id": best["participant_id"],
                    "segment_id": best["segment_id"],
                }
            )

    for claim in claims:
        of_claim = stances[stances["claim_id"] == claim.claim_id]
        for stance in (SUPPORTS, CONTRADICTS):
            segments = set(of_claim.loc[of_claim["stance"] == stance, "segment_id"])
            mine = usable[
                usable["segment_id"].isin(segments)
                & usable["participant_id"].isin(voices[claim.claim_id].eligible)
                & usable["chosen"].isin(["", ANY_CLAIM, claim.claim_id])
            ]
            take(mine, PER_STANCE, claim.theme_id, claim.claim_id, stance)
    quoted = {row["segment_id"] for row in rows}
    for theme, codes in codes_of_theme.items():
        of_theme = set(codings.loc[codings["code_id"].isin(list(codes)), "segment_id"])
        mine = usable[usable["segment_id"].isin(of_theme - quoted)]
        mine = mine[mine["chosen"].isin(["", ANY_CLAIM])]
        people = mine.loc[mine["chosen"] == ANY_CLAIM, "participant_id"].nunique()
        take(mine, max(1, people), theme, "", "")
    frame = pd.DataFrame(rows, columns=QUOTES.names)
    return QUOTES.conform(frame.mask(frame == ""))


def _path(
    segment: str,
    themed: pd.DataFrame,
    placed: pd.DataFrame,
    of_theme: Sequence[str],
    paths: Mapping[str, str],
) -> str:
    """Return the full path of the code of a segment, or of one that overlaps it (stances may be
    marked apart).

    A code of the theme goes before others, the segment's own before an overlapping one's, then by
    name.
    """
    at = placed.loc[segment]
    overlap = (themed["start"] < at["end"]) & (themed["end"] > at["start"])
    near = themed[
        (themed["segment_id"] == segment)
        | ((themed["source_id"] == at["source_id"]) & overlap.fillna(False).astype(bool))
    ]
    theme = set(of_theme)
    order = sorted(
        (code not in theme, own != segment, code)
        for code, own in zip(near["code_id"], near["segment_id"], strict=True)
    )
    return paths.get(order[0][2], order[0][2]) if order else "no code but the stance"
