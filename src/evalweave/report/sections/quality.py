"""Data quality: what was set aside and why, by arm and period, who was measured and who died."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from evalweave.catalogue.words import listed
from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.release.disclosure import HIDDEN, Released
from evalweave.release.numbers import missing, number, percent, plain, sentence
from evalweave.report.blocks import Column, Details, Heading, Line, Prose, Section, Table, Text
from evalweave.report.data import ReportData
from evalweave.report.sections import dirt, measured
from evalweave.tables.records import LEDGER

UNITS = {"person-periods": "records"}


def section(data: ReportData) -> Section:
    """Return the ledger of every stage as tables."""
    blocks: list[Any] = [
        Prose(
            f"The extract is less than that of the run before ({listed(accepted['kinds'])}). It "
            f"was accepted, with the reason: {accepted['reason'].removesuffix('.')}."
        )
        for accepted in data.intake.get("accepted", ())
    ]
    if data.ledger is not None and len(data.ledger):
        blocks.append(
            Prose(
                "Nothing is dropped silently: every row received was kept or set aside, with the "
                "first rule it failed."
            )
        )
        blocks.append(_set_aside(data))
        blocks += dirt.blocks(data)
        for title, by in (("The same by arm", "arm"), ("The same by period", "period")):
            table = _by(data, by)
            if table:
                blocks.append(Details(title, (table,)))
    blocks += measured.blocks(data)
    codelists = _codelists(data)
    if codelists:
        blocks += [Heading("Code lists", "codelists"), codelists]
    if not blocks:
        blocks = [Prose("No ledger of rows is part of these results.")]
    return Section("quality", "Data quality", tuple(blocks))


def totals(data: ReportData, *more: str) -> pd.DataFrame:
    """Return the ledger summed over what `more` does not name, as released; `share` of those
    received."""
    assert data.ledger is not None
    keys = ["place", "stage", "outcome", "unit", "entry", "order", "rule", "reason", *more]
    places = {stage: n for n, stage in enumerate(dict.fromkeys(data.ledger["stage"]))}
    lines = data.ledger.assign(place=data.ledger["stage"].map(places))
    for name in ("rule", "reason", "arm", "period", "outcome"):
        lines[name] = lines[name].astype("string").fillna("")
    summed = lines.groupby(keys, sort=True, dropna=False)["n"].sum().reset_index()
    groups = ["place", "stage", "outcome", "unit", *more]
    received = summed[summed["entry"] == RECEIVED].groupby(groups)["n"].sum().rename("received")
    summed = summed.merge(received.reset_index(), on=groups, how="left")
    shares = []
    for record in summed.to_dict("records"):
        whole = record["received"]
        shares.append(
            None if missing(whole) else data.profile.rate(record["n"], whole, _of(record["unit"]))
        )
    summed["share"] = shares
    sums = [
        groups,
        *([keys[: -len(more)]] if more else []),
    ]  # over the rules, and over the arms or periods
    released = data.profile.count_frame(summed, LEDGER, {"n": sums})
    return released.drop(columns="received")


def _of(unit: str) -> str:
    return "practices" if unit == "practices" else "patients" if unit == "patients" else "records"


def shown(data: ReportData, record: dict[Any, Any], name: str = "n") -> Text:
    """Return a released ledger count as marked HTML."""
    cell = record[name]
    if missing(cell):
        return "–"
    hidden = str(cell) == HIDDEN
    return data.profile.mark_released(
        Released(str(cell), None if hidden else int(cell), hidden), _of(str(record["unit"]))
    )


def _set_aside(data: ReportData) -> Table:
    lines: list[Line] = []
    frame = totals(data)
    for heading, part in _parts(data, frame):
        rows = part.to_dict("records")
        if not any(row["entry"] == SET_ASIDE for row in rows):
            continue
        lines.append(Line((heading,), group=True))
        for row in sorted(
            rows, key=lambda r: ([RECEIVED, SET_ASIDE, KEPT].index(r["entry"]), r["order"])
        ):
            label = row["reason"] if row["entry"] == SET_ASIDE else sentence(str(row["entry"]))
            lines.append(
                Line(
                    (sentence(plain(str(label))), shown(data, row), _share(row)),
                    depth=int(row["entry"] == SET_ASIDE),
                )
            )
    return Table(
        "What was received, set aside and kept at each stage. Each row set aside has one reason, "
        "the first rule it failed.",
        (
            Column("Stage and reason"),
            Column("Number", number=True),
            Column("Share", "of received", True),
        ),
        tuple(lines),
        (note(data),),
        id="set-aside",
    )


def _parts(data: ReportData, frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield heading and lines of each stage and unit, of the panel an outcome at a time."""
    order = {name: place for place, name in enumerate(["", *data.study.outcomes])}
    groups = frame.assign(_outcome=frame["outcome"].map(order)).groupby(
        ["place", "_outcome", "stage", "outcome", "unit"], sort=True
    )
    for (_, _, stage, outcome, unit), part in groups:
        of = f", {data.outcome_label(str(outcome))}" if outcome else ""
        yield f"{sentence(plain(str(stage)))}: {unit}{of}", part


def _share(row: dict[Any, Any]) -> str:
    share: Any = row.get("share")
    if missing(share):
        return "–"
    return "< 0.1\u202f%" if 0 < float(share) < 0.001 else percent(share, 1)


def note(data: ReportData) -> str:
    """Return the footnote on suppression of the profile that holds."""
    return f"{data.profile.note} Shares are from the released numbers."


def _by(data: ReportData, by: str) -> Table | None:
    frame = totals(data, by)
    frame = frame[(frame["entry"] == SET_ASIDE) & (frame[by] != "")]
    if frame.empty:
        return None
    levels = sorted(frame[by].unique(), key=lambda name: (name == "comparison", name))
    lines: list[Line] = []
    for heading, part in _parts(data, frame):
        lines.append(Line((heading,), group=True))
        for (_, reason), rule in part.groupby(["order", "reason"], sort=True):
            cells = {row[by]: row for row in rule.to_dict("records")}
            lines.append(
                Line(
                    (
                        sentence(plain(str(reason))),
                        *(shown(data, cells[lv]) if lv in cells else "–" for lv in levels),
                    ),
                    depth=1,
                )
            )
    return Table(
        f"Set aside by {by}. Rows that do not say their {by} are left out here.",
        (
            Column("Stage and reason"),
            *(Column(sentence(str(level)), number=True) for level in levels),
        ),
        tuple(lines),
        (data.profile.note,),
        wide=True,
    )


def _codelists(data: ReportData) -> Table | None:
    frame = data.codelists
    if frame is None or frame.empty:
        return None
    names = {str(name).lower(): name for name in frame.columns}
    codes = next((names[key] for key in ("n_codes", "codes", "n") if key in names), None)
    first = frame.columns[0]
    digest = names.get("sha256")
    lines = [
        Line(
            (
                plain(str(r[first])),
                number(r[codes], 0) if codes else "–",
                str(r[digest])[:12] if digest else "–",
            )
        )
        for r in frame.to_dict("records")
    ]
    return Table(
        "Code lists that were used, with the number of codes and the beginning of the checksum of "
        "each file.",
        (Column("Code list"), Column("Codes", number=True), Column("SHA-256")),
        tuple(lines),
    )
