"""Agreement between coders: Cohen's kappa for each pair, Krippendorff's alpha for all, the unit
always named.

Only sources that at least two coders coded are compared. Three units:
- character: each character of those sources, coded or not with the code;
- segment: each stretch that any coder marked; a coder gave it the code when their stretches with
  that code hold at least half of it;
- document: each source, coded or not with the code.
Rows without a code pool the decisions of all codes. "Not estimable" means that nothing varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from evalweave.qualitative.coders import UNLISTED_CODER
from evalweave.qualitative.project import Project
from evalweave.tables.qualitative import AGREEMENT

CHARACTER, SEGMENT, DOCUMENT = "character", "segment", "document"
UNITS = (CHARACTER, SEGMENT, DOCUMENT)


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
    """Return `agreement` for every code that two coders could have given; empty with fewer than two
    coders.

    A user whom the project does not list is left out: it may be one of the coders who are.
    """
    given = project.codings[~project.codings["coder_id"].str.startswith(UNLISTED_CODER)]
    coders = sorted(given["coder_id"].unique())
    if len(coders) < 2:
        return AGREEMENT.empty()
    codes = sorted(given["code_id"].unique())
    judged = _judged(replace(project, codings=given), coders, codes)
    rows: list[tuple[object, ...]] = []
    for unit in UNITS:
        parts = judged[unit]
        for a, b in combinations(range(len(coders)), 2):
            shared = [part for part in parts if part.took_part[[a, b]].all()]
            note = _note(shared)
            for code, (values, weights) in _by_code(shared, codes, len(coders)):
                first, second = values[:, a], values[:, b]
                for measure, statistic in PAIRWISE.items():
                    value = statistic(first, second, weights)
                    rows.append(
                        (code, coders[a], coders[b], measure, unit, value, int(weights.sum()), note)
                    )
        several = [part for part in parts if part.took_part.sum() >= 2]
        note = _note(several)
        for code, (values, weights) in _by_code(several, codes, len(coders)):
            value = krippendorff_alpha(values, weights)
            rows.append(
                (code, None, None, "krippendorff_alpha", unit, value, int(weights.sum()), note)
            )
    frame = pd.DataFrame(rows, columns=AGREEMENT.names)
    frame["coefficient"] = frame["coefficient"].astype("float64")
    frame.loc[frame["code_id"].isna(), "note"] += f"; decisions on {len(codes)} codes pooled"
    nothing = frame["coefficient"].isna()
    frame.loc[nothing, "note"] = "not estimable: nothing varies; " + frame.loc[nothing, "note"]
    frame.loc[frame["n_units"] == 0, "note"] = (
        "not estimable: no source that these coders share can be compared"
    )
    order = ["code_id", "measure", "agreement_unit", "coder_a", "coder_b"]
    return AGREEMENT.conform(frame.sort_values(order, na_position="first"))


@dataclass(frozen=True)
class _Part:
    """One source's units: `values` units × coders × codes (0/1), `weights` units, who coded the
    source at all."""

    values: np.ndarray
    weights: np.ndarray
    took_part: np.ndarray


def _judged(
    project: Project, coders: Sequence[str], codes: Sequence[str]
) -> dict[str, list[_Part]]:
    """Return each source's decisions for every unit."""
    given = project.codings.merge(project.segments, on="segment_id")
    who = {coder: i for i, coder in enumerate(coders)}
    what = {code: i for i, code in enumerate(codes)}
    lengths = dict(zip(project.sources["source_id"], project.sources["n_chars"], strict=True))
    parts: dict[str, list[_Part]] = {unit: [] for unit in UNITS}
    for source, rows in given.groupby("source_id", sort=True):
        coder = rows["coder_id"].map(who).to_numpy(dtype=int)
        code = rows["code_id"].map(what).to_numpy(dtype=int)
        took_part = np.isin(np.arange(len(coders)), coder)
        document = np.zeros((1, len(coders), len(codes)))
        document[0, coder, code] = 1
        parts[DOCUMENT].append(_Part(document, np.ones(1), took_part))
        if rows["start"].isna().any():  # without positions a segment is whatever has the same words
            names, index = np.unique(rows["segment_id"].to_numpy(dtype=str), return_inverse=True)
            same = np.zeros((len(names), len(coders), len(codes)))
            same[index, coder, code] = 1
            parts[SEGMENT].append(_Part(same, np.ones(len(names)), took_part))
            continue
        start, end = rows["start"].to_numpy(dtype=int), rows["end"].to_numpy(dtype=int)
        last = max(int(end.max()), 0 if pd.isna(lengths[source]) else int(lengths[source]))
        cuts = np.unique(np.concatenate([[0, last], start, end]))
        first, after = np.searchsorted(cuts, start), np.searchsorted(cuts, end)
        pieces = np.zeros((len(cuts) - 1, len(coders), len(codes)))
        for i in range(len(rows)):
            pieces[first[i] : after[i], coder[i], code[i]] = 1
        widths = np.diff(cuts)
        if not pd.isna(lengths[source]):
            parts[CHARACTER].append(_Part(pieces, widths, took_part))
        spans = sorted(set(zip(first.tolist(), after.tolist(), strict=True)))
        held = np.stack(
            [np.tensordot(widths[i:j], pieces[i:j], axes=1) / widths[i:j].sum() for i, j in spans]
        )
        parts[SEGMENT].append(_Part((held >= 0.5).astype(float), np.ones(len(spans)), took_part))
    return parts


def _by_code(
    parts: Sequence[_Part], codes: Sequence[str], n_coders: int
) -> list[tuple[str | None, tuple[np.ndarray, np.ndarray]]]:
    """Return units × coders and weights for each code, and first for all codes pooled (None)."""
    if not parts:
        return [(None, (np.zeros((0, n_coders)), np.zeros(0)))]
    stacked = []
    for part in parts:
        values = part.values.copy()
        values[:, ~part.took_part, :] = np.nan
        stacked.append(values)
    values, weights = np.concatenate(stacked), np.concatenate([part.weights for part in parts])
    pooled = values.transpose(2, 0, 1).reshape(-1, values.shape[1])
    every = [(None, (pooled, np.tile(weights, len(codes))))]
    return every + [(code, (values[:, :, i], weights)) for i, code in enumerate(codes)]


def _note(parts: Sequence[_Part]) -> str:
    return f"{len(parts)} double-coded source{'' if len(parts) == 1 else 's'}"
