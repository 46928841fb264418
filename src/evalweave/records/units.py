"""Quantities, their units, and exact conversion between them.

HbA1c: NGSP % = 0.09148 × IFCC mmol/mol + 2.152 (the master equation, Hoelzel et al., Clinical
Chemistry 2004;50:166–174, as rounded by IFCC and NGSP), without truncation in either direction: a
truncating converter and a calendar switch of units make a false step of −0.39 mmol/mol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from evalweave.errors import StudyError, nearest

NGSP_SLOPE, NGSP_INTERCEPT = 0.09148, 2.152


def normalised(text: str) -> str:
    """Return a unit as compared: lower case, no white space, µ as u, one sort of slash and
    superscript."""
    return re.sub(r"\s+", "", text.replace("⁄", "/").replace("²", "2").replace("µ", "u")).lower()


@dataclass(frozen=True)
class Unit:
    """A unit of a quantity: value in the base unit × slope + intercept = value in this unit.

    `low` and `high` bound the values that a record without a unit may have to be read in this unit
    (low included, high not); a value outside contradicts the unit. None = no bound.
    """

    name: str
    slope: float = 1.0
    intercept: float = 0.0
    low: float | None = None
    high: float | None = None
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantity:
    """What can be measured in several units; the first is the base."""

    name: str
    units: tuple[Unit, ...]
    known: dict[str, str] = field(default_factory=dict, compare=False)  # normalised text → unit

    def __post_init__(self) -> None:
        for unit in self.units:
            for text in (unit.name, *unit.synonyms):
                self.known[normalised(text)] = unit.name

    def unit(self, name: str) -> Unit:
        """Return one of its units; raise `StudyError` when there is none of that name."""
        wanted = self.known.get(normalised(name))
        for unit in self.units:
            if unit.name == wanted:
                return unit
        valid = [unit.name for unit in self.units]
        raise StudyError(f'The quantity {self.name} has no unit "{name}". {nearest(name, valid)}')

    def has(self, name: str) -> bool:
        """Return whether `name` is one of its units."""
        return normalised(name) in self.known

    def read(self, text: str) -> str | None:
        """Return the unit that a record's unit text means: its name, "" where it says nothing, None
        where unknown."""
        normal = normalised(text)
        return "" if normal in SILENT else self.known.get(normal)


SILENT = {
    "",
    "na",
    "n/a",
    "none",
    "null",
    "unknown",
    "notknown",
    "nounit",
    "nounits",
    "-",
    "?",
    "0",
    "unit",
    "units",
}

QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity(
            "hba1c",
            (
                Unit(
                    "mmol/mol",
                    low=20,
                    synonyms=(
                        "mmol/molhb",
                        "mmol/mol hba1c",
                        "mmols/mol",
                        "mmol/mole",
                        "mmolpermol",
                        "mmol mol-1",
                        "mmol.mol-1",
                        "mmol/mol ifcc",
                        "ifcc mmol/mol",
                        "ifcc",
                        "millimole per mole",
                        "millimoles per mole",
                        "mmol/mol (ifcc)",
                        "mmoles/mol",
                        "mm/mol",
                        "9579",
                    ),
                ),
                Unit(
                    "%",
                    NGSP_SLOPE,
                    NGSP_INTERCEPT,
                    high=20,
                    synonyms=(
                        "percent",
                        "per cent",
                        "percentage",
                        "pct",
                        "%hb",
                        "% hba1c",
                        "hba1c %",
                        "%(dcct)",
                        "% dcct",
                        "dcct",
                        "dcct %",
                        "% of total",
                        "% total hb",
                        "%ngsp",
                        "ngsp",
                        "8554",
                        "{%}",
                        "%{total}",
                        "% total",
                    ),
                ),
            ),
        ),
        Quantity(
            "blood_pressure",
            (
                Unit(
                    "mmHg",
                    synonyms=(
                        "mm hg",
                        "mm[hg]",
                        "millimetre of mercury",
                        "millimeter of mercury",
                        "8876",
                    ),
                ),
                Unit("kPa", 0.133322387415, synonyms=("kilopascal",)),
            ),
        ),
        Quantity(
            "bmi",
            (
                Unit(
                    "kg/m2",
                    synonyms=("kg/m²", "kg/m^2", "kg/m*2", "kg/sqm", "kg/m 2", "9531"),
                ),
            ),
        ),
        Quantity(
            "cholesterol",
            (
                Unit(
                    "mmol/L",
                    synonyms=("mmol/litre", "mmol per litre", "mmol l-1", "mmols/l", "8753"),
                ),
                Unit(
                    "mg/dL", 38.66976, synonyms=("mg/100ml", "8840")
                ),  # 386.6976 g/mol (PubChem 5997)
            ),
        ),
    )
}
SAME_QUANTITY = {
    "systolic_bp": "blood_pressure",
    "diastolic_bp": "blood_pressure",
    "total_cholesterol": "cholesterol",
    "ldl_cholesterol": "cholesterol",
    "hdl_cholesterol": "cholesterol",
    "body_mass_index": "bmi",
}


def quantity_of(name: str, unit: str) -> Quantity:
    """Return the quantity called `name`; one whose only unit is `unit` when there is none of that
    name."""
    known = QUANTITIES.get(SAME_QUANTITY.get(name, name))
    if known is not None:
        known.unit(unit)
        return known
    return Quantity(name, (Unit(unit),))


def convert(value: Any, quantity: Quantity, unit: str, wanted: str) -> Any:
    """Return `value` (number, array or expression) given in `unit`, in the unit `wanted`, without
    rounding.

    In the base unit: (value − intercept) / slope; in another: base × slope + intercept.
    """
    there, here = quantity.unit(unit), quantity.unit(wanted)
    if there.name == here.name:
        return value
    base = value if _is_base(there) else (value - there.intercept) / there.slope
    return base if _is_base(here) else base * here.slope + here.intercept


def _is_base(unit: Unit) -> bool:
    return unit.slope == 1.0 and unit.intercept == 0.0
