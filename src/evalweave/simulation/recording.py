"""How practices write down the same measurement: unit, code and spelling vary, the value does not.

Percent was reported beside mmol/mol until the laboratories switched, so its share falls over the
years, in both arms alike. A value written in % has one decimal, that is up to 0.55 mmol/mol of
rounding.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.quantities import PERCENT, QUANTITIES, convert
from evalweave.simulation.extract import HBA1C_DCCT, HBA1C_UNCLEAR

# Name → (in %, code or None to keep it, unit texts, share of its unit's rows).
FORMS: dict[str, tuple[bool, str | None, tuple[str, ...], float]] = {
    "mmol_with_unit": (
        False,
        None,
        ("mmol/mol", "mmol/mol", "mmol/mol", "mmol/mol Hb", "MMOL/MOL"),
        0.86,
    ),
    "mmol_without_unit": (False, None, ("",), 0.06),
    "mmol_unclear_code": (False, HBA1C_UNCLEAR, ("mmol/mol",), 0.03),
    "mmol_unclear_code_without_unit": (False, HBA1C_UNCLEAR, ("",), 0.04),
    "wrong_unit_text": (False, None, ("mmol/L", "mg/dL"), 0.01),
    "percent_with_unit": (True, HBA1C_DCCT, ("%", "%", "%Hb"), 0.65),
    "percent_without_unit": (True, HBA1C_DCCT, ("",), 0.15),
    "percent_unclear_code": (True, HBA1C_UNCLEAR, ("%",), 0.05),
    "percent_unclear_code_without_unit": (True, HBA1C_UNCLEAR, ("",), 0.15),
}
FIRST_SHARE, LAST_SHARE = 0.35, 0.03
BLOOD_PRESSURE_UNITS = ("mmHg", "mmHg", "mmHg", "mm[Hg]", "mm Hg", "")


def percent_text(value: np.ndarray) -> np.ndarray:
    """Return HbA1c in mmol/mol as text in %, one decimal."""
    hba1c = QUANTITIES["hba1c"]
    percent = convert(value, hba1c, hba1c.base.name, PERCENT)
    return np.char.mod("%.1f", percent).astype(object)


def record(events: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the outcome events as practices wrote them, with `percent` (True/False), and rows by
    form."""
    events = events.copy()
    hba1c = (events["outcome"] == "hba1c").to_numpy()
    year = events["day"].to_numpy().astype("datetime64[Y]").astype(int)
    since = (year - year.min()) / max(int(year.max() - year.min()), 1)
    percent = hba1c & (rng.random(len(events)) < FIRST_SHARE + (LAST_SHARE - FIRST_SHARE) * since)
    drawn, which = rng.random(len(events)), rng.random(len(events))
    code, unit = np.array(events["code"], dtype=object), np.array(events["unit_text"], dtype=object)
    counts: dict[str, int] = {}
    for in_percent in (False, True):
        low = 0.0
        for name, (is_percent, new_code, units, share) in FORMS.items():
            if is_percent != in_percent:
                continue
            rows = hba1c & (percent == in_percent) & (drawn >= low) & (drawn < low + share)
            low += share
            code[rows] = new_code or code[rows]
            unit[rows] = np.array(units, dtype=object)[(which[rows] * len(units)).astype(int)]
            counts[name] = int(rows.sum())
    pressure = ~hba1c
    unit[pressure] = np.array(BLOOD_PRESSURE_UNITS, dtype=object)[
        (which[pressure] * len(BLOOD_PRESSURE_UNITS)).astype(int)
    ]
    events["code"], events["unit_text"] = code, unit
    values = np.array(events["value_text"], dtype=object)
    values[percent] = percent_text(events["value"].to_numpy()[percent])
    spaced = rng.random(len(events)) < 0.002
    values[spaced] = np.array([f" {text} " for text in values[spaced]], dtype=object)
    events["value_text"], events["percent"] = values, percent
    return events, counts | {"spaces_around_value": int(spaced.sum())}
