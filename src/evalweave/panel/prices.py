"""What a unit of each item costs, in the prices of one year."""

from __future__ import annotations

import math
from typing import Any

from evalweave.errors import Fault, nearest, raise_faults
from evalweave.reading import tables
from evalweave.study.uses import ResourceUse

COLUMNS = ["item", "unit_cost", "price_year", "source"]


def prices(declared: ResourceUse) -> dict[str, float]:
    """Return the unit cost of every item in the prices of `price_year`; nothing without unit costs.

    cost x index of price_year / index of the cost's own year.

    Raises:
        DataError: items without a cost or with two, costs that are no numbers of 0 or more, costs
            without a source, years that the index does not have.
    """
    if declared.unit_costs is None or declared.price_year is None:
        return {}
    table = tables.read(declared.unit_costs, COLUMNS, expected="one row an item")
    index = _index(declared.price_index)
    file, faults, known = table.file, list[Fault](), dict[str, float]()
    for row, cells in table.numbered:
        item = cells["item"]
        cost, year = _number(cells["unit_cost"]), _number(cells["price_year"])
        if item not in declared.items:
            expected = "an item of resource_use"
            faults.append(Fault(file, "another item", expected, nearest(item, declared.items), row))
        elif item in known:
            faults.append(Fault(file, "an item that stands twice", "each once", "", row, "item"))
        if cost is None or cost < 0:
            expected = "a number of 0 or more, as 1250.50: no currency sign, no comma"
            faults.append(Fault(file, "no cost", expected, "", row, "unit_cost"))
        if not cells["source"]:
            faults.append(Fault(file, "no source", "where the cost is from", "", row, "source"))
        factor = 1.0 if year == declared.price_year else _factor(index, year, declared.price_year)
        if factor is None:
            action = "Add the year to resource_use, price_index, or give the cost of price_year."
            expected = f"{declared.price_year}, or a year of the price index"
            faults.append(Fault(file, "another year", expected, action, row, "price_year"))
        known.setdefault(item, (cost or 0.0) * (factor or 1.0))
    faults += [
        Fault(file, f'no row of the item "{item}"', "a unit cost of every item")
        for item in declared.items
        if item not in known
    ]
    faults += [
        Fault(
            file,
            f'"{one}" and "{other}", which count the same records, both with a cost',
            "each record paid for once",
            "Price one of them at 0, or give each a code list of its own.",
        )
        for one, other in declared.overlapping()
        if known.get(one) and known.get(other)
    ]
    raise_faults(faults)
    return {item: known[item] for item in declared.items}


def as_declared(declared: ResourceUse) -> list[dict[str, Any]]:
    """Return each item's unit cost, price year and source as they stand in the file, and `worth`,
    what that is in the prices of `price_year`.

    Raises:
        DataError: as `prices`.
    """
    worth = prices(declared)
    if declared.unit_costs is None or not worth:
        return []
    rows = {cells["item"]: cells for _, cells in tables.read(declared.unit_costs, COLUMNS).numbered}
    return [
        {**{name: rows[item][name] for name in COLUMNS}, "worth": worth[item]} for item in worth
    ]


def factor(declared: ResourceUse, year: int) -> float | None:
    """Return prices of `year` over those of the evaluation by its index; None without both years.

    Raises:
        DataError: where the index is at fault.
    """
    if declared.price_year is None:
        return None
    return _factor(_index(declared.price_index), declared.price_year, year)


def _index(path: str | None) -> dict[int, float]:
    if path is None:
        return {}
    table = tables.read(path, ["year", "index"], expected="one row a year")
    faults, index = list[Fault](), dict[int, float]()
    for row, cells in table.numbered:
        year, value = _number(cells["year"]), _number(cells["index"])
        if year is None or value is None or value <= 0 or not year.is_integer():
            expected = "a year and a number above 0"
            faults.append(Fault(table.file, "no index", expected, row=row, column="index"))
        elif int(year) in index:
            faults.append(Fault(table.file, "a year that stands twice", "each once", "", row))
        else:
            index[int(year)] = value
    raise_faults(faults)
    return index


def _factor(index: dict[int, float], year: float | None, target: int) -> float | None:
    if year is None or year not in index or target not in index:
        return None
    return index[target] / index[int(year)]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None
