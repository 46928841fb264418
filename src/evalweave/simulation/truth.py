"""What was planted, in the terms in which the estimators answer, in mmol/mol and in percentage
points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from evalweave.quantities import PERCENT, QUANTITIES, convert_difference

SUBGROUPS = ("white", "imd_quintile", "fewer_conditions")


def _in_points(difference: float) -> float:
    """Return a difference in mmol/mol in percentage points."""
    hba1c = QUANTITIES["hba1c"]
    return float(convert_difference(difference, hba1c, hba1c.base.name, PERCENT))


def planted_truth(panel: pd.DataFrame) -> dict[str, Any]:
    """Return the planted effect on HbA1c of a simulated panel (see `records.simulate_panel`).

    `terms` maps the estimators' terms to means of `planted` over treated observed patient-years:
    att, event[e], trend (least-squares slope of event[e] on e), att[level] and differences of
    levels, each minus the lowest. `att_weighted` is the planted effect as two-way fixed effects
    weigh it (see `weighted_by_twfe`).
    """
    seen = panel[panel["hba1c"].notna()]
    event = (
        (seen["period"] - seen["first_treated"])
        .astype("Float64")
        .to_numpy(dtype=float, na_value=np.nan)
    )
    treated = seen[event >= 0]
    terms: dict[str, float] = {"att": float(treated["planted"].mean())}
    by_event = treated["planted"].groupby(event[event >= 0].astype(int)).mean()
    terms |= {f"event[{e}]": float(value) for e, value in by_event.items()}
    if len(by_event) > 1:
        years = by_event.index.to_numpy(dtype=float)
        terms["trend"] = float(np.polyfit(years, by_event.to_numpy(), 1)[0])
    for name in SUBGROUPS:
        by_level = treated.groupby(name)["planted"].mean()
        lowest = by_level.index.min() if len(by_level) else None
        for level, value in by_level.items():
            terms[f"att[{name}={level}]"] = float(value)
            if level != lowest:
                terms[f"difference[{name}={level}-{lowest}]"] = float(value - by_level[lowest])
    return {
        "outcome": "hba1c",
        "outcome_unit": "mmol/mol",
        "weights": "mean over treated patient-years with an HbA1c",
        "terms": terms,
        "terms_percentage_points": {name: _in_points(value) for name, value in terms.items()},
        "att_weighted": weighted_by_twfe(seen),
        "att_weighted_percentage_points": _in_points(weighted_by_twfe(seen)),
        "n_treated_patient_years": len(treated),
    }


def planted_in_care(
    counts: Mapping[str, Mapping[str, float]], prices: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return the planted change of each kind of care a treated person-year, and of what it costs
    (`cost`), by term; kinds without a price cost nothing."""
    terms = dict.fromkeys(term for of_kind in counts.values() for term in of_kind)
    cost = {
        term: sum(prices.get(kind, 0.0) * of_kind[term] for kind, of_kind in counts.items())
        for term in terms
    }
    return {**{kind: dict(of_kind) for kind, of_kind in counts.items()}, "cost": cost}


def weighted_by_twfe(seen: pd.DataFrame) -> float:
    """Return the planted effect as two-way fixed effects weigh it: the coefficient of D on
    `planted`.

        Σ D̃ planted / Σ D̃ D,   D̃ = D residualised on patient and period effects

    (Frisch–Waugh–Lovell). `seen` holds the patient-years in which the outcome was measured.
    """
    treated = (seen["period"] >= seen["first_treated"]).fillna(False).to_numpy(dtype=float)
    patient = pd.factorize(seen["patient_id"])[0]
    count = np.bincount(patient)
    periods = pd.factorize(seen["period"], sort=True)[0]
    dummies = np.eye(periods.max() + 1)[periods][:, 1:]

    def within(column: np.ndarray) -> np.ndarray:
        return column - (np.bincount(patient, weights=column) / count)[patient]

    demeaned = np.column_stack([within(column) for column in dummies.T])
    of_treated = within(treated)
    residual = of_treated - demeaned @ np.linalg.lstsq(demeaned, of_treated, rcond=None)[0]
    return float(residual @ seen["planted"].to_numpy(dtype=float) / (residual @ treated))
