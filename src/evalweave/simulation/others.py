"""People of the extract who are not eligible, each for a reason of its own.

They are drawn like eligible people and then changed in one respect. Bad patient rows (no sex,
conflicting facts, …) are made when the extract is written; here such people only carry their kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from evalweave.simulation.people import DAY, NEVER

# Kind → share of the ineligible.
KINDS = {
    "too_young": 0.10,
    "too_old": 0.20,
    "no_type_2_diabetes": 0.18,
    "diagnosed_later": 0.09,
    "type_1_diabetes": 0.06,
    "registered_too_recently": 0.08,
    "arrived_later": 0.10,
    "left_before": 0.05,
    "died_before": 0.04,
    "gap_before": 0.02,
    "no_sex": 0.015,
    "no_birth_year": 0.015,
    "unacceptable": 0.015,
    "conflicting_facts": 0.015,
    "unknown_practice": 0.01,
    "end_before_start": 0.01,
}
SHARE = 0.3  # ineligible people per eligible one


def draw_kinds(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the kind of each of `n` ineligible people: each kind at least once where `n` allows,
    shuffled."""
    shares = np.array(list(KINDS.values()))
    kinds = np.array(list(KINDS), dtype=object)
    drawn = rng.choice(kinds, size=n, p=shares / shares.sum())
    drawn[: len(kinds)] = kinds[:n]
    return rng.permutation(drawn)


def make_ineligible(
    people: pd.DataFrame,
    kinds: np.ndarray,
    ages: tuple[int, int],
    index: np.datetime64,
    window: tuple[np.datetime64, np.datetime64],
    registered_days: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return `people` changed so that each fails eligibility at `index` for its kind; adds
    `kind`."""
    people = people.assign(kind=kinds)
    n = len(people)
    after = max(int((window[1] - index) / DAY) - 60, 90)

    def of(*names: str) -> np.ndarray:
        return np.isin(kinds, names)

    def days(low: int, high: int) -> np.ndarray:
        return rng.integers(low, max(high, low + 1), n) * DAY

    def put(rows: np.ndarray, column: str, values: Any) -> None:
        people[column] = np.where(rows, values, people[column].to_numpy())

    # The middle of the birth year decides: nobody is 40 or 74 by that rule here.
    middle = int(str(index)[:4]) - int(str(index)[5:] < "07-01")
    put(of("too_young"), "birth_year", middle - rng.integers(25, ages[0], n))
    put(of("too_old"), "birth_year", middle - rng.integers(ages[1] + 1, 93, n))
    put(of("no_type_2_diabetes"), "diagnosed", NEVER)
    put(of("diagnosed_later"), "diagnosed", index + days(1, after))
    put(of("type_1_diabetes"), "type_1", index - days(400, 7000))
    timed = of(
        "registered_too_recently", "arrived_later", "left_before", "died_before", "gap_before"
    )
    for column in ("death", "end", "moved_on", "came_on"):
        put(timed, column, NEVER)
    put(timed, "moved_to", -1)
    put(timed, "came_from", -1)
    put(of("registered_too_recently"), "start", index - days(5, registered_days - 5))
    put(of("arrived_later"), "start", index + days(1, after))
    early = of("left_before", "died_before")
    gone = index - days(40, 1200)
    put(early, "end", gone)
    put(early, "start", gone - days(800, 6000))
    put(of("died_before"), "death", gone)
    return people
