"""Agreement between coders: Cohen's kappa and the share of equal decisions for each pair,
Krippendorff's alpha for all, the unit (`decisions`) always named.

Rows without a code pool the decisions of all codes; rows with a source are of that source alone.
"Not estimable" means that nothing varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from evalweave.catalogue.words import number_of
from evalweave.qualitative.decisions import UNITS, Decisions, Part, decisions
from evalweave.qualitative.project import Project
from evalweave.tables.qualitative import AGREEMENT


def cohen_kappa(a: np.ndarray, b: np.ndarray, weights: np.ndarray | None = None) -> float | None:
    """Cohen's kappa of two coders' categories: (p_o − p_e) / (1 − p_e); None when nothing varies.

    `a`, `b`: category of each unit (n); `weights`: how many units each entry stands for. p_o is the
    share of units with equal categories, p_e = Σ_c p_a(c) p_b(c). Cohen (1960), Educ Psychol Meas
    20:37–46.
    """
    weights = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=float)
    total = weights.sum()
    categories = np.unique(np.concatenate([a, b])) if total else np.array([])
    if len(categories) < 2:
        return None
    observed = weights[np.asarray(a) == np.asarray(b)].sum() / total
    expected = sum(weights[a == c].sum() * weights[b == c].sum() for c in categories) / total**2
    return float((observed - expected) / (1 - expected))


def percent_agreement(
    a: np.ndarray, b: np.ndarray, weights: np.ndarray | None = None
) -> float | None:
    """Return the share of units to which two coders gave the same category, 0 to 1; None without
    units. Chance is not taken off: units that nobody coded count as agreement."""
    weights = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=float)
    total = weights.sum()
    same = np.asarray(a) == np.asarray(b)
    return float(weights[same].sum() / total) if total else None


PAIRWISE = {"cohen_kappa": cohen_kappa, "percent_agreement": percent_agreement}


def krippendorff_alpha(ratings: np.ndarray, weights: np.ndarray | None = None) -> float | None:
    """Krippendorff's alpha for nominal data: 1 − D_o / D_e; None when nothing varies.

    `ratings`: units × coders, NaN where a coder did not judge; units with one judgement are left
    out. With the coincidences o_ck = Σ_u w_u · (pairs c, k in unit u) / (m_u − 1), n_c = Σ_k o_ck,
    n = Σ_c n_c: alpha = 1 − (n − 1) Σ_{c≠k} o_ck / Σ_{c≠k} n_c n_k. Krippendorff (2011), Computing
    Krippendorff's alpha-reliability.
    """
    ratings = np.asarray(ratings, dtype=float)
    weights = np.ones(len(ratings)) if weights is None else np.asarray(weights, dtype=float)
    judged = ~np.isnan(ratings)
    pairable = judged.sum(axis=1) >= 2
    ratings, judged, weights = ratings[pairable], judged[pairable], weights[pairable]
    categories = np.unique(ratings[judged])
    if len(categories) < 2:
        return None
    counts = np.stack([((ratings == c) & judged).sum(axis=1) for c in categories], axis=1).astype(
        float
    )
    share = weights / (counts.sum(axis=1) - 1)
    coincidences = (counts * share[:, None]).T @ counts
    coincidences -= np.diag(
        (counts * share[:, None]).sum(axis=0)
    )  # a judgement is no pair with itself
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    unequal = n - np.trace(coincidences)
    by_chance = n**2 - (totals**2).sum()
    return float(1 - (n - 1) * unequal / by_chance)


def agreement(project: Project) -> pd.DataFrame:
    """Return `agreement` for every code that two coders could have given, then for all codes pooled
    in each source; empty with fewer than two coders."""
    judged = decisions(project)
    if len(judged.coders) < 2:
        return AGREEMENT.empty()
    rows: list[dict[str, object]] = []
    for unit in UNITS:
        parts = judged.parts[unit]
        rows += _rows(parts, judged, unit)
        for part in filter(Part.decided_by, parts):
            pooled = [row for row in _rows([part], judged, unit) if row["code_id"] is None]
            rows += [row | {"source_id": part.source} for row in pooled if row["n_units"]]
    frame = pd.DataFrame(rows, columns=AGREEMENT.names)
    frame["coefficient"] = frame["coefficient"].astype("float64")
    nothing = frame["coefficient"].isna()
    frame.loc[nothing, "note"] = "not estimable: nothing varies; " + frame.loc[nothing, "note"]
    several = " (codes of two projects are one where the themes hold both under the same path)"
    frame.loc[frame["n_units"] == 0, "note"] = (
        "not estimable: no source and code that these coders share can be compared"
        + (several if project.sources["codebooks"].notna().any() else "")
    )
    order = ["source_id", "code_id", "measure", "agreement_unit", "coder_a", "coder_b"]
    return AGREEMENT.conform(frame.sort_values(order, na_position="first"))


def _rows(parts: Sequence[Part], judged: Decisions, unit: str) -> list[dict[str, object]]:
    """Return a row for each pair of coders and measure, and alpha for all, over `parts`."""
    rows: list[dict[str, object]] = []
    coders, codes = judged.coders, judged.codes

    def add(code: str | None, pair: tuple[str, str] | None, measure: str, **more: object) -> None:
        a, b = pair or (None, None)
        named = {"code_id": code, "coder_a": a, "coder_b": b, "measure": measure}
        rows.append(named | {"agreement_unit": unit} | more)

    for a, b in combinations(range(len(coders)), 2):
        shared = [part for part in parts if part.decided_by((a, b))]
        for code, (values, weights) in _by_code(shared, codes, len(coders)):
            both = ~np.isnan(values[:, [a, b]]).any(axis=1)
            values, weights = values[both], weights[both]
            for measure, statistic in PAIRWISE.items():
                value = statistic(values[:, a], values[:, b], weights)
                n, pair = int(weights.sum()), (coders[a], coders[b])
                add(code, pair, measure, coefficient=value, n_units=n, note=_note(shared, code))
    several = [part for part in parts if part.decided_by()]
    for code, (values, weights) in _by_code(several, codes, len(coders)):
        value = krippendorff_alpha(values, weights)
        n = int(weights[(~np.isnan(values)).sum(axis=1) >= 2].sum())
        add(
            code,
            None,
            "krippendorff_alpha",
            coefficient=value,
            n_units=n,
            note=_note(several, code),
        )
    return rows


def _by_code(
    parts: Sequence[Part], codes: Sequence[str], n_coders: int
) -> list[tuple[str | None, tuple[np.ndarray, np.ndarray]]]:
    """Return units × coders and weights for each code, and first for all codes pooled (None)."""
    if not parts:
        return [(None, (np.zeros((0, n_coders)), np.zeros(0)))]
    values, weights = (
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
    pooled = values.transpose(2, 0, 1).reshape(-1, values.shape[1])
    every = [(None, (pooled, np.tile(weights, len(codes))))]
    return every + [(code, (values[:, :, i], weights)) for i, code in enumerate(codes)]


def _note(parts: Sequence[Part], code: str | None) -> str:
    n, unplaced = len(parts), sum(part.n_unplaced for part in parts)
    left_out = f", {number_of(unplaced, 'coding')} without a known place left out"
    sources = f"{n} double-coded source{'' if n == 1 else 's'}{left_out if unplaced else ''}"
    if code is not None or not parts:
        return sources
    decided = np.any([part.decided().any(axis=0) for part in parts], axis=0)
    return f"{sources}; decisions on {number_of(int(decided.sum()), 'code')} pooled"
