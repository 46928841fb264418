"""Attacks on statistics rather than on sums: what a mean or a standardised difference tells of the
counts behind it.

A mean of whole numbers times the right number of people is a whole number, so a mean that is too
fine tells how many there are. A standardised difference of two shares tells a pair of counts; it
tells nothing only where it is what the printed numbers give anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalweave.release.disclosure import HIDDEN, Profile

Rows = Sequence[Mapping[str, Any]]
WHOLE_VALUED = ("age", "n_conditions")
SIDES = (
    ("programme", "programme_sd", "programme_n"),
    ("comparison_value", "comparison_sd", "comparison_n"),
)
_ROUNDED = 0.00501  # two decimals


def means(rows: Rows, rules: Profile) -> Iterable[str]:
    """Find means of whole numbers so fine that few numbers of people agree with them."""
    for row in rows:
        if row.get("variable") not in WHOLE_VALUED or row.get("statistic") != "mean_sd":
            continue
        for value, _, people in SIDES:
            text, n = str(row.get(value) or ""), str(row.get(people) or "")
            if not text or n == "":
                continue
            candidates = _candidates(n, rules)
            half = 0.5 * 10.0 ** -len(text.partition(".")[2])
            agree = [
                k
                for k in candidates
                if math.floor(k * (float(text) + half)) >= math.ceil(k * (float(text) - half))
            ]
            if len(candidates) > 1 and len(agree) < len(candidates):
                yield (
                    f"baseline, {row.get('comparison')}, {row.get('variable')}: the mean is so "
                    "fine that it tells how many people it rests on. Write the report again."
                )


def _candidates(text: str, rules: Profile) -> range:
    if text == HIDDEN:
        return range(max(1, rules.low), rules.high + 1)
    n, half = int(float(text)), (rules.base - 1) // 2
    return range(max(1, n - half), n + half + 1)


def differences(tables: Mapping[str, Rows]) -> Iterator[str]:
    """Find standardised differences that say more than the printed numbers beside them.

    `balance` and the figures give the baseline's once more, so they must agree with it.
    """
    printed: dict[tuple[str, str, str], str] = {}
    for row in tables.get("baseline", ()):
        shown = _text(row, "smd")
        printed[_key(row)] = shown
        if shown and not _follows(row, float(shown)):
            yield (
                f"baseline, {', '.join(word for word in _key(row) if word)}: the standardised "
                "difference is not that of the printed numbers, so it tells of those behind "
                "them. Write the report again."
            )
    for name, column in (("balance", "smd_before"), ("figures/baseline-differences", "smd")):
        for row in tables.get(name, ()):
            shown = _text(row, column)
            known = [text for key, text in printed.items() if _same(key, row)]
            if shown and not any(text and float(text) == float(shown) for text in known):
                yield (
                    f"{name}, {', '.join(word for word in _key(row) if word)}: a standardised "
                    "difference that the baseline table hides. Write the report again."
                )


def _follows(row: Mapping[str, Any], shown: float) -> bool:
    """Is a standardised difference that of the printed means or counts?"""
    sides = []
    for value, deviation, people in SIDES:
        middle, n = _number(row, value), _number(row, people)
        spread = _number(row, deviation)
        if row.get("statistic") != "mean_sd":
            if middle is None or not n:
                return False
            middle /= 100 if row.get("statistic") == "percent" else n
            spread = math.sqrt(max(0.0, middle * (1 - middle)))
        if middle is None or spread is None:
            return False
        sides.append((middle, spread))
    variance = (sides[0][1] ** 2 + sides[1][1] ** 2) / 2
    apart = sides[0][0] - sides[1][0]
    return variance > 0 and abs(apart / math.sqrt(variance) - shown) < _ROUNDED


def _number(row: Mapping[str, Any], name: str) -> float | None:
    text = _text(row, name)
    return None if text in ("", HIDDEN) else float(text)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return _text(row, "comparison"), _text(row, "variable"), _text(row, "category")


def _same(key: tuple[str, str, str], row: Mapping[str, Any]) -> bool:
    """Does a line of another table speak of a line of the baseline? A figure names no
    comparison."""
    mine = _key(row)
    return key[1:] == mine[1:] and mine[0] in ("", key[0])
