"""Compile an expression once: tests clean and build a few rows hundreds of times, and most of that
time is Ibis writing the same SQL again.

Two expressions are alike when they have the same operations, literals and types in the same places,
and differ at most in the names that were made up for tables (`ibis_…`). Then their SQL differs in
these names only, and the second takes that of the first. Whatever else differs, such as a changed
rule, is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import ibis.expr.operations as ops

from evalweave.engine.duckdb_engine import Backend

MADE_UP = re.compile(r"ibis_\w+_[a-z0-9]{25,}")
KNOWN: dict[Hashable, str] = {}  # signature of an expression → its SQL, with places for the names
_compile = Backend.compile


def compile_once(self: Backend, expr: Any, /, **options: Any) -> str:
    """Return what `Backend.compile` returns, from an expression alike where there was one."""
    if any(value is not None for value in options.values()):
        return _compile(self, expr, **options)
    key, names = signature(expr.op())
    if not all(MADE_UP.fullmatch(name) for name in names):
        return _compile(self, expr)
    if key not in KNOWN:
        sql = _compile(self, expr)
        for place, name in enumerate(names):
            sql = sql.replace(f'"{name}"', f"\0{place}\0")
        KNOWN[key] = sql
    names_by_place = [f'"{name}"' for name in names]
    return re.sub("\0(\\d+)\0", lambda place: names_by_place[int(place[1])], KNOWN[key])


def install() -> None:
    Backend.compile = compile_once  # type: ignore[method-assign]


def signature(root: Any) -> tuple[Hashable, list[str]]:
    """Return what the SQL of an operation depends on, and the names of its tables in the order in
    which they are met."""
    places: dict[int, int] = {}
    described: list[Hashable] = []
    names: dict[str, int] = {}
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [child for child in _nodes(_arguments(node).values()) if id(child) not in places]
        if id(node) in places or missing:
            waiting.pop() if id(node) in places else waiting.extend(missing)
            continue
        waiting.pop()
        places[id(node)] = len(described)
        table = names.setdefault(node.name, len(names)) if _is_table(node) else None
        described.append((type(node), table, _told(_arguments(node), places)))
    return tuple(described), list(names)


def _is_table(node: Any) -> bool:
    return isinstance(node, ops.DatabaseTable | ops.InMemoryTable)


def _arguments(node: Any) -> dict[str, Any]:
    """Return what an operation is made of: of a table neither its name nor where its rows are."""
    of = dict(zip(node.__argnames__, node.__args__, strict=True))
    if _is_table(node):
        return {name: of[name] for name in of if name not in ("name", "source", "data")}
    return of


def _nodes(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, ops.Node):
            yield value
        elif isinstance(value, tuple):
            yield from _nodes(value)
        elif isinstance(value, Mapping):
            yield from _nodes(value.values())


def _told(value: Any, places: dict[int, int]) -> Hashable:
    """Return an argument as something that equals only its like (1, 1.0 and True differ, and so do
    0.0 and -0.0)."""
    if isinstance(value, ops.Node):
        return (ops.Node, places[id(value)])
    if isinstance(value, tuple):
        return tuple(_told(each, places) for each in value)
    if isinstance(value, Mapping):
        return tuple((name, _told(each, places)) for name, each in value.items())
    return (type(value), value.hex() if isinstance(value, float) else value)
