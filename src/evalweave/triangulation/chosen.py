"""Quotations chosen, left out or redacted by their key, and those held back for a name in them.

A key is the segment's identifier, as `segments.csv` of the code stage and `quotes.csv` of the join
stage show it inside the secure area. Words that were left out are shown by no other key that holds
some of them, and words that were redacted by none but one that was redacted too. Everything that
no key decides follows the rule of `quotes`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.reading import tables
from evalweave.reading.cells import unguarded
from evalweave.tables.joint import QUOTE_WARNINGS
from evalweave.triangulation.names import CAPITAL, Names, signs, wrong_redaction
from evalweave.triangulation.quotes import ANY_CLAIM, shorten
from evalweave.triangulation.same_words import SameWords

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SHOW, LEAVE_OUT, REDACT = "show", "leave_out", "redact"
DECISIONS = (SHOW, LEAVE_OUT, REDACT)
ELSEWHERE = "decided elsewhere"  # the sign of words left out or redacted in another stretch


@dataclass(frozen=True)
class Decision:
    """What somebody decided on one quotation; `words` where parts of it are replaced."""

    segment_id: str
    decision: str
    words: str
    claim_id: str  # blank: for whatever it speaks to
    author: str
    date: dt.date


def read_decisions(
    path: Path | str, segments: Mapping[str, str], claims: Iterable[str]
) -> dict[str, Decision]:
    """Return decisions by segment_id; `segments`: segment_id → its words.

    Raises:
        DataError: with everything that is wrong, at once; no words are repeated.
    """
    sheet = tables.read(
        path,
        ["segment_id", "decision", "author", "date"],
        ["words", "claim_id", "reason"],
        identifiers=["segment_id"],
    )
    claimed, faults, decided = list(claims), list[Fault](), dict[str, Decision]()
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        before = len(faults)

        def fault(column: str, what: str, expected: str, action: str = "", at: int = line) -> None:
            faults.append(Fault(sheet.file, what, expected, action, at, column))

        key, words = unguarded(row["segment_id"]), row.get("words", "")
        if key not in segments:
            fault("segment_id", "a segment that the project does not have", "one of segments.csv")
        elif key in decided:
            fault("segment_id", "the same segment again", "one decision each")
        if row["decision"] not in DECISIONS:
            hint = nearest(row["decision"], DECISIONS)
            fault("decision", "another word", f"one of {', '.join(DECISIONS)}", hint)
        if row["decision"] == REDACT and not words:
            fault("words", "a blank", "the redacted words, such as [the town] for a place")
        if row["decision"] == LEAVE_OUT and words:
            fault("words", "words beside leave_out", "a blank")
        if words and key in segments and wrong_redaction(segments[key], words):
            expected = (
                "the quotation's own whole words, in order, with [replacements] in square brackets "
                "or […] for all that is left out, at the beginning and the end too"
            )
            fault("words", "words that the quotation does not have", expected)
        if row.get("claim_id") and row["claim_id"] not in claimed:
            fault("claim_id", "another claim", "a claim_id", nearest(row["claim_id"], claimed))
        if not row["author"]:
            fault("author", "a blank", "who decided")
        date = _date(row["date"])
        if date is None:
            fault("date", "no date", "a date such as 2026-11-30")
        if len(faults) == before and date is not None:
            claim = row.get("claim_id", "")
            decided[key] = Decision(key, row["decision"], words, claim, row["author"], date)
    raise_faults(faults)
    return decided


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def decided(
    usable: pd.DataFrame,
    decisions: Mapping[str, Decision],
    names: Names,
    same: SameWords,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the quotations that may be shown, and `quote_warnings` on those that may name
    somebody or hold words that were left out or redacted in another stretch.

    `usable` as `quotes.quotable` returns it; `chosen` becomes the claim for which a quotation was
    chosen, or `ANY_CLAIM`, and the words of redacted ones are replaced.
    """
    import pandas as pd

    left_out = {key for key, made in decisions.items() if made.decision == LEAVE_OUT}
    redacted = {key for key, made in decisions.items() if made.words}
    hidden = same.of(left_out) | (same.of(redacted) - redacted)
    shown, warned = [], []
    for row in usable.to_dict("records"):
        key = str(row["segment_id"])
        if key in left_out:
            continue
        row, listed, passed = _told(row, decisions.get(key), names)
        if key in hidden:
            listed, passed = [*listed, ("", ELSEWHERE)], False
        for what, why in listed:
            warned.append(
                {
                    "segment_id": key,
                    "sign": why,
                    "words": what,
                    "held_back": not passed,
                    "quote": row["quote"],
                }
            )
        if not listed or passed:
            shown.append(row)
    frame = pd.DataFrame(shown, columns=list(usable.columns)).astype({"chosen": "string"})
    warnings = pd.DataFrame(warned, columns=QUOTE_WARNINGS.names)
    return frame, QUOTE_WARNINGS.conform(warnings)


def _told(
    row: dict[Hashable, Any], decision: Decision | None, names: Names
) -> tuple[dict[Hashable, Any], list[tuple[str, str]], bool]:
    """Return a quotation as somebody decided, its signs of names, and whether it passes them."""
    words, chosen = row["quote"], ""
    if decision is not None:
        words = shorten(decision.words) if decision.words else words
        chosen = (decision.claim_id or ANY_CLAIM) if decision.decision == SHOW else ""
    listed = signs(words, names)
    passed = decision is not None and all(why == CAPITAL for _, why in listed)
    return row | {"quote": words, "chosen": chosen}, listed, passed
