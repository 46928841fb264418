"""Agreement between coders: pooled, by code and by source."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.release.numbers import missing, number, plain, sentence
from evalweave.report.blocks import Column, Details, Line, Table
from evalweave.report.data import ReportData


def agreement(data: ReportData) -> list[Any]:
    frame = data.agreement
    if frame is None or frame.empty:
        return []
    of_sources = frame[frame["source_id"].notna()]
    frame = frame[frame["source_id"].isna()]
    names = {
        "cohen_kappa": "Cohen’s kappa",
        "krippendorff_alpha": "Krippendorff’s alpha",
        "percent_agreement": "Share of equal decisions",
    }
    overall = frame[frame["code_id"].isna()] if frame["code_id"].isna().any() else frame
    notes = list(
        dict.fromkeys(str(r["note"]) for r in overall.to_dict("records") if not missing(r["note"]))
    )
    codes = {"" if missing(code) else str(code) for code in overall["code_id"]}
    lines = [
        Line(
            (
                names.get(str(r["measure"]), plain(str(r["measure"]))),
                plain(str(r["agreement_unit"])),
                *(
                    ("all codes" if missing(r["code_id"]) else str(r["code_id"]),)
                    if codes != {""}
                    else ()
                ),
                "not estimable" if missing(r["coefficient"]) else number(r["coefficient"]),
            )
        )
        for r in overall.to_dict("records")
    ]
    columns = [
        Column("Measure"),
        Column("Unit compared"),
        *([Column("Code")] if codes != {""} else []),
    ]
    return [
        Table(
            "How far coders agreed on the double-coded sources; 1 is full agreement, 0 what chance "
            "would give. The share of equal decisions does not take chance off.",
            (*columns, Column("Coefficient", number=True)),
            tuple(dict.fromkeys(lines)),
            (*(f"{sentence(note)}." for note in notes), _declaration(data)),
        ),
        *_agreement_by_code(frame),
        *_agreement_by_source(of_sources),
    ]


def _declaration(data: ReportData) -> str:
    strand = data.study.qualitative
    if strand is not None and strand.double_coding:
        return (
            "Which sources were double-coded, and by whom, was declared: a source in which one "
            "coder found nothing counts."
        )
    return (
        "Which sources were double-coded was not declared: those that several coders coded are "
        "compared, so a source in which one of them found nothing cannot count."
    )


def _agreement_by_source(frame: pd.DataFrame) -> list[Any]:
    """Return alpha source by source, from the lowest up; sources are numbered, since their names
    are people's."""
    rows = frame[
        (frame["measure"] == "krippendorff_alpha") & (frame["agreement_unit"] == "segment")
    ]
    if rows.empty:
        return []
    rows = rows.sort_values(["coefficient", "n_units"], na_position="last")
    lines = tuple(
        Line(
            (
                f"Source {place}",
                "not estimable" if missing(row["coefficient"]) else number(row["coefficient"]),
                str(int(row["n_units"])),
            )
        )
        for place, row in enumerate(rows.to_dict("records"), 1)
    )
    columns = (
        Column("Double-coded source"),
        Column("Krippendorff’s alpha", number=True),
        Column("Decisions", number=True),
    )
    caption = (
        "Agreement in each double-coded source, by segment, all codes pooled, from the lowest up."
    )
    return [Details("Agreement by source", (Table(caption, columns, lines),))]


def _agreement_by_code(frame: pd.DataFrame) -> list[Any]:
    """Return alpha for each code, by segment: a pooled figure hides the code that is in dispute."""
    rows = frame[
        frame["code_id"].notna()
        & (frame["measure"] == "krippendorff_alpha")
        & (frame["agreement_unit"] == "segment")
    ]
    if rows.empty:
        return []
    lines = tuple(
        Line(
            (
                str(row["code_id"]),
                "not estimable" if missing(row["coefficient"]) else number(row["coefficient"]),
            )
        )
        for row in rows.sort_values("code_id").to_dict("records")
    )
    columns = (Column("Code, full path"), Column("Krippendorff’s alpha", number=True))
    table = Table("Agreement on each code, by segment.", columns, lines)
    return [Details("Agreement by code", (table,))]
