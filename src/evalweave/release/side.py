"""Released numbers beside recomputed ones, row by row: same, within rounding, different.

A row is known by the key of its table's contract, else by its words; where that is not enough, by
all its texts; never by its place in the file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalweave.release import shown
from evalweave.release.numbers import decimals
from evalweave.tables.catalogue import ALL
from evalweave.tables.contract import NUMBER

SAME, ROUNDING, DIFFERENT, GONE, NEW = (
    "same",
    "within rounding",
    "different",
    "not recomputed",
    "not published",
)
GOOD = (SAME, ROUNDING)
RELATIVE = 1e-9
PAGE = "report.html"
_ORDER = (SAME, ROUNDING, DIFFERENT, NEW, GONE)
_P_PLACES = 3  # decimals of a printed p-value


@dataclass(frozen=True)
class Cell:
    """One number (or word) of a released row beside the recomputed one."""

    column: str
    published: Any
    recomputed: Any
    verdict: str


@dataclass(frozen=True)
class Compared:
    """One released row beside the recomputed one."""

    table: str
    key: str
    verdict: str
    published: dict[str, Any]
    recomputed: dict[str, Any]
    cells: tuple[Cell, ...] = ()

    @property
    def differing(self) -> tuple[str, ...]:
        """Columns with the row's verdict, where that is not that all is the same."""
        return tuple(c.column for c in self.cells if c.verdict == self.verdict != SAME)

    @property
    def numbers(self) -> int:
        """How many numbers of the row were compared."""
        return sum(_numbers(cell.published) for cell in self.cells)


def tables(manifest: Mapping[str, Any], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return everything that a report folder publishes in numbers, as tables by name."""
    page = shown.on_page(folder)
    return {
        **manifest["released"],
        **dict(shown.in_figures(folder)),
        **({PAGE: page} if page else {}),
    }


def compare(published: Mapping[str, Any], recomputed: Mapping[str, Any]) -> list[Compared]:
    """Return every released row beside the recomputed one, estimates first, the page last."""
    names = sorted(
        {*published, *recomputed},
        key=lambda name: (name != "estimates", name == PAGE, "/" in name, name),
    )
    return [
        row
        for name in names
        for row in _compare_table(name, published.get(name), recomputed.get(name))
    ]


def only(
    published: Mapping[str, Any], recomputed: Mapping[str, Any], analysis: str
) -> list[Compared]:
    """Return the estimates of one analysis beside those of a rerun of that analysis alone."""

    def its(tables: Mapping[str, Any]) -> list[Any]:
        rows = tables.get("estimates") or []
        # What a term is called in words, and a count's other multiple, depend on other analyses.
        return [
            {key: cell for key, cell in row.items() if key not in ("n_obs", "n_patients")}
            for row in rows
            if row.get("analysis") == analysis
        ]

    return _compare_table("estimates", its(published), its(recomputed))


def _compare_table(name: str, published: Any, recomputed: Any) -> list[Compared]:
    before, after = list(published or []), list(recomputed or [])
    keys = _keys(name, [*before, *after])
    old, new = _by_key(before, keys), _by_key(after, keys)
    rows = []
    for key, row in old.items():
        if key not in new:
            rows.append(Compared(name, key, GONE, row, {}))
            continue
        cells = tuple(_cells(name, row, new[key]))
        worst = max((cell.verdict for cell in cells), key=_ORDER.index, default=SAME)
        rows.append(Compared(name, key, worst, row, new[key], cells))
    return rows + [Compared(name, key, NEW, {}, row) for key, row in new.items() if key not in old]


def _cells(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Cell]:
    if name == PAGE:
        yield _printed(before, after)
        return
    error = before.get("std_error")
    places = decimals(float(error or 0)) if _real(error) else 2
    for column in dict.fromkeys([*before, *after]):
        was, now = before.get(column), after.get(column)
        finest = _P_PLACES if column == "p_value" else places
        yield Cell(column, was, now, verdict(was, now, finest))


def _printed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Cell:
    """Compare one cell or sentence of the page by the numbers in it, and the words around them."""
    was, now = str(before["shown"]), str(after["shown"])
    numbers = list(zip(before["numbers"], after["numbers"], strict=False))
    if was == now:
        outcome = SAME
    elif (
        shown.skeleton(was) == shown.skeleton(now)
        and len(before["numbers"]) == len(after["numbers"])
        and all(one == other or shown.alike(one, other) for one, other in numbers)
    ):
        outcome = ROUNDING
    else:
        outcome = DIFFERENT
    return Cell("shown", was, now, outcome)


def _keys(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that tell the rows of a table apart."""
    if name == PAGE:
        return ("place",)
    table = next((table for table in ALL if table.name == name), None)
    declared = table.key if table else ()
    if not declared:
        # A figure's table: whatever is not a decimal number. Counts tell no row.
        columns = list(dict.fromkeys(column for row in rows for column in row))
        return tuple(
            column
            for column in columns
            if column != "order"
            and not column.startswith("n_")
            and not any(_real(row.get(column)) for row in rows)
        )
    return declared


def _by_key(rows: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return rows by their key in words; rows that it does not tell apart by all their texts, and
    what is left by its turn."""
    listed = [dict(row) for row in rows]
    labels = [_label(row, keys) for row in listed]
    twice = {label for label, n in Counter(labels).items() if n > 1}
    by_label: dict[str, dict[str, Any]] = {}
    turns: Counter[str] = Counter()
    for row, short in zip(listed, labels, strict=True):
        label = short
        if short in twice:
            texts = [c for c, cell in row.items() if isinstance(cell, str) and not _counts(c)]
            label = _label(row, [*keys, *(c for c in texts if c not in keys)])
        turns[label] += 1
        by_label[label if turns[label] == 1 else f"{label} ({turns[label]})"] = row
    return by_label


def _counts(column: str) -> bool:
    return (
        column == "order"
        or column.startswith("n_")
        or any(
            known.name == column and (known.counts or known.type == NUMBER)
            for table in ALL
            for known in table.columns
        )
    )


def _label(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    words = [str(row[column]) for column in keys if row.get(column) not in (None, "")]
    return ", ".join(words) or "the row"


def verdict(published: Any, recomputed: Any, places: int) -> str:
    """Return same, within rounding or different for two cells of a released table."""
    if published == recomputed:
        return SAME
    if not (_real(published) and _real(recomputed)):
        return DIFFERENT
    if math.isclose(published, recomputed, rel_tol=RELATIVE, abs_tol=1e-12):
        return SAME
    # Adding zero turns the minus zero of a small negative number into zero.
    alike = round(published, places) + 0.0 == round(recomputed, places) + 0.0
    return ROUNDING if alike else DIFFERENT


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any) -> int:
    if isinstance(value, str):
        return len(shown.NUMBER.findall(value))
    return int(_real(value))


def tally(compared: Sequence[Compared]) -> dict[str, int]:
    """Return how many rows have each verdict."""
    return {name: sum(row.verdict == name for row in compared) for name in _ORDER}


def reproduced(compared: Sequence[Compared]) -> bool:
    """Is there something to compare, and is every released row the same or within rounding?"""
    return bool(compared) and all(row.verdict in GOOD for row in compared)


def causes(
    compared: Sequence[Compared],
    inputs: Sequence[str],
    versions: Sequence[str],
    altered: Sequence[str],
) -> dict[str, list[str]]:
    """Return what differs, by what may have caused it; differing numbers under the likeliest.

    Args:
        inputs: inputs that are not the published ones, in words.
        versions: software that is not the published one.
        altered: files of the report folder that are not as they were released.
    """
    wrong = [row for row in compared if row.verdict not in GOOD]
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for row in wrong:
        columns = ", ".join(row.differing) or "the row"
        grouped.setdefault((row.table, row.verdict, columns), []).append(row.key)
    numbers = [
        f"{table}: {verdict} in {columns}: {len(keys)} {'row' if len(keys) == 1 else 'rows'}, "
        f"beginning with {keys[0]}"
        for (table, verdict, columns), keys in grouped.items()
    ]
    found: dict[str, list[str]] = {}
    if altered:
        found["The report folder is not as it was released"] = list(altered)
    if inputs:
        found["Inputs are not the published ones"] = list(inputs)
    if versions and (numbers or inputs):
        found["Software is not the published one"] = list(versions)
    if numbers:
        explained = bool(inputs or versions or altered)
        heading = (
            "Numbers differ, for which the above may be the reason"
            if explained
            else "Numbers differ though inputs and software are the same: look at the machine "
            "and at code that was not committed"
        )
        found[heading] = numbers
    return found
