"""The flow as the released table `tables.FLOW`: the same boxes as the diagrams, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE
from evalweave.report.data import ReportData
from evalweave.report.flowchart import PATIENTS, PRACTICES, arms, outcomes, seen_before_and_after

COLUMN = {PATIENTS: "n_patients", PRACTICES: "n_practices"}


def table(data: ReportData) -> pd.DataFrame:
    """Return the boxes of every flow as `tables.FLOW`, counts as released."""
    return data.remembered(_table)


def _table(data: ReportData) -> pd.DataFrame:
    from evalweave.tables.report import FLOW

    rows: list[dict[str, Any]] = []

    def add(box: str, stage: str, unit: str, n: int, reason: str, **more: Any) -> None:
        label = f"{unit}: {reason}"
        rows.append(
            {
                "order": len(rows) + 1,
                "box": box,
                "stage": stage,
                "unit": unit,
                "label": label,
                COLUMN.get(unit, "n_records"): n,
                **more,
            }
        )

    if data.ledger is not None:
        keys = ["place", "outcome", "stage", "unit", "entry", "order", "rule", "reason", "arm"]
        for lines in _ledger_parts(data):
            summed = lines.groupby(keys, sort=True, observed=True)["n"].sum().reset_index()
            summed = summed.sort_values(
                ["place", "outcome", "unit", "entry", "order", "arm"], kind="stable"
            )
            for r in summed.to_dict("records"):
                add(
                    str(r["entry"]),
                    str(r["stage"]),
                    str(r["unit"]),
                    int(r["n"]),
                    str(r["reason"] or r["entry"]),
                    rule=r["rule"] or None,
                    arm=r["arm"] or None,
                    outcome=r["outcome"] or None,
                )
    for arm, counts in arms(data).items():
        rows.append(
            {
                "order": len(rows) + 1,
                "box": "kept",
                "stage": "arm",
                "unit": PATIENTS,
                "label": f"{arm} practices",
                "arm": arm,
                "n_practices": counts["practices"],
                "n_patients": counts["people"],
            }
        )
    for name in outcomes(data):
        for arm in arms(data):
            if (both := seen_before_and_after(data, name, arm)) is not None:
                add(
                    "kept",
                    "estimate",
                    PATIENTS,
                    both,
                    "seen before and after the start",
                    arm=arm,
                    outcome=name,
                )
    if not rows:
        return FLOW.empty()
    frame = FLOW.conform(pd.DataFrame(rows)).assign(unit=[row["unit"] for row in rows])
    sums = [["stage", "unit", "outcome", "arm"], ["stage", "unit", "outcome", "box", "rule"]]
    released = data.profile.count_frame(frame, FLOW, {"n_patients": sums, "n_records": sums})
    return released.drop(columns="unit")


def of_outcome(flow: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the rows of the released table that one outcome's diagram shows."""
    return flow[flow["outcome"].isna() | (flow["outcome"] == outcome).fillna(False)].reset_index(
        drop=True
    )


def _ledger_parts(data: ReportData) -> Iterator[pd.DataFrame]:
    """Yield the ledger's lines as the diagrams sum them: first of all outcomes over the arms, then
    the panel by arm."""
    assert data.ledger is not None
    places = {stage: n for n, stage in enumerate(dict.fromkeys(data.ledger["stage"]))}
    order = {name: n for n, name in enumerate(outcomes(data))}
    lines = data.ledger.assign(
        place=data.ledger["stage"].map(places),
        entry=pd.Categorical(data.ledger["entry"], [RECEIVED, SET_ASIDE, KEPT], ordered=True),
        **{
            name: data.ledger[name].astype("string").fillna("")
            for name in ("rule", "arm", "outcome")
        },
    )
    panel = lines["stage"] == "panel"
    yield lines[~panel].assign(arm="", outcome="")
    for name in order:
        yield lines[panel & (lines["outcome"].replace("", data.primary.outcome) == name)].assign(
            outcome=name
        )
