"""What is measured: units with exact conversions, plausible range, same-day limits, which way is
better. Adding a quantity is one entry of `QUANTITIES`, and its units' spellings in
`vocabulary/units.csv`.

HbA1c: NGSP % = 0.09148 × IFCC mmol/mol + 2.152 (the master equation, Hoelzel et al., Clinical
Chemistry 2004;50:166–174, as rounded by IFCC and NGSP), without truncation in either direction: a
truncating converter and a calendar switch of units make a false step of −0.39 mmol/mol.
A difference, a spread or a margin has no intercept: it is converted by the slope alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalweave.errors import StudyError, nearest
from evalweave.vocabulary.words import NOTHING, Words, normal, words

PERCENT, PERCENTAGE_POINTS = "%", "percentage points"
FOREIGN = "another quantity's"  # what a unit text says that means a unit of something else


@dataclass(frozen=True)
class Unit:
    """A unit of a quantity: value in the base unit × slope + intercept = value in this unit.

    `low` and `high` bound the values that a record without a unit may have to be read in this unit
    (low included, high not); a value outside contradicts the unit. None = no bound. `decimals` is
    how finely values are written.
    """

    name: str
    slope: float = 1.0
    intercept: float = 0.0
    low: float | None = None
    high: float | None = None
    decimals: int = 0

    @property
    def is_base(self) -> bool:
        return self.slope == 1.0 and self.intercept == 0.0


@dataclass(frozen=True)
class Quantity:
    """What can be measured in several units; the first is the base, in which all limits stand.

    A day whose values differ by more than `same_day_spread` is set aside; two of a day, in two
    units, that lie `same_day_twin` apart or less are one (None = no limit). Estimates are reported
    in the study's unit, and in each of `reported_in`. `conversion` names the source of the
    conversion, `meaning` explains the label to a reader.
    """

    name: str
    units: tuple[Unit, ...]
    label: str = ""
    plausible: tuple[float, float] | None = None
    same_day_spread: float | None = None
    same_day_twin: float | None = None
    better: Literal["lower", "higher", "neither"] = "lower"
    binary: bool = False
    aliases: tuple[str, ...] = ()
    reported_in: tuple[str, ...] = ()
    conversion: str = ""
    meaning: str = ""

    @property
    def base(self) -> Unit:
        return self.units[0]

    def unit(self, name: str) -> Unit:
        """Return one of its units, by any of its spellings; raise `StudyError` when there is none
        of that name."""
        meant = words("units").read(name)
        for unit in self.units:
            if unit.name == meant or normal(unit.name) == normal(name):
                return unit
        valid = [unit.name for unit in self.units]
        raise StudyError(f'The quantity {self.name} has no unit "{name}". {nearest(name, valid)}')

    def has(self, name: str) -> bool:
        """Return whether `name` is one of its units."""
        return self.read(name) not in ("", FOREIGN, None)

    def read(self, text: str, own: Mapping[str, str] = NOTHING) -> str | None:
        """Return the unit that a record's unit text means: its name, "" where it says nothing,
        `FOREIGN` for a unit of something else, None where nobody knows it. `own` are a study's
        words for units."""
        return self.read_by(text, words("units", own), words("missing"))

    def read_by(self, text: str, units: Words, missing: Words) -> str | None:
        """Return what `read` does, by tables of words that are there already."""
        if not normal(text):
            return ""
        own = {normal(unit.name): unit.name for unit in self.units}
        meant = own.get(normal(text)) or units.read(text)
        if meant is None:
            return "" if missing.read(text) else None
        if meant == "none":
            return ""
        return own.get(normal(meant), FOREIGN)


QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity(
            "hba1c",
            (
                Unit("mmol/mol", low=20),
                Unit(PERCENT, 0.09148, 2.152, high=20, decimals=1),
            ),
            label="HbA1c",
            plausible=(20, 195),
            same_day_spread=22,
            same_day_twin=1.0,
            aliases=("glycated_haemoglobin", "haemoglobin_a1c", "hemoglobin_a1c"),
            reported_in=("mmol/mol", PERCENT),
            conversion="IFCC–NGSP master equation",
            meaning="glycated haemoglobin, a measure of average blood sugar over about three "
            "months",
        ),
        Quantity(
            "systolic_bp",
            (Unit("mmHg"), Unit("kPa", 0.133322387415, decimals=1)),
            label="systolic blood pressure",
            plausible=(60, 260),
            same_day_spread=60,
            aliases=("systolic_blood_pressure", "blood_pressure", "sbp"),
        ),
        Quantity(
            "diastolic_bp",
            (Unit("mmHg"), Unit("kPa", 0.133322387415, decimals=1)),
            label="diastolic blood pressure",
            plausible=(30, 160),
            same_day_spread=40,
            aliases=("diastolic_blood_pressure", "dbp"),
        ),
        Quantity(
            "bmi",
            (Unit("kg/m2", decimals=1),),
            label="body mass index",
            plausible=(12, 80),
            same_day_spread=5,
            aliases=("body_mass_index",),
        ),
        # 386.6976 g/mol (PubChem 5997)
        Quantity(
            "cholesterol",
            (Unit("mmol/L", decimals=1), Unit("mg/dL", 38.66976)),
            label="total cholesterol",
            plausible=(1, 20),
            same_day_spread=2,
            same_day_twin=0.1,
            aliases=("total_cholesterol",),
        ),
        Quantity(
            "ldl_cholesterol",
            (Unit("mmol/L", decimals=1), Unit("mg/dL", 38.66976)),
            label="LDL cholesterol",
            plausible=(0.2, 15),
            same_day_spread=2,
            same_day_twin=0.1,
        ),
        Quantity(
            "hdl_cholesterol",
            (Unit("mmol/L", decimals=1), Unit("mg/dL", 38.66976)),
            label="HDL cholesterol",
            plausible=(0.1, 6),
            same_day_spread=1,
            same_day_twin=0.1,
            better="higher",
        ),
        Quantity(
            "smoking",
            (Unit("proportion", decimals=2),),
            label="smokers",
            plausible=(0, 1),
            same_day_spread=0,
            binary=True,
        ),
    )
}


def known(name: str) -> Quantity | None:
    """Return the quantity of a name or another name of it; None when there is none."""
    by_alias = {alias: quantity for quantity in QUANTITIES.values() for alias in quantity.aliases}
    return QUANTITIES.get(name) or by_alias.get(name)


def quantity_of(name: str, unit: str) -> Quantity:
    """Return the quantity called `name`; one whose only unit is `unit` when there is none of that
    name."""
    quantity = known(name)
    if quantity is not None:
        quantity.unit(unit)
        return quantity
    return Quantity(name, (Unit(unit),))


def convert(value: Any, quantity: Quantity, unit: str, wanted: str) -> Any:
    """Return `value` (number, array or expression) given in `unit`, in the unit `wanted`, without
    rounding.

    In the base unit: (value − intercept) / slope; in another: base × slope + intercept.
    """
    given, asked = quantity.unit(unit), quantity.unit(wanted)
    if given.name == asked.name:
        return value
    base = value if given.is_base else (value - given.intercept) / given.slope
    return base if asked.is_base else base * asked.slope + asked.intercept


def convert_difference(value: Any, quantity: Quantity, unit: str, wanted: str) -> Any:
    """Return a difference, spread or standard error given in `unit`, in the unit `wanted`: by the
    slopes only."""
    given, asked = quantity.unit(unit), quantity.unit(wanted)
    if given.name == asked.name:
        return value
    base = value if given.is_base else value / given.slope
    return base if asked.is_base else base * asked.slope


def unit_of_differences(unit: str) -> str:
    """Return what differences of values in `unit` are counted in: percentage points of values in
    per cent."""
    return PERCENTAGE_POINTS if normal(unit) == PERCENT else unit
