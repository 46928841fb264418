"""Independent random streams, one for each part of the simulation.

Every part draws from its own child of the seed, so that drawing more in one part shifts nothing in
another: the people of a seed stay the same people when the dirt or the interviews change.
"""

from __future__ import annotations

import numpy as np

# A stream is known by its place: add names at the end only.
NAMES = (
    "practices",
    "people",
    "others",
    "shocks",
    "placebo_shocks",
    "hba1c_dates",
    "hba1c",
    "other_hba1c_dates",
    "other_hba1c",
    "systolic_bp_dates",
    "systolic_bp",
    "other_systolic_bp_dates",
    "other_systolic_bp",
    "identifiers",
    "diagnoses",
    "referrals",
    "recording",
    "dirt",
    "order",
    "interviews",
    "coders",
    "care_shocks",
    "admissions",
    "attendances",
    "other_admissions",
    "other_attendances",
    "selective",
)


def streams(seed: int) -> dict[str, np.random.Generator]:
    """Return one generator a name, all from `seed`."""
    children = np.random.SeedSequence(seed).spawn(len(NAMES))
    return {name: np.random.default_rng(child) for name, child in zip(NAMES, children, strict=True)}
