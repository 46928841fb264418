"""Total cholesterol, of which the programme changes who is tested: all invented, the truth known.

    y_it     = MEAN + α_i + wander_it + shock_gt + EFFECT where the programme runs, to one decimal
    P_it     = ROUTINE                                   where the programme runs
             = 1/(1 + exp(-(ODDS + CHOSEN (last_i - MEAN))))  elsewhere, last_i the last value known

so elsewhere people with high values are tested again, and where the programme makes testing routine
everybody is: those tested fall by more than anybody's cholesterol does. Being tested depends on the
past alone, so that weighting for it can repair this.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from evalweave.simulation.outcomes import autoregressive
from evalweave.simulation.people import DAY

OUTCOME, UNIT = "total_cholesterol", "mmol/L"
EFFECT = -0.1
MEAN, PERSON_SD, WANDER_SD, SHOCK_SD = 4.8, 0.8, 0.5, 0.05
PERSISTENCE, PERSISTENCE_PRACTICE = 0.6, 0.4
FIRST, ROUTINE, ODDS, CHOSEN = 0.5, 0.5, 0.0, 1.5  # nobody's first test is chosen by a value


def draw_tests(
    group: pd.DataFrame,
    practice_by_year: np.ndarray,
    n_practices: int,
    years: np.ndarray,
    treated: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the tests of a group: person, day, value (mmol/L).

    `years` holds the first day of each year and, last, the day after the window; `treated` says in
    which years the programme was there (people × years).
    """
    n, n_years = practice_by_year.shape
    shocks = SHOCK_SD * autoregressive((n_practices, n_years), PERSISTENCE_PRACTICE, rng)
    wander = WANDER_SD * autoregressive((n, n_years), PERSISTENCE, rng)
    own = np.asarray(rng.standard_normal((n, 1)))
    level = MEAN + PERSON_SD * own + wander + EFFECT * treated
    level += shocks[practice_by_year, np.arange(n_years)[None, :]]
    begin = group["start"].to_numpy().astype("datetime64[D]")
    until = np.fmin(group["end"].to_numpy(), group["death"].to_numpy()).astype("datetime64[D]")
    until = np.where(np.isnat(until), years[-1] - DAY, until)
    last = np.full(n, np.nan)
    frames = []
    for year in range(n_years):
        first = np.maximum(begin, years[year])
        length = ((np.minimum(until, years[year + 1] - DAY) - first) / DAY).astype("int64") + 1
        elsewhere = np.where(np.isnan(last), FIRST, expit(ODDS + CHOSEN * (last - MEAN)))
        chance = np.where(treated[:, year], ROUTINE, elsewhere)
        person = np.flatnonzero((length > 0) & (rng.random(n) < chance))
        value = np.round(level[person, year], 1)
        last[person] = value
        day = first[person] + np.floor(rng.random(len(person)) * length[person]).astype(int) * DAY
        frames.append(pd.DataFrame({"person": person, "day": day, "value": value}))
    return pd.concat(frames, ignore_index=True)


def planted() -> dict[str, object]:
    """Return what was planted, by term; the same effect for everybody in every year."""
    return {"outcome_unit": UNIT, "terms": {"att": EFFECT, "att_unweighted": EFFECT}}
