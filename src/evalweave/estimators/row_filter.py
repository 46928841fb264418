"""Which rows of a table a condition holds for. A comparison with a blank cell is unknown; unknown
rows are left out and counted (three-valued logic, as in SQL)."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evalweave.estimators.panel_columns import UNKNOWN, Mask, Problems, check_present, text_of
from evalweave.estimators.panel_identity import level_text
from evalweave.study.conditions import Condition, parse, value_of


@dataclass(frozen=True)
class Holds:
    """Where a condition holds, and where blanks leave that open."""

    true: Mask
    unknown: Mask


def kept_rows(frame: pd.DataFrame, text: str, file: str) -> tuple[Mask, str]:
    """Return which rows the condition `text` holds for, and the note that counts the others.

    Raises:
        DataError: for a column that is missing or cannot be compared, or if no row is left.
    """
    condition, problems = parse(text), Problems(file)
    check_present(frame, list(condition.columns), problems)
    problems.raise_all()
    holds = _holds(condition.tree, condition, frame, problems)
    problems.raise_all()
    lost, blank = int((~holds.true).sum()), int(holds.unknown.sum())
    if lost == len(frame):
        problems.faults.clear()
        problems.add(
            "no row for which the condition holds",
            f"some rows with {text}",
            ", ".join(condition.columns),
        )
        problems.raise_all()
    because = f", {blank} rows of these because a cell is blank" if blank else ""
    return holds.true, f"where {text}: {lost} of {len(frame)} rows were left out{because}."


def _holds(node: ast.expr, condition: Condition, frame: pd.DataFrame, problems: Problems) -> Holds:
    if isinstance(node, ast.UnaryOp):
        inner = _holds(node.operand, condition, frame, problems)
        return Holds(~inner.true & ~inner.unknown, inner.unknown)
    if isinstance(node, ast.BoolOp):
        parts = [_holds(part, condition, frame, problems) for part in node.values]
        true = np.array([part.true for part in parts])
        false = np.array([~part.true & ~part.unknown for part in parts])
        over, settled = (np.all, np.any) if isinstance(node.op, ast.And) else (np.any, np.all)
        holds = np.asarray(over(true, axis=0))
        return Holds(holds, ~holds & ~np.asarray(settled(false, axis=0)))
    assert isinstance(node, ast.Compare)
    found = Holds(np.ones(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool))
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        one = _compared(left, op, right, condition, frame, problems)
        false = (~found.true & ~found.unknown) | (~one.true & ~one.unknown)
        true = found.true & one.true
        found, left = Holds(true, ~true & ~false), right
    return found


def _compared(
    left: ast.expr,
    op: ast.cmpop,
    right: ast.expr,
    condition: Condition,
    frame: pd.DataFrame,
    problems: Problems,
) -> Holds:
    """Return where one comparison holds."""
    columns = [_column(side, condition, frame) for side in (left, right)]
    values = [
        None if column is not None else value_of(side, condition.text)
        for side, column in zip((left, right), columns, strict=True)
    ]
    blank = np.zeros(len(frame), dtype=bool)
    for column in columns:
        blank |= _blank(column) if column is not None else False
    nothing = [
        column is None and value is None for column, value in zip(columns, values, strict=True)
    ]
    if isinstance(op, ast.Is | ast.IsNot) or any(nothing):
        if nothing == [False, True] and isinstance(op, _SAME | _OTHER):
            return Holds(blank if isinstance(op, _SAME) else ~blank, np.zeros_like(blank))
        return _refused(condition, frame, problems, "is None, for a column on its left")
    texts = any(isinstance(v, str) or (isinstance(v, list) and _texts(v)) for v in values)
    texts |= all(column is not None and _is_text(column) for column in columns)
    sides = [
        _side(column, value, texts, condition, problems)
        for column, value in zip(columns, values, strict=True)
    ]
    if isinstance(op, ast.In | ast.NotIn):
        if not isinstance(values[1], list):
            return _refused(condition, frame, problems, "in, before a list of values")
        among = np.isin(sides[0], np.asarray(sides[1]))
        true = among if isinstance(op, ast.In) else ~among
    elif any(isinstance(value, list) for value in values):
        return _refused(condition, frame, problems, "in, before a list of values")
    else:
        true = np.broadcast_to(_ORDER[type(op)](sides[0], sides[1]), len(frame))
    return Holds(true & ~blank, blank)


_SAME, _OTHER = ast.Is | ast.Eq, ast.IsNot | ast.NotEq
_ORDER: dict[type[ast.cmpop], Any] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


def _column(node: ast.expr, condition: Condition, frame: pd.DataFrame) -> pd.Series | None:
    return frame[condition.names[node.id]] if isinstance(node, ast.Name) else None


def _blank(column: pd.Series) -> Mask:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return np.asarray(column.isna().to_numpy(dtype=bool))
    text = text_of(column)
    return np.asarray((text.isna() | text.isin(UNKNOWN)).to_numpy(dtype=bool))


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)


def _texts(values: list[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def _side(
    column: pd.Series | None, value: Any, texts: bool, condition: Condition, problems: Problems
) -> Any:
    """Return a side of a comparison as text or as numbers."""
    if column is None:
        if isinstance(value, list):
            return [level_text(v) for v in value] if texts else [float(v) for v in value]
        return level_text(value) if texts else float(value)
    if not texts:
        values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.isnan(values) & ~_blank(column)
        expected = f"numbers, since `{condition.text}` compares it with one"
        problems.refuse(wrong, "text that is not a number", expected, str(column.name))
        return values
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.strftime("%Y-%m-%d")
    codes, uniques = pd.factorize(column)
    words = np.array([*(level_text(value) for value in uniques), ""], dtype=str)
    return words[codes]


def _refused(condition: Condition, frame: pd.DataFrame, problems: Problems, expected: str) -> Holds:
    named = ", ".join(condition.columns)
    problems.add(f"a comparison that has no meaning in `{condition.text}`", expected, named)
    nothing = np.zeros(len(frame), dtype=bool)
    return Holds(nothing, nothing)
