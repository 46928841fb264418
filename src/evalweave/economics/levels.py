"""Effect and cost by the levels of a column, side by side: who gains, and who is paid for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from evalweave.economics.fitted import CARE, EFFECT, Fitted, Source, fitted, row, times
from evalweave.economics.joint import contrast
from evalweave.errors import DataError
from evalweave.estimators.subgroups import levels_of
from evalweave.study.economics import Valued

UNDISCOUNTED = "Effect and cost by level are not discounted."


def levels(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """Return effect and cost of care by level and their difference from the first to the last
    level, the programme's own cost left out, and why a level has none.

    Raises:
        DataError: where a column has no level with an estimate of one of the two.
    """
    rows: list[dict[str, Any]] = []
    remarks: list[str] = []
    for column in source.spec.by:
        for item, valued in ((EFFECT, source.spec.effect), (CARE, source.spec.cost)):
            found, why = _of_column(source, column, item, valued)
            rows += found
            remarks += why
    if source.spec.by and source.spec.discount is not None:
        remarks.append(UNDISCOUNTED)
    return pd.DataFrame(rows), remarks


def _of_column(
    source: Source, column: str, item: str, valued: Valued
) -> tuple[list[dict[str, Any]], list[str]]:
    one = fitted(source, valued, subgroup=column)
    sign = -1.0 if item == EFFECT and source.spec.effect.better == "lower" else 1.0
    absent = {k: why for k, why in one.fit.absent.items() if k.startswith("att[")}
    counts = _counts(one)
    rows = []
    for term, level, behind in _terms(one, column, counts):
        try:
            part = times(contrast(one.fit, {term: 1.0}, f"{one.what}, {term}"), sign)
        except DataError as error:
            absent[term] = str(error)
            continue
        whole = row(item, valued.unit, part, source.spec.level, one)
        rows.append({"subgroup": column, "level": level, **whole, **behind})
    why = [f"by {column}, {item}, {term}: {text}" for term, text in absent.items()]
    if not rows:
        raise DataError("\n".join(why or [f"by {column}: {item} has no estimate by level."]))
    return rows, why


def _terms(
    one: Fitted, column: str, counts: dict[str, dict[str, int]]
) -> list[tuple[str, str, dict[str, int]]]:
    """Return each level's term and the difference of the last level from the first: term, level
    in words, and what is behind it: of a difference the smaller level."""
    start = f"att[{column}="
    known = {t[len(start) : -1]: t for t in one.fit.terms if t.startswith(start)}
    terms = [(term, level, counts[level]) for level, term in known.items()]
    named = [level for level in known if level != "unknown"]
    if len(named) > 1:
        first, last = named[0], named[-1]
        term = f"difference[{column}={last}-{first}]"
        if term in one.fit.terms:
            behind = min((counts[level] for level in (first, last)), key=lambda n: n["n_patients"])
            terms.append((term, f"{last} less {first}", behind))
    return terms


def _counts(one: Fitted) -> dict[str, dict[str, int]]:
    """Return the rows and people of each level."""
    of_row = np.asarray(one.panel.subgroup)
    return {
        label: {
            "n_obs": int((of_row == code).sum()),
            "n_patients": len(np.unique(one.panel.unit[of_row == code])),
        }
        for code, label in levels_of(one.panel)[0].items()
    }
