"""Tables with a line a period, the released cells of both arms side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from evalweave.release.numbers import missing, number, percent
from evalweave.report.blocks import Column, Line, Text
from evalweave.report.data import ARMS, ReportData
from evalweave.report.people import released_count


def columns(*titles: str) -> tuple[Column, ...]:
    """Return the period, and each title once an arm."""
    return (Column("Period"), *(Column(title, arm, True) for arm in ARMS for title in titles))


def lines(data: ReportData, released: pd.DataFrame, names: Sequence[str]) -> tuple[Line, ...]:
    """Return a line a period: each arm's cells of the named columns; a mean has its deviation in
    brackets."""
    cells = {(r["period"], r["arm"]): r for r in released.to_dict("records")}
    periods = released.drop_duplicates("period").sort_values("period")
    made = []
    for period, label in zip(periods["period"], periods["period_label"], strict=True):
        line: list[Text] = [str(label)]
        for arm in ARMS:
            row = cells.get((period, arm), {})
            line += [_cell(data, row, name) for name in names]
        made.append(Line(tuple(line)))
    return tuple(made)


def _cell(data: ReportData, row: Mapping[Any, Any], name: str) -> Text:
    value = row.get(name)
    if name == "rate_per_1000":
        return number(value, 1)
    if name == "share":
        return percent(value, 1)
    if name == "past_mean":
        places = data.places.get(str(row.get("outcome")), 1)
        places = places if isinstance(places, int) else 2
        spread = f"{number(value, places)} ({number(row.get('past_sd'), places)})"
        return "–" if missing(value) else spread
    return released_count(data.profile, value, "patients")
