"""When people are measured, and what is measured.

    y_ij = α_i + trend_t + slope_i (t − t0) + wander_it + shock_gt + planted_it + noise_ij,  rounded

for measurement j in year t of patient i, registered with practice g. α is skewed and standardised
in each arm to the baseline mean and SD; slope falls with α (moderate regression to the mean) around
zero in each arm, so that trends are parallel in expectation; wander is AR(1) in the patient, shock
AR(1) in the practice. Being measured depends on nothing but the patient's habit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalweave.quantities import PERCENT, QUANTITIES, convert, convert_difference
from evalweave.simulation.people import DAY


@dataclass(frozen=True)
class Measured:
    """How an outcome behaves, in its unit. Means and SDs are of a patient's baseline year value."""

    mean: tuple[float, float]  # comparison, programme
    sd: tuple[float, float]
    skewness: float
    wander_sd: float
    noise_sd: float
    year_trend: float
    reversion: float  # share of the distance from the arm's mean lost a year
    shock_factor: float  # practice shock SD per settings.practice_sd
    bounds: tuple[int, int]


def _mean(percent: float) -> float:
    """Return a mean HbA1c in % in mmol/mol."""
    hba1c = QUANTITIES["hba1c"]
    return float(convert(percent, hba1c, PERCENT, hba1c.base.name))


def _sd(points: float) -> float:
    """Return a standard deviation of HbA1c in percentage points in mmol/mol."""
    hba1c = QUANTITIES["hba1c"]
    return float(convert_difference(points, hba1c, PERCENT, hba1c.base.name))


# Baselines 7.56 % (1.47) and 7.44 % (1.43) of JAMA Network Open 2021;4(9):e2126236.
HBA1C = Measured(
    mean=(_mean(7.44), _mean(7.56)),
    sd=(_sd(1.43), _sd(1.47)),
    skewness=1.0,
    wander_sd=6.0,
    noise_sd=4.0,
    year_trend=0.35,
    reversion=0.03,
    shock_factor=1.0,
    bounds=(21, 194),
)
SYSTOLIC_BP = Measured(
    mean=(134.5, 135.0),
    sd=(15.0, 15.0),
    skewness=0.5,
    wander_sd=6.0,
    noise_sd=9.0,
    year_trend=-0.4,
    reversion=0.02,
    shock_factor=1.5,
    bounds=(70, 240),
)
REGULAR, IRREGULAR = (
    (0.12, 0.52, 0.27, 0.09),
    (0.48, 0.40, 0.10, 0.02),
)  # shares with 0, 1, 2, 3 a year
SHARE_REGULAR = 0.75
PERSISTENCE_PRACTICE, PERSISTENCE_PATIENT = 0.4, 0.6
MEAN_INVERSE_COUNT = 0.75  # E[1 / measurements of a year], roughly


def autoregressive(shape: tuple[int, int], rho: float, rng: np.random.Generator) -> np.ndarray:
    """Return stationary AR(1) rows with unit variance: units × years."""
    fresh = rng.standard_normal(shape)
    series = np.empty(shape)
    series[:, 0] = fresh[:, 0]
    for year in range(1, shape[1]):
        series[:, year] = rho * series[:, year - 1] + np.sqrt(1 - rho**2) * fresh[:, year]
    return series


def draw_dates(
    begin: np.ndarray, until: np.ndarray, years: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return person, year (positions) and day of each measurement, sorted; one a day at most.

    `years` holds the first day of each year and, last, the day after the window. Measurements fall
    between `begin` and `until` (NaT = no end).
    """
    n, n_years = len(begin), len(years) - 1
    regular = rng.random(n) < SHARE_REGULAR
    uniform = rng.random((n, n_years))
    limits = np.where(
        regular[:, None], np.cumsum(REGULAR)[None, :3], np.cumsum(IRREGULAR)[None, :3]
    )
    count = (uniform[:, :, None] > limits[:, None, :]).sum(axis=2)
    length = (np.diff(years) / DAY).astype("int64")
    offset = np.floor(rng.random((n, n_years, 3)) * length[None, :, None]).astype("int64")
    day = years[:-1][None, :, None] + offset * DAY
    last = np.where(np.isnat(until), years[-1], until)
    wanted = np.arange(3)[None, None, :] < count[:, :, None]
    wanted &= (day >= begin[:, None, None]) & (day <= last[:, None, None])
    person, year, _ = np.nonzero(wanted)
    days = day[wanted]
    order = np.lexsort((days, person))
    person, year, days = person[order], year[order], days[order]
    again = np.zeros(len(person), dtype=bool)
    again[1:] = (person[1:] == person[:-1]) & (days[1:] == days[:-1])
    return person[~again], year[~again], days[~again]


def draw_shocks(
    kind: Measured, n_practices: int, n_years: int, practice_sd: float, rng: np.random.Generator
) -> np.ndarray:
    """Return practice × year shocks in the outcome's unit."""
    series = autoregressive((n_practices, n_years), PERSISTENCE_PRACTICE, rng)
    return practice_sd * kind.shock_factor * series


def draw_levels(
    kind: Measured,
    arm: np.ndarray,
    practice_by_year: np.ndarray,
    shocks: np.ndarray,
    baseline_year: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return each person's level in each year (people × years) without the programme."""
    n, n_years = practice_by_year.shape
    shape = (2 / kind.skewness) ** 2
    alpha = (rng.gamma(shape, size=n) - shape) / np.sqrt(shape)
    within = kind.wander_sd**2 + MEAN_INVERSE_COUNT * kind.noise_sd**2 + shocks.var()
    deviation = np.empty(n)
    level = np.empty(n)
    for each in (0, 1):
        rows = arm == each
        if rows.sum() > 1:
            standard = (alpha[rows] - alpha[rows].mean()) / alpha[rows].std()
            deviation[rows] = standard * np.sqrt(max(kind.sd[each] ** 2 - within, 1.0))
        else:
            deviation[rows] = 0.0
        level[rows] = kind.mean[each]
    elapsed = np.arange(n_years) - baseline_year
    slope = -kind.reversion * deviation + 0.2 * rng.standard_normal(n)
    wander = kind.wander_sd * autoregressive((n, n_years), PERSISTENCE_PATIENT, rng)
    return (
        (level + deviation)[:, None]
        + (kind.year_trend * elapsed)[None, :]
        + slope[:, None] * elapsed[None, :]
        + wander
        + shocks[practice_by_year, np.arange(n_years)[None, :]]
    )


def draw_values(
    kind: Measured,
    levels: np.ndarray,
    person: np.ndarray,
    year: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the recorded whole-number value of each measurement."""
    values = levels[person, year] + kind.noise_sd * rng.standard_normal(len(person))
    return np.clip(np.rint(values), *kind.bounds).astype("int64")
