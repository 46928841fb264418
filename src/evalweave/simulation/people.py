"""Who is registered where: eligible patients drawn practice by practice, everything else that
befalls them.

Shares and baseline means are the published study's (JAMA Network Open 2021;4(9):e2126236); how
people arrive, move, leave and die is invented, at rates that do not depend on HbA1c or on the
programme.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SHARE_FEMALE, SHARE_WHITE = 3477 / 8086, 6631 / 8086
# Normal distribution that, cut to 40–74 whole years, has the published mean 57.8 and SD 8.78.
AGE_CENTRE, AGE_SPREAD = 58.5626, 12.2864
CONDITIONS = {
    "chronic_obstructive_pulmonary_disease": 0.08,
    "coronary_heart_disease": 0.18,
    "heart_failure": 0.06,
    "asthma": 0.14,
    "epilepsy": 0.02,
    "osteoporosis": 0.05,
}
OTHER_GROUPS = (
    "Asian or Asian British",
    "Black or Black British",
    "Mixed",
    "Other ethnic group",
    "",
)
OTHER_SHARES = (0.62, 0.14, 0.08, 0.10, 0.06)
DAY = np.timedelta64(1, "D")
NEVER = np.datetime64("NaT", "D")


def exactly(share: float, log_odds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return True for exactly round(share × n) people, likelier where `log_odds` is higher (Gumbel
    top-k)."""
    chosen = np.zeros(len(log_odds), dtype=bool)
    score = log_odds + rng.gumbel(size=len(log_odds))
    chosen[np.argsort(-score, kind="stable")[: round(share * len(log_odds))]] = True
    return chosen


def draw_people(
    practice: np.ndarray,
    arm: np.ndarray,
    ages: tuple[int, int],
    index: np.datetime64,
    window: tuple[np.datetime64, np.datetime64],
    registered_days: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one row a person: eligible at `index`, in `practice` (position of each person's
    practice).

    `arm` is 1 or 0 for each practice. Dates are `datetime64[D]`: `start` and `end` of the main
    registration, `came_on`/`came_from` and `moved_on`/`moved_to` for moves (−1 = none), `death`,
    `diagnosed` and `type_1`.
    """
    n = len(practice)
    deprived = np.where(arm == 1, 0.35, -0.25) + 0.5 * rng.standard_normal(len(arm))
    diverse = 0.6 * rng.standard_normal(len(arm))
    years = np.arange(ages[0], ages[1] + 1)
    density = np.exp(-((years - AGE_CENTRE) ** 2) / (2 * AGE_SPREAD**2))
    age = rng.choice(years, size=n, p=density / density.sum())
    white = exactly(SHARE_WHITE, -diverse[practice], rng)
    others = rng.choice(np.array(OTHER_GROUPS, dtype=object), size=n, p=OTHER_SHARES)
    quintile = np.clip(np.rint(3 - deprived[practice] + 1.4 * rng.standard_normal(n)), 1, 5)
    quintile[rng.random(n) < 0.01] = np.nan
    people = pd.DataFrame(
        {
            "practice": practice,
            "arm": arm[practice],
            "sex": np.where(exactly(SHARE_FEMALE, np.zeros(n), rng), "female", "male"),
            # Age counts from the middle of the birth year.
            "birth_year": _birth_year(age, index),
            "birth_month": rng.integers(1, 13, n),
            "ethnicity": np.where(white, "White", others),
            "imd_quintile": quintile,
        }
    )
    people["white"] = np.where(people["ethnicity"] == "", np.nan, white.astype(float))
    older = np.exp(0.03 * (age - 58))
    for name, prevalence in CONDITIONS.items():
        people[name] = rng.random(n) < np.clip(
            prevalence * (older if name != "asthma" else 1.0), 0, 0.9
        )
    people["n_conditions"] = people[list(CONDITIONS)].sum(axis=1)
    _draw_spells(people, arm, index, window, registered_days, older, rng)
    since_diagnosis = np.where(
        rng.random(n) < 0.25, rng.integers(30, 1400, n), rng.integers(1400, 5500, n)
    )
    people["diagnosed"] = index - since_diagnosis * DAY
    people["type_1"] = NEVER
    return people


def _birth_year(age: np.ndarray, index: np.datetime64) -> np.ndarray:
    year = int(str(index)[:4])
    return year - age - int(str(index)[5:] < "07-01")


def _draw_spells(
    people: pd.DataFrame,
    arm: np.ndarray,
    index: np.datetime64,
    window: tuple[np.datetime64, np.datetime64],
    registered_days: int,
    older: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Add start, end, death and moves: exponential waiting times after the index date."""
    n = len(people)
    before = max(int((index - window[0]) / DAY), registered_days + 2)
    recent = rng.random(n) < 0.2
    days = np.where(
        recent,
        rng.integers(registered_days + 1, before + 1, n),
        rng.integers(before, before + 9000, n),
    )
    people["start"] = index - days * DAY
    after = int((window[1] - index) / DAY)

    def waiting(per_year: np.ndarray | float) -> np.ndarray:
        days_until = 1 + np.floor(rng.exponential(1.0, n) / per_year * 365.25)
        when = index + days_until.astype("int64") * DAY
        return np.where(days_until < after - 30, when, NEVER)

    death, left, moved = waiting(0.013 * older), waiting(0.025), waiting(0.025)
    people["death"] = death
    gone = np.fmin(death + rng.integers(0, 15, n) * DAY, left)  # fmin: the one that is a date
    people["end"] = gone
    moves = ~np.isnat(moved) & ~(moved + 30 * DAY >= gone)
    people["moved_on"] = np.where(moves, moved, NEVER)
    people["moved_to"] = np.where(moves, _another(people["practice"].to_numpy(), arm, 0.6, rng), -1)
    came_on = index - rng.integers(registered_days + 30, max(before, registered_days + 60), n) * DAY
    came = (rng.random(n) < 0.03) & (people["start"].to_numpy() + 200 * DAY < came_on)
    people["came_on"] = np.where(came, came_on, NEVER)
    people["came_from"] = np.where(came, _another(people["practice"].to_numpy(), arm, 0.6, rng), -1)


def _another(
    practice: np.ndarray, arm: np.ndarray, same_arm: float, rng: np.random.Generator
) -> np.ndarray:
    """Return another practice for each person, in the same arm with probability `same_arm` (where
    one is)."""
    n, total = len(practice), len(arm)
    stays = rng.random(n) < same_arm
    wanted = np.where(stays, arm[practice], 1 - arm[practice])
    score = rng.random((n, total)) + (arm[None, :] == wanted[:, None])
    score[np.arange(n), practice] = -1.0
    return score.argmax(axis=1)
