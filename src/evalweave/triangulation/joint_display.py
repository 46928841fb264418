"""The joint display: a row a claim, the two strands side by side, and what the declared rule says
of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evalweave.tables.joint import JOINT_DISPLAY
from evalweave.triangulation.convergence import (
    COLUMNS,
    COMPLEMENTS,
    LABELS,
    ROWS,
    RULE,
    RULE_VERSION,
    Verdict,
    converge,
    in_words,
    quantitative_state,
)
from evalweave.triangulation.stability import CAPTION, Stability, label_stability, margin_grid

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.claims import Claim
    from evalweave.triangulation.convergence import Interval
    from evalweave.triangulation.stances import Voices


@dataclass(frozen=True)
class Joined:
    """A claim, both strands, the verdict and how stable its label is (None for complementary
    claims)."""

    claim: Claim
    voices: Voices
    n_raised: int | None  # None: not known
    attributed: str  # complete, at least or not known: what n_raised is
    verdict: Verdict
    stability: Stability | None


def join_claim(
    claim: Claim, interval: Interval, voices: Voices, n_raised: int | None, attributed: str
) -> Joined:
    """Apply the rule to one claim."""
    verdict = converge(
        quantitative_state(interval, claim.margin),
        voices.state,
        claim.expected_sign,
        claim.relation,
    )
    stability = None
    if claim.relation != COMPLEMENTS:
        margins = margin_grid(claim.margin, claim.margin_range)
        stability = label_stability(verdict, voices.by_choice, margins)
    return Joined(claim, voices, n_raised, attributed, verdict, stability)


def table(
    joined: Sequence[Joined],
    theme_labels: Mapping[str, str],
    integration: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return `tables.JOINT_DISPLAY`, rows by theme (in the order of `theme_labels`) and claim, with
    the meta-inference that `integration` has for a claim."""
    import pandas as pd

    concluded = _meta_inferences(integration)

    order = list(theme_labels)
    rows = [
        _row(row, theme_labels) | concluded.get(row.claim.claim_id, {})
        for row in sorted(
            joined, key=lambda row: (order.index(row.claim.theme_id), row.claim.claim_id)
        )
    ]
    frame = pd.DataFrame(rows, columns=JOINT_DISPLAY.names)
    text = [column.name for column in JOINT_DISPLAY.columns if column.type == "text"]
    frame[text] = frame[text].mask(frame[text] == "")
    return JOINT_DISPLAY.conform(frame)


def _meta_inferences(integration: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Return the meta-inference of each claim that has one, under the joint display's names."""
    if integration is None:
        return {}
    names = {"text": "", "author": "_author", "written_on": "_date"}
    return {
        row["id"]: {f"meta_inference{after}": row[name] for name, after in names.items()}
        for row in integration[integration["kind"] == "claim"].to_dict("records")
    }


def _row(joined: Joined, theme_labels: Mapping[str, str]) -> dict[str, Any]:
    claim, verdict = joined.claim, joined.verdict
    quantitative, qualitative = verdict.quantitative, verdict.qualitative
    interval = quantitative.interval
    same = (
        "claim_id",
        "theme_id",
        "proposition",
        "role",
        "relation",
        "analysis",
        "term",
        "outcome_unit",
        "expected_sign",
        "margin",
        "post_hoc",
        "analyst_label",
        "analyst_initials",
        "analyst_date",
        "analyst_reason",
    )
    return {name: getattr(claim, name) for name in same} | {
        "theme_label": theme_labels[claim.theme_id],
        "estimate": interval.estimate,
        "std_error": interval.std_error,
        "dof": interval.dof,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "family_ci_low": interval.family_low,
        "family_ci_high": interval.family_high,
        "family_size": interval.family_size or None,
        "inference": interval.inference,
        "quantitative_state": quantitative.state,
        "quantitative_detail": in_words(quantitative, claim.outcome_unit),
        "n_eligible": qualitative.n_eligible,
        "n_raised": joined.n_raised,
        "attributed": joined.attributed,
        "n_supports": qualitative.n_supports,
        "n_contradicts": qualitative.n_contradicts,
        "minimum": qualitative.minimum,
        "qualitative_state": qualitative.state,
        "negative_case": qualitative.negative_case,
        "label": verdict.label,
        "label_stability": joined.stability.share if joined.stability else math.nan,
        "rule_version": verdict.rule_version,
        "meta_inference": "",
        "meta_inference_author": "",
        "meta_inference_date": None,
    }


def convergence_matrix(joined: Sequence[Joined]) -> list[dict[str, Any]]:
    """Return labels x claims: one line a label that the rule knows, with the claims that have it.

    Complementary claims stand in a last line of their own.
    """
    lines = [
        {
            "label": label,
            "claims": sorted(j.claim.claim_id for j in joined if j.verdict.label == label),
        }
        for label in LABELS
    ]
    return [
        *lines,
        {
            "label": "complements (no label)",
            "claims": sorted(j.claim.claim_id for j in joined if j.claim.relation == COMPLEMENTS),
        },
    ]


def detail(joined: Sequence[Joined]) -> dict[str, Any]:
    """Return the rule, and for each claim its inputs, states and stability, ready for JSON
    (results/ only)."""
    return {
        "rule_version": RULE_VERSION,
        "rule": {
            "columns": list(COLUMNS),
            "rows": {row: [RULE[row][c] for c in COLUMNS] for row in ROWS},
        },
        "stability_caption": CAPTION,
        "convergence_matrix": convergence_matrix(joined),
        "claims": {row.claim.claim_id: _claim_detail(row) for row in joined},
    }


def _claim_detail(joined: Joined) -> dict[str, Any]:
    verdict, voices, stability = joined.verdict, joined.voices, joined.stability
    interval = verdict.quantitative.interval
    return {
        "label": verdict.label,
        "rule_column": verdict.column,
        "rule_row": verdict.qualitative.state,
        "post_hoc": joined.claim.post_hoc,
        "quantitative": {
            "state": verdict.quantitative.state,
            "sign": verdict.quantitative.sign,
            "size": verdict.quantitative.size,
            "margin": verdict.quantitative.margin,
            "unit": joined.claim.outcome_unit,
            "estimate": interval.estimate,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "family_ci_low": interval.family_low,
            "family_ci_high": interval.family_high,
            "family_size": interval.family_size,
            "std_error": interval.std_error,
            "dof": interval.dof,
            "inference": interval.inference,
            "absent": interval.absent,
        },
        "qualitative": asdict(verdict.qualitative)
        | {
            "n_raised": joined.n_raised,
            "n_both": voices.n_both,
            "n_outside": voices.n_outside,
            "n_unattributed": voices.n_unattributed,
            "attributed": joined.attributed,
            "n_observations_supporting": voices.n_observations_supporting,
            "n_observations_contradicting": voices.n_observations_contradicting,
            "by_coder_choice": {name: asdict(state) for name, state in voices.by_choice.items()},
        },
        "stability": None
        if stability is None
        else asdict(stability)
        | {
            "labels": dict(stability.labels),
            "by_coder": dict(stability.by_coder),
        },
    }
