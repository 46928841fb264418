"""SQL that tests take from an expression alike is what the compiler writes for this one."""

from __future__ import annotations

from typing import Any

import ibis
import pytest

from evalweave import engine
from evalweave.engine.duckdb_engine import Backend
from helpers import compiled
from helpers.cohort import built, person


def both(backend: Any, expression: Any) -> tuple[str, str]:
    return compiled.compile_once(backend, expression), compiled._compile(backend, expression)


def test_all_that_cohort_building_asks_is_written_as_the_compiler_writes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def checked(self: Any, expression: Any, /, **options: Any) -> str:
        ours = compiled.compile_once(self, expression, **options)
        asked.append((ours, compiled._compile(self, expression, **options)))
        return ours

    monkeypatch.setattr(Backend, "compile", checked)
    built([person("alike0", birth_year="1951")])
    n_known = len(compiled.KNOWN)
    built([person("alike1", birth_year="1951")])
    # views of a table are numbered, so that what joins a table with itself is compiled each time
    assert len(compiled.KNOWN) - n_known < n_known / 10
    assert len(asked) > 60
    for ours, theirs in asked:
        assert ours == theirs


VALUES = [1, 1.0, True, 0.0, -0.0, "1", "a", None, 2]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_literals_are_told_apart(value: object) -> None:
    backend = engine.connect("duckdb")
    table = engine.keep(backend, "numbers", ibis.memtable({"n": [1]}))
    kinds = {bool: "boolean", int: "int64", float: "float64", str: "string", type(None): "string"}
    for other in (value, *VALUES):
        made = ibis.literal(other, kinds[type(other)])
        ours, theirs = both(backend, table.mutate(made=made))
        assert ours == theirs


def test_tables_and_columns_are_told_apart() -> None:
    backend = engine.connect("duckdb")
    first, second = (
        engine.keep(backend, name, ibis.memtable({"n": [1], "m": [2]})) for name in ("a", "b")
    )
    for left, right in ((first, second), (second, first), (first, first.view())):
        for name in ("n", "m"):
            joined = left.inner_join(right, left[name] == right.n).select(of=left[name])
            ours, theirs = both(backend, joined)
            assert ours == theirs
    for one in (first, second):
        rows = one.filter(one.n > 0).union(second.filter(second.m > 0))
        ours, theirs = both(backend, rows)
        assert ours == theirs
        assert backend.to_pyarrow(rows).to_pydict() == {"n": [1, 1], "m": [2, 2]}
