"""What of each outcome's records cleaning sets aside, by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalweave.records import coded
from evalweave.records.rules import BY_NAME

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.records.codelists import Codelist
    from evalweave.study.whole import Study

MERGED = ("same_day_repeat", "same_day_twin", "same_day_averaged")  # nothing is lost by these


def by_outcome(
    backend: Any,
    events: ir.Table,
    set_aside: ir.Table,
    lists: dict[str, Codelist],
    study: Study,
) -> list[str]:
    """Return a sentence for each outcome: how many of its records are set aside, and why, the most
    frequent reason first.

    `events` are as ingested, `set_aside` as cleaning wrote it (source_file, source_row, rule).
    """
    codes = coded.code_table(lists, study.recorded)
    joined = events.inner_join(codes, ["code_system", "code"])
    measured = joined.filter(joined.outcome.notnull())
    place = ["source_file", "source_row"]
    measured = measured.select("outcome", *place)
    judged = measured.left_join(set_aside.select(*place, "rule"), place)
    counts = judged.group_by("outcome", "rule").aggregate(n=judged.count())
    rows = sorted(
        backend.to_pyarrow(counts).to_pylist(), key=lambda row: (-row["n"], row["rule"] or "")
    )
    sentences = []
    for name in study.recorded:
        of_outcome = [row for row in rows if row["outcome"] == name]
        total = sum(row["n"] for row in of_outcome)
        lost = [row for row in of_outcome if row["rule"] and row["rule"] not in MERGED]
        if not lost:
            continue
        n = sum(row["n"] for row in lost)
        reasons = "; ".join(
            f"{BY_NAME[row['rule']].reason}: {row['n']:,} ({row['n'] / total:.1%})" for row in lost
        )
        sentences.append(
            f"{name}: {n:,} of {total:,} records ({n / total:.1%}) are set aside: {reasons}"
        )
    return sentences
