"""Which rows an analysis is of: `where`, a condition on columns.

    period >= 2012 and age in [40, 74] and not (area == 'north' or `date of birth` is None)

Comparisons of columns with numbers, texts or each other, `in`, `is None`, `and`, `or`, `not` and
brackets; nothing is ever run. A name with blanks stands between backticks.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

LONGEST = 2000  # characters
COMPARISONS = (
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.In, ast.NotIn, ast.Is, ast.IsNot),
)
EXAMPLE = "write it as in `period >= 2012 and sex == 'F'`"


@dataclass(frozen=True)
class Condition:
    """A parsed condition; `names` are the columns that its names stand for."""

    text: str
    tree: ast.expr
    names: dict[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.names.values()))


def parse(text: str) -> Condition:
    """Return a condition; raise `ValueError` with what cannot be read in it."""
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} characters; {LONGEST} at most")
    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = f"_column_{len(quoted)}"
        quoted[name] = match[1]
        return name

    plain = re.sub(r"`([^`]+)`", stand_in, text.strip())
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f'"{text}" is no condition; {EXAMPLE}') from None
    names: dict[str, str] = {}
    _check(tree, text, quoted, names)
    if not names:
        raise ValueError(f'"{text}" names no column; {EXAMPLE}')
    return Condition(text, tree, names)


def _check(node: ast.expr, text: str, quoted: dict[str, str], names: dict[str, str]) -> None:
    """Gather the names of a condition; raise for whatever is none."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check(part, text, quoted, names)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text, quoted, names)
    elif isinstance(node, ast.Compare) and all(isinstance(op, COMPARISONS) for op in node.ops):
        for operand in (node.left, *node.comparators):
            if isinstance(operand, ast.Name):
                names[operand.id] = quoted.get(operand.id, operand.id)
            else:
                value_of(operand, text)
    else:
        raise ValueError(f'"{text}" holds more than comparisons; {EXAMPLE}')


def value_of(node: ast.expr, text: str) -> object:
    """Return the number, text, None or list of them that stands in a condition."""
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise ValueError(
            f'"{text}" compares with something that is neither a column nor a value; {EXAMPLE}'
        ) from None
    several = isinstance(value, list | tuple | set)
    parts = sorted(value, key=repr) if isinstance(value, list | tuple | set) else [value]
    if not all(isinstance(part, bool | int | float | str) for part in parts if several or part):
        raise ValueError(f'"{text}" compares with a value that no cell has; {EXAMPLE}')
    return parts if several else value
