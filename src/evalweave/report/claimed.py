"""A row of the joint display in words: used wherever the report speaks of a claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from evalweave.release.numbers import estimate_in, missing, sentence
from evalweave.report.blocks import Quote, text

QUANTITATIVE = {
    "D": "the direction is clear",
    "E": "no difference that matters",
    "I": "cannot tell",
    "X": "no estimate",
}
QUALITATIVE = {
    "S": "people support the claim",
    "C": "people contradict the claim",
    "M": "people are divided",
    "H": "hardly raised: too few spoke to the claim for a label",
    "A": "asked, but nobody spoke to the claim",
    "N": "not known: words cannot be given to people",
    "U": "nobody was asked",
}
STANCES = {"supports": "supports the claim", "contradicts": "contradicts the claim"}

Record = Mapping[Any, Any]


def complements(record: Record) -> bool:
    """Do the strands answer different questions, so that the rule gives no label?"""
    return str(record["relation"]) == "complements"


def label(record: Record) -> str:
    """Return the rule's label as a sentence begins; also where there is none."""
    if not missing(record["label"]):
        return sentence(str(record["label"]))
    return "Complements" if complements(record) else "No label"


def numbers(record: Record) -> str:
    """Return the estimate with its interval and unit, as the profile released it."""
    if missing(record["estimate"]):
        return "No estimate"
    ends = record["ci_low"], record["ci_high"]
    return estimate_in(
        str(record["outcome_unit"]), record["estimate"], *ends, places=places(record)
    )


def places(record: Record) -> int:
    """Return how many decimals the estimate deserves."""
    return 2 if missing(record["std_error"]) or float(record["std_error"]) >= 0.01 else 3


def link(record: Record) -> Markup:
    """Return the proposition, leading to its row of the joint display."""
    return text(
        '<a href="#claim-{}">{}</a>',
        str(record["claim_id"]),
        str(record["proposition"]).rstrip("."),
    )


def quotes(released: pd.DataFrame) -> list[Quote]:
    """Return the quotations of a table of released ones: words, full code path, speaker and
    stance."""
    return [
        Quote(
            str(q["quote"]),
            str(q["speaker"]),
            str(q["code_path"]),
            "" if missing(q["stance"]) else STANCES.get(str(q["stance"]), ""),
        )
        for q in released.to_dict("records")
    ]
