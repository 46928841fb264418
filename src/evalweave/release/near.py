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

from evalweave.release.disclosure import Profile


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
    arms: dict[str, dict[str, set[str]]] = {}
    groups = membership.groupby(["comparison", "arm"], observed=True)["patient_id"]
    for (comparison, arm), people in groups:
        arms.setdefault(str(comparison), {})[str(arm)] = set(people)
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


def _few_apart(one: dict[str, set[str]], other: dict[str, set[str]], profile: Profile) -> bool:
    """Do two comparisons differ, in either arm and either way, by few people?"""
    apart = [
        n
        for arm in one.keys() | other.keys()
        for n in (
            len(one.get(arm, set()) - other.get(arm, set())),
            len(other.get(arm, set()) - one.get(arm, set())),
        )
    ]
    return any(n and profile.hides(n) for n in apart)
