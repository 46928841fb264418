"""Counts and costs by arm and period, before any model, a unit of person-time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalweave.engine.expressions import FRACTION, fraction, whole_part
from evalweave.panel.trends import with_intervals
from evalweave.study.periods import period_label
from evalweave.tables.people import TRENDS

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.stages import UsesSettings


def use_trends(
    backend: Any, comparison: str, rows: ir.Table, people: ir.Table, settings: UsesSettings
) -> pd.DataFrame:
    """Return TRENDS of what is counted: the amount of an arm and period over its person-time, and
    the standard deviation of the amounts of person-periods.

    `rows` have person, period, exposure and the amounts. Sums count in 2⁻⁴⁰, so that they are the
    same in whatever order rows come.
    """
    import numpy as np
    import pandas as pd

    if not settings.outcomes:
        return TRENDS.empty()
    known = rows.inner_join(people.select("person", "arm", "practice_id"), "person")
    columns = {name: o.column(name) for name, o in settings.outcomes.items()}
    sums = {"n_patients": known.count(), **_sums("time", known.exposure)}
    for place, column in enumerate(columns.values()):
        amount = known[column].cast("float64")
        sums |= _sums(f"amount:{place}", amount) | _sums(f"squares:{place}", amount * amount)
    by = ["arm", "period"]
    grouped = known.group_by(*by, "practice_id").aggregate(**sums)
    practices = backend.to_pyarrow(grouped).to_pandas()
    summed = practices.drop(columns="practice_id").groupby(by)
    frame = summed.sum().assign(n_practices=summed.size()).reset_index()
    n, time = frame["n_patients"], _total(frame, "time")
    parts = []
    for place, name in enumerate(columns):
        amount = _total(frame, f"amount:{place}")
        away = np.maximum(_total(frame, f"squares:{place}") - amount**2 / n, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = np.sqrt(away / (n - 1)).where(n > 1)
        own = frame.assign(outcome=name, mean=amount / time, sd=sd)
        amounts = practices.assign(
            amount=_total(practices, f"amount:{place}"), size=_total(practices, "time")
        )
        parts.append(with_intervals(own, amounts, by))
    whole = pd.concat(parts, ignore_index=True)
    whole["n_eligible"] = whole["n_patients"]
    whole["period_label"] = whole["period"].map(
        lambda number: period_label(int(number), settings.window.cut)
    )
    whole = whole.assign(comparison=comparison)
    return TRENDS.conform(
        whole.sort_values(["outcome", "arm", "period"], ascending=[True, False, True])
    )


def _sums(name: str, value: Any) -> dict[str, Any]:
    return {
        f"{name}:whole": whole_part(value).sum().cast("int64"),
        f"{name}:fraction": fraction(value).sum().cast("int64"),
    }


def _total(frame: pd.DataFrame, name: str) -> Any:
    return frame[f"{name}:whole"] + frame[f"{name}:fraction"] / FRACTION
