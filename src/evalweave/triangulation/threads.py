"""Following a thread: one theme from its quotations over its counts to the estimate and the label.

After O'Cathain, Murphy and Nicholl (BMJ 2010;341:c4587): pick a question in one strand and follow
it into the other. A thread is plain data, in the order in which the report reads it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.joint_display import Joined

QUOTE = ("claim_id", "stance", "quote", "code_path", "speaker")
COUNT = ("role", "n_participants", "n_eligible", "n_references", "n_sources")


def thread(
    theme: Mapping[str, Any],
    codes: Sequence[str],
    quotes: pd.DataFrame,
    theme_counts: pd.DataFrame,
    joined: Sequence[Joined],
) -> dict[str, Any]:
    """Return one theme's thread: what it is, who raised it, what they said, and for each claim what
    both strands say.

    Args:
        theme: theme_id, label, definition.
        codes: full paths of the theme's codes.
        quotes: `tables.QUOTES`; identifiers are left behind.
    """
    theme_id = theme["theme_id"]
    whole = theme_counts[
        (theme_counts["theme_id"] == theme_id)
        & theme_counts["code_id"].isna()
        & theme_counts["attribute"].isna()
    ]
    of_theme = quotes[quotes["theme_id"] == theme_id]
    return {
        "theme_id": theme_id,
        "label": theme["label"],
        "definition": theme["definition"],
        "codes": list(codes),
        "counts": _records(whole.sort_values("role"), COUNT),
        "quotes": _records(of_theme, QUOTE),
        "claims": [_step(row) for row in joined if row.claim.theme_id == theme_id],
    }


def _step(joined: Joined) -> dict[str, Any]:
    claim, verdict = joined.claim, joined.verdict
    interval = verdict.quantitative.interval
    return {
        "claim_id": claim.claim_id,
        "proposition": claim.proposition,
        "relation": claim.relation,
        "role": claim.role,
        "qualitative_state": verdict.qualitative.state,
        "analysis": claim.analysis,
        "term": claim.term,
        "estimate": interval.estimate,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "outcome_unit": claim.outcome_unit,
        "quantitative_state": verdict.quantitative.state,
        "label": verdict.label,
    }


def _records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows = frame[list(columns)].astype(object)
    return rows.where(rows.notna(), None).to_dict("records")
