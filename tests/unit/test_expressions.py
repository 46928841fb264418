"""Expressions that stages share, against Python's own arithmetic."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import ibis
import pytest

from evalweave import engine
from evalweave.engine.backend import MEMORY, memory
from evalweave.engine.expressions import exact_mean, first_met

RNG = random.Random(5)
VALUES = [RNG.uniform(-60, 120) for _ in range(300)] + [-0.5, -1.0, 46.7, 0.0]


def means(values: list[float], keep: list[bool]) -> tuple[float, float]:
    """Return the mean of all values, and of those to keep."""
    table = ibis.memtable({"value": values, "keep": keep})
    made = table.aggregate(
        whole=exact_mean(table.value), some=exact_mean(table.value, where=table.keep)
    )
    row = engine.connect("duckdb").to_pyarrow(made).to_pylist()[0]
    return row["whole"], row["some"]


def test_means_are_exact_in_any_order() -> None:
    keep = [place % 3 == 0 for place in range(len(VALUES))]
    chosen = [value for value, kept in zip(VALUES, keep, strict=True) if kept]
    exact = [float(sum(map(Fraction, some)) / len(some)) for some in (VALUES, chosen)]
    made = means(VALUES, keep)
    assert made == pytest.approx(exact, abs=2.0**-40)  # fractions are counted in 2⁻⁴⁰
    order = RNG.sample(range(len(VALUES)), len(VALUES))
    assert means([VALUES[n] for n in order], [keep[n] for n in order]) == made


def test_a_single_value_stays_what_it_is() -> None:
    for value in (0.1, 1 / 3, -47.53 - 2**-45):
        assert means([value, 5.0], [True, False])[1] == value
        assert means([value], [True]) == (value, value)


def test_the_first_condition_by_number_decides() -> None:
    table = ibis.memtable({"a": [True, True, False, None], "b": [True, False, False, True]})
    conditions: dict[str, Any] = {"second": table.a, "first": table.b}
    made = table.select(n=first_met(conditions, {"first": 1, "absent": 2, "second": 3}))
    assert engine.connect("duckdb").to_pyarrow(made)["n"].to_pylist() == [1, 3, None, 1]


@pytest.mark.parametrize(
    ("said", "gigabytes"), [("500MB", 0.5), ("2GB", 2.0), ("1.5 GiB", 1.5), ("1tb", 1000.0)]
)
def test_memory_in_gigabytes(monkeypatch: pytest.MonkeyPatch, said: str, gigabytes: float) -> None:
    monkeypatch.setenv(MEMORY, said)
    assert math.isclose(memory(), gigabytes)
