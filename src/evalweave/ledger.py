"""The ledger: rows in = rows kept + rows set aside, each set-aside row with exactly one reason.

A ledger is a table (`tables.LEDGER`), one line per stage, unit, rule, arm, period and outcome.
Totals are sums of its lines, so the parts agree with the whole by construction and `check` proves
it. `arm` and `period` are blank where a row does not say, `outcome` where the rows are of all
outcomes. Lines of one outcome are never summed with those of another: the same person-period is
received by each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalweave.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

RECEIVED = "received"
KEPT = "kept"
SET_ASIDE = "set_aside"


def check(ledger: pd.DataFrame) -> None:
    """Raise `DataError` unless received = kept + set aside for every stage, unit, arm, period and
    outcome."""
    keys = ["stage", "unit", "arm", "period", "outcome"]
    counts = ledger.assign(
        **{
            name: ledger[name].fillna("") if name in ledger else ""
            for name in ("arm", "period", "outcome")
        }
    )
    wide = counts.pivot_table(index=keys, columns="entry", values="n", aggfunc="sum", fill_value=0)
    for entry in (RECEIVED, KEPT, SET_ASIDE):
        if entry not in wide:
            wide[entry] = 0
    wrong = wide[wide[RECEIVED] != wide[KEPT] + wide[SET_ASIDE]]
    if len(wrong):
        stage, unit = wrong.index[0][:2]
        raise DataError(
            f"The ledger of stage {stage} does not add up: {len(wrong)} combinations of arm, "
            "period and outcome have "
            f"{unit} received that are neither kept nor set aside. This is a fault of evalweave, "
            "not of your data."
        )


def set_aside_by_rule(ledger: pd.DataFrame, by: Iterable[str] = ()) -> pd.DataFrame:
    """Return how many were set aside by each rule (in rule order), optionally also `by` arm or
    period."""
    lines = ledger[ledger["entry"] == SET_ASIDE]
    keys = ["stage", "unit", "order", "rule", "reason", *by]
    return lines.groupby(keys, dropna=False, sort=True)["n"].sum().reset_index()
