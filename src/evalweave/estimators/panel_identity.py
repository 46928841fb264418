"""Who a row belongs to: codes of units and clusters, the order of rows, levels of a subgroup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.estimators.panel_columns import UNKNOWN, Mask, Problems
from evalweave.estimators.runs import factorized
from evalweave.fits.result import Ints

MANY_DIGITS = 10**9  # below, numbers are put in the order of their texts without comparing texts
EXPONENT = r"\d(?:[.,]\d+)?[eE]\+?\d+"


def identifiers(column: pd.Series, name: str, problems: Problems) -> tuple[Ints, tuple[str, ...]]:
    """Return codes in the order of the identifiers as text, and the identifiers."""
    nobody = np.zeros(len(column), dtype=np.int64), ("",)
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        present = values[~np.isnan(values)]
        if (present != np.rint(present)).any() or (np.abs(present) > 2**53).any():
            problems.add(
                "numbers that a computer has rounded",
                "identifiers as text",
                name,
                "Read the column as text: identifiers beyond 2^53 are corrupted as numbers.",
            )
            return nobody
        column = column.astype("Int64")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        codes, uniques = factorized(column.to_numpy())
    else:
        codes, uniques = pd.factorize(column)
    names, rank = _in_order(uniques)
    plain = isinstance(uniques, np.ndarray) and uniques.dtype.kind in "iu"
    if not plain and _in_exponents(names, name, problems):
        return nobody
    blank = codes < 0
    if len(names) and names[0] == "":
        blank |= rank[codes] == 0
    if blank.any():
        problems.add(
            f"{int(blank.sum())} rows without an identifier",
            "one in every row that has an outcome",
            name,
            row=_row(column, int(blank.argmax())),
        )
        return nobody
    if np.array_equal(rank, np.arange(len(rank))):
        return codes.astype(np.int64, copy=False), tuple(names.tolist())
    return rank.astype(np.int64, copy=False)[codes], tuple(names.tolist())


def _in_order(uniques: Any) -> tuple[NDArray[Any], Ints]:
    """Return the identifiers sorted as text, and each one's place among them."""
    plain = isinstance(uniques, np.ndarray) and uniques.dtype.kind in "iu"
    texts = uniques.astype(str) if plain else np.asarray(pd.Index(uniques).astype(str), dtype=str)
    if len(texts) and (texts[1:] > texts[:-1]).all():
        return texts, np.arange(len(texts))
    if plain and len(texts) and uniques.min() >= 0 and uniques.max() < MANY_DIGITS:
        digits = np.char.str_len(texts)
        order = np.lexsort((digits, uniques.astype(np.int64) * 10 ** (digits.max() - digits)))
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return texts[order], places
    names, rank = np.unique(texts, return_inverse=True)
    return names, rank


def _in_exponents(names: NDArray[Any], column: str, problems: Problems) -> bool:
    """Refuse identifiers in exponential form: a spreadsheet has cut their last digits."""
    wrong = pd.Series(names).str.fullmatch(EXPONENT)
    if not wrong.any():
        return False
    problems.add(
        f"identifiers in exponential form, as a spreadsheet shows long numbers ({int(wrong.sum())} "
        "of them)",
        "identifiers with all their digits",
        column,
        "Digits are lost and different units may have become one: export the column as text from "
        "the source again.",
    )
    return True


def _row(column: pd.Series, at: int) -> int | None:
    label = column.index[at]
    return int(label) + 2 if isinstance(label, int | np.integer) else None


def row_order(unit: Ints, key: Ints) -> tuple[Ints | None, bool]:
    """Return the order that sorts rows by `key` (unit, then period), None = they are sorted; and
    whether no key stands twice for sure."""
    if np.all(key[1:] > key[:-1]):
        return None, True
    order = _block_order(unit, key)
    return (np.argsort(key, kind="stable"), False) if order is None else (order, True)


def _block_order(unit: Ints, key: Ints) -> Ints | None:
    """Return the order of rows that come unit by unit, each in order of period; None if they do
    not."""
    starts = np.flatnonzero(np.concatenate(([True], unit[1:] != unit[:-1])))
    blocks = unit[starts]
    if len(blocks) != int(unit.max()) + 1:
        return None
    counts = np.diff(np.append(starts, len(unit)))
    rank = np.argsort(blocks, kind="stable")
    shift = starts[rank] - np.concatenate(([0], np.cumsum(counts[rank])[:-1]))
    order = np.repeat(shift, counts[rank]) + np.arange(len(unit))
    sorted_key = key[order]
    return order if np.all(sorted_key[1:] > sorted_key[:-1]) else None


def check_constant(
    values: NDArray[Any], within: Mask, rows: Ints, name: str, expected: str, problems: Problems
) -> None:
    """Add a fault where `values` change within a unit; `within` marks rows of the one before's."""
    changes = within & (values[1:] != values[:-1])
    if changes.any():
        at = np.flatnonzero(changes)
        problems.add(
            f"{len(at)} change{'s' if len(at) > 1 else ''} within a unit",
            expected,
            name,
            row=int(rows[at + 1].min()) + 2,
        )


def levels(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Return codes of a category's levels (-1 = unknown), in numeric order where they are
    numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(column):
        column = column.astype("Int64")
    codes, uniques = pd.factorize(column)
    texts = [level_text(value) for value in uniques]
    known = sorted({text for text in texts if text not in UNKNOWN}, key=_level_order(texts))
    place = {text: code for code, text in enumerate(known)}
    look = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.int64)
    return look[codes], tuple(known)


def level_text(value: Any) -> str:
    """Return a level as it stands in a term: integers without decimals."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if np.isfinite(number) and number == int(number) else text


def _level_order(texts: list[str]) -> Callable[[str], Any]:
    def is_number(text: str) -> bool:
        try:
            float(text)
        except ValueError:
            return False
        return True

    if all(is_number(text) for text in texts if text not in UNKNOWN):
        return lambda text: (float(text), text)
    return lambda text: text
