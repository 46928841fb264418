"""When the fieldwork was done: a bar a kind of source, from its first month to its last."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from evalweave.release.numbers import missing, plain, sentence
from evalweave.report.blocks import Figure
from evalweave.report.data import ReportData
from evalweave.report.figures.style import PROGRAMME, describe, drawing, drawn, sign, to_svg

NAME = "fieldwork-timeline"
ROW = 20  # height of a bar with its gap, in SVG units


def timeline(data: ReportData, fieldwork: pd.DataFrame) -> Figure | None:
    """Return the figure from FIELDWORK as released; None where no kind has a date."""
    dated = fieldwork[fieldwork["first_month"].notna() & fieldwork["last_month"].notna()]
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for row in dated.to_dict("records"):
        name = (_kind(row), "" if missing(row["phase"]) else plain(str(row["phase"])))
        first, last = rows.get(name, (row["first_month"], row["last_month"]))
        rows[name] = (min(first, row["first_month"]), max(last, row["last_month"]))
    if len(rows) < 2:
        return None
    bars = sorted(rows.items(), key=lambda item: (item[1], item[0]))
    table = pd.DataFrame(
        [(kind, phase, first, last) for (kind, phase), (first, last) in bars],
        columns=["kind", "phase", "first_month", "last_month"],
    )
    title = "When the fieldwork was done"
    spoken = "; ".join(
        f"{r.kind} from {r.first_month} to {r.last_month}" for r in table.itertuples()
    )
    description = describe(f"{title}: {spoken}.", data.study.study.synthetic)
    caption = (
        "Each kind of source from the month of its first to that of its last. Kinds of too few "
        "sources have no dates."
    )
    drawing_of = drawn(partial(_draw, data, table, title, description))
    return Figure(NAME, title, description, caption, (drawing_of,), table)


def _kind(row: dict[Any, Any]) -> str:
    return sentence(plain(str(row["kind"])))


def _months(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def _draw(data: ReportData, table: pd.DataFrame, title: str, description: str) -> str:
    with drawing(NAME, ROW * len(table) + 50) as (figure, axes):
        first = [_months(month) for month in table["first_month"]]
        last = [_months(month) + 1 for month in table["last_month"]]
        places = range(len(table))
        widths = [end - start for start, end in zip(first, last, strict=True)]
        axes.barh(list(places), widths, left=first, height=0.55, color=PROGRAMME)
        labels = [
            f"{row.kind} ({row.phase})" if row.phase else row.kind for row in table.itertuples()
        ]
        axes.set_yticks(list(places), labels)
        axes.invert_yaxis()
        quarters = list(range(min(first) // 3 * 3, max(last) + 1, 3))
        step = max(1, len(quarters) // 3)
        axes.set_xticks(quarters[::step], [f"{m % 12 + 1:02d}/{m // 12}" for m in quarters[::step]])
        sign(figure, data.study.study.synthetic)
        return to_svg(figure, NAME, title, description)
