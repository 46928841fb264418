"""Comparisons whose people are nearly those of another: their descriptions together would describe
the few in whom they differ.

Two means of nearly the same people, times their numbers, leave the sum of the few. So a comparison
is described (counts, means, deviations) only where each of its arms has the same people as that of
every comparison described before, or differs by more than the profile hides, either way. The
primary comparison is described first. Estimates stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evalweave.release.disclosure import Profile

NOBODY = pa.array([], pa.string())


def nearly_the_same(
    membership: pd.DataFrame, profile: Profile, order: Sequence[str]
) -> dict[str, str]:
    """Return comparison → the described one from which an arm differs by few people.

    Args:
        membership: `tables.MEMBERSHIP`: comparison, patient_id and arm.
        order: the comparisons, the primary one first.
    """
    if profile.exact:
        return {}
    arms: dict[str, dict[str, pa.Array]] = {}
    groups = membership.groupby(["comparison", "arm"], observed=True)["patient_id"]
    for (comparison, arm), people in groups:
        arms.setdefault(str(comparison), {})[str(arm)] = pa.array(people.array, pa.string())
    described: list[str] = []
    undescribed: dict[str, str] = {}
    for name in order:
        mine = arms.get(name, {})
        like = [other for other in described if _few_apart(mine, arms[other], profile)]
        if like:
            undescribed[name] = like[0]
        elif mine:
            described.append(name)
    return undescribed


def _few_apart(one: dict[str, pa.Array], other: dict[str, pa.Array], profile: Profile) -> bool:
    """Do two comparisons differ, in either arm and either way, by few people?"""
    apart = [
        n
        for arm in one.keys() | other.keys()
        for n in (
            _missing(one.get(arm, NOBODY), other.get(arm, NOBODY)),
            _missing(other.get(arm, NOBODY), one.get(arm, NOBODY)),
        )
    ]
    return any(n and profile.hides(n) for n in apart)


def _missing(people: pa.Array, others: pa.Array) -> int:
    """Return how many people are not among the others."""
    return len(people) - int(pc.sum(pc.is_in(people, others)).as_py() or 0)
