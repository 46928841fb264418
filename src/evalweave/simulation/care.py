"""Non-elective admissions and emergency attendances: what is planted, and on which days they fall.

    n_it ~ Poisson(exposure_it × rate × frailty_i × shock_gt × ratio_it),   day uniform in the year

with frailty gamma of mean 1 (some people are admitted again and again, most never), shock
log-normal in practice and year, and ratio_it 1 without the programme. Direction of the ethnic
gradient: larger savings for people who are not White (Wildman & Wildman, Social Science & Medicine
2023;317:115598). Every rate and ratio here is invented: none is published in what we could read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evalweave.simulation.outcomes import autoregressive
from evalweave.simulation.people import DAY

PERSISTENCE = 0.4  # of practice shocks from year to year


@dataclass(frozen=True)
class Care:
    """How often something happens a person-year, and what the programme makes of it."""

    rate: float
    growth: float  # share by which it grows a year, in both arms
    frailty: float  # variance of frailty
    shock_sd: float  # of practice and year, on the log scale
    ratio_white: float
    ratio_others: float


CARE = {
    "admissions": Care(0.22, 0.02, 1.5, 0.06, 0.95, 0.75),
    "attendances": Care(0.30, 0.02, 1.0, 0.06, 1.0, 1.0),
}
OF_UNKNOWN = 0.82  # how White somebody of unknown ethnicity counts


def ratio(kind: Care, white: Any) -> np.ndarray:
    """Return what the programme multiplies each person's rate by."""
    known = pd.Series(white).astype("Float64").to_numpy(dtype=float, na_value=OF_UNKNOWN)
    return kind.ratio_others + (kind.ratio_white - kind.ratio_others) * known


def exposure(begin: np.ndarray, until: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return the share of each year's days from `begin` to `until` (NaT = no end), people × years.

    `years` holds the first day of each year and, last, the day after the window.
    """
    last = np.where(np.isnat(until), years[-1] - DAY, until)
    first = np.maximum(begin[:, None], years[None, :-1])
    end = np.minimum(last[:, None], years[None, 1:] - DAY)
    days = (end - first) / DAY + 1
    return np.maximum(days, 0.0) / (np.diff(years) / DAY)


def draw_care(
    kind: Care,
    group: pd.DataFrame,
    practice_by_year: np.ndarray,
    shocks: np.ndarray,
    years: np.ndarray,
    treated: np.ndarray,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the events (person, day) of a group, and each person's expected number a whole year
    without the programme (people × years).

    `treated` says in which years the programme was there (people × years).
    """
    n, n_years = practice_by_year.shape
    frailty = np.asarray(rng.gamma(1 / kind.frailty, kind.frailty, size=n))
    shock = np.exp(shocks - kind.shock_sd**2 / 2)[practice_by_year, np.arange(n_years)[None, :]]
    rate = np.array([kind.rate * (1 + kind.growth) ** year for year in range(n_years)])
    without = frailty[:, None] * shock * rate[None, :]
    changed = np.where(treated, ratio(kind, group["white"])[:, None], 1.0)
    begin = group["start"].to_numpy().astype("datetime64[D]")
    until = np.fmin(group["end"].to_numpy(), group["death"].to_numpy()).astype("datetime64[D]")
    there = exposure(begin, until, years)
    count = rng.poisson(there * without * changed)
    person, year = (np.repeat(place, count.ravel()) for place in _places(n, n_years))
    first = np.maximum(begin[person], years[year])
    length = np.maximum(np.rint(there[person, year] * np.diff(years)[year] / DAY), 1)
    day = first + np.floor(rng.random(len(person)) * length).astype("int64") * DAY
    return pd.DataFrame({"person": person, "day": day}), without


def draw_shocks(kind: Care, n_practices: int, n_years: int, rng: np.random.Generator) -> np.ndarray:
    """Return practice × year shocks on the log scale."""
    return kind.shock_sd * autoregressive((n_practices, n_years), PERSISTENCE, rng)


def _places(n: int, n_years: int) -> tuple[np.ndarray, np.ndarray]:
    people, years = np.indices((n, n_years))
    return people.ravel(), years.ravel()


def planted_care(
    kind: Care, people: pd.DataFrame, without: np.ndarray, there: np.ndarray, treated: np.ndarray
) -> dict[str, float]:
    """Return what the programme did to the number of events, a treated person-year: of all, and by
    level of ethnicity and deprivation (terms as the estimators name them).

    `there` is exposure within follow-up, all of them people × years.
    """
    weight = there * treated
    change = without * (ratio(kind, people["white"])[:, None] - 1) * weight

    def mean(rows: np.ndarray) -> float:
        return float(change[rows].sum() / weight[rows].sum())

    terms = {"att": mean(np.ones(len(people), dtype=bool))}
    for name in ("white", "imd_quintile"):
        known = people[name].astype("Float64")
        levels = sorted({int(level) for level in known.dropna()})
        for level in levels:
            terms[f"att[{name}={level}]"] = mean((known == level).fillna(False).to_numpy())
        first, last = (terms[f"att[{name}={level}]"] for level in (levels[0], levels[-1]))
        terms[f"difference[{name}={levels[-1]}-{levels[0]}]"] = last - first
    return terms
