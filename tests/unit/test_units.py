"""Units: what texts mean, exact conversion both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.errors import StudyError
from evalweave.quantities import (
    FOREIGN,
    QUANTITIES,
    Quantity,
    convert,
    convert_difference,
    quantity_of,
)

HBA1C = QUANTITIES["hba1c"]


@pytest.mark.parametrize(("percent", "ifcc"), [(6.5, 47.5295), (7.0, 52.9952), (9.0, 74.8579)])
def test_master_equation(percent: float, ifcc: float) -> None:
    assert convert(percent, HBA1C, "%", "mmol/mol") == pytest.approx(ifcc, abs=5e-5)
    assert convert(ifcc, HBA1C, "mmol/mol", "%") == pytest.approx(percent, abs=5e-6)


def test_conversion_does_not_truncate() -> None:
    assert convert(48, HBA1C, "mmol/mol", "%") == 48 * 0.09148 + 2.152
    assert convert(6.5, HBA1C, "%", "mmol/mol") == (6.5 - 2.152) / 0.09148


@given(st.floats(20, 195))
def test_there_and_back(value: float) -> None:
    back = convert(convert(value, HBA1C, "mmol/mol", "%"), HBA1C, "%", "mmol/mol")
    assert back == pytest.approx(value, rel=4e-15)  # a few units in the last place


@given(st.floats(3.98, 19.99))
def test_back_and_there(value: float) -> None:
    assert convert(convert(value, HBA1C, "%", "mmol/mol"), HBA1C, "mmol/mol", "%") == pytest.approx(
        value, rel=4e-15
    )


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mmol/mol", "mmol/mol"),
        (" MMOL/MOL Hb ", "mmol/mol"),
        ("mmol/mol (IFCC)", "mmol/mol"),
        ("%", "%"),
        ("% Hb", "%"),
        ("per cent", "%"),
        ("", ""),
        ("NA", ""),
        ("unknown", ""),
        ("mmol/mol\u00a0", "mmol/mol"),
        ("mmol/mol Hb", "mmol/mol"),
        ("% of hb", "%"),
        ("%{Hb}", "%"),
        ("http://unitsofmeasure.org|%", "%"),
        ("8737", "%"),
        ("mg/dL", FOREIGN),
        ("mmol/L", FOREIGN),
        ("g", FOREIGN),
        ("mmol per mol haem", None),
    ],
)
def test_what_unit_texts_mean(text: str, unit: str | None) -> None:
    assert HBA1C.read(text) == unit


def test_a_difference_has_no_intercept() -> None:
    assert convert_difference(22, HBA1C, "mmol/mol", "%") == 22 * 0.09148
    assert convert_difference(1, HBA1C, "%", "mmol/mol") == 1 / 0.09148


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda quantity: quantity.name)
def test_what_a_quantity_declares(quantity: Quantity) -> None:
    """The base unit is first, limits fit into the plausible range, units have words."""
    assert quantity.base.is_base and not any(unit.is_base for unit in quantity.units[1:])
    assert quantity.plausible is not None and quantity.same_day_spread is not None
    low, high = quantity.plausible
    assert low < high and 0 <= quantity.same_day_spread < high - low
    assert quantity.same_day_twin is None or quantity.same_day_twin < quantity.same_day_spread
    assert all(quantity.read(unit.name) == unit.name for unit in quantity.units)


def test_windows_of_the_units_meet() -> None:
    mmol, percent = (HBA1C.unit(name) for name in ("mmol/mol", "%"))
    assert mmol.low == percent.high == 20
    assert convert(20, HBA1C, "%", "mmol/mol") == pytest.approx(195.1, abs=0.05)
    assert convert(20, HBA1C, "mmol/mol", "%") == pytest.approx(3.98, abs=0.005)


def test_a_unit_that_a_quantity_lacks() -> None:
    with pytest.raises(StudyError, match="mmol/mol"):
        quantity_of("hba1c", "mmol/ml")
    assert quantity_of("grip_strength", "kg").read("KG") == "kg"
    assert quantity_of("systolic_bp", "mmHg").read("mm Hg") == "mmHg"
