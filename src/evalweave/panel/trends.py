"""Raw means by arm and period, before any model, from sums that are the same in whatever order rows
come, with intervals over practices.

With amounts a_g and sizes m_g (people, or person-time) of the G practices of an arm in a period,

    mean = sum a_g / sum m_g,
    V = G / (G - 1) x sum (a_g - mean m_g)^2 / (sum m_g)^2,   mean +- t(G - 1) sqrt(V):

the clustered (CR1) interval of a regression on a constant. Source: Cameron and Miller, Journal of
Human Resources 2015;50:317-372.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evalweave.engine.expressions import FRACTION, fraction, whole_part
from evalweave.panel.followed import periods
from evalweave.study.periods import period_label
from evalweave.tables.people import TRENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.outcomes import Outcome
    from evalweave.study.stages import PanelSettings

LEVEL = 0.95  # of the intervals


COUNTS = ["n", "whole", "fraction", "squares"]


def sums(
    backend: Any, rows: ir.Table, people: ir.Table, outcomes: Mapping[str, Outcome]
) -> pd.DataFrame:
    """Return arm, period, practice_id, outcome, n, and the sums of whole parts, of fractions and of
    squares.

    Squares are of the distance from the middle of the plausible range, in that range. The last two
    count in 2⁻⁴⁰.
    """
    import pandas as pd

    known = rows.inner_join(people.select("person", "arm", "practice_id"), "person")
    made: dict[str, Any] = {}
    for place, (name, outcome) in enumerate(outcomes.items()):
        value = known[name]
        middle, width = _range(outcome)
        made[f"n:{place}"] = value.count()
        made[f"whole:{place}"] = whole_part(value).sum().cast("int64")
        made[f"fraction:{place}"] = fraction(value).sum().cast("int64")
        square = ((value - middle) / width) * ((value - middle) / width)
        made[f"squares:{place}"] = (square * FRACTION).round().cast("int64").sum().cast("int64")
    by = ["arm", "period", "practice_id"]
    frame = backend.to_pyarrow(known.group_by(by).aggregate(**made)).to_pandas()
    parts = []
    for place, name in enumerate(outcomes):
        mine = {column: column.partition(":")[0] for column in made if column.endswith(f":{place}")}
        parts.append(frame[[*by, *mine]].rename(columns=mine).assign(outcome=name))
    whole = pd.concat(parts, ignore_index=True)
    return whole[whole["n"] > 0].astype({"whole": "int64", "fraction": "int64", "squares": "int64"})


def past_sums(
    backend: Any, rows: ir.Table, people: ir.Table, outcomes: Mapping[str, Outcome]
) -> pd.DataFrame:
    """Return the `sums` of the last earlier values of those measured in a period, of outcomes with
    records of their own."""
    import ibis
    import pandas as pd

    in_turn = ibis.window(group_by="person", order_by="period")
    parts = []
    for name, outcome in outcomes.items():
        if outcome.of:
            continue
        measured = rows.filter(rows[name].notnull()).select("person", "period", name)
        earlier = measured.mutate(**{name: measured[name].lag().over(in_turn)})
        parts.append(sums(backend, earlier, people, {name: outcome}))
    return pd.concat(parts, ignore_index=True)


def trends(
    comparison: str,
    sums: pd.DataFrame,
    past: pd.DataFrame,
    status: pd.DataFrame,
    settings: PanelSettings,
) -> pd.DataFrame:
    """Return TRENDS from the `sums` of practices, the `past_sums` and the `status` of
    person-periods (`followed.status`): a row an arm and period in follow-up, also where nobody was
    measured."""
    import pandas as pd

    followed = status[status["followed"]].groupby(["arm", "period"])["n"].sum()
    index = pd.concat(dict.fromkeys(settings.outcomes, followed), names=["outcome"]).index
    means = _means(sums, index, settings.outcomes).rename(columns={"n": "n_patients"})
    earlier = _means(past, index, settings.outcomes)
    means["n_past"] = earlier["n"].astype("Int64").mask(_without_past(index, settings))
    means = means.assign(past_mean=earlier["mean"], past_sd=earlier["sd"]).reset_index()
    amounts = sums.assign(amount=sums["whole"] + sums["fraction"] / FRACTION, size=sums["n"])
    means = with_intervals(means, amounts, ["outcome", "arm", "period"])
    keys = zip(means["arm"], means["period"], strict=True)
    means["n_eligible"] = [int(followed[arm, period]) for arm, period in keys]
    means["period_label"] = means["period"].map(
        lambda number: period_label(int(number), settings.window.cut)
    )
    means = means.assign(comparison=comparison)
    return TRENDS.conform(
        means.sort_values(["outcome", "arm", "period"], ascending=[True, False, True])
    )


def with_intervals(means: pd.DataFrame, practices: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return a table of `mean` by `by` with `ci_low` and `ci_high`; blank with one practice.

    Args:
        means: a row for each arm and period.
        practices: a row for each practice of them, with its `amount` and its `size`.
    """
    import numpy as np

    from evalweave.fits.distributions import t_quantile

    known = practices.merge(means[[*by, "mean"]], on=by)
    known["squares"] = (known["amount"] - known["mean"] * known["size"]) ** 2
    each = known.groupby(by).agg(
        squares=("squares", math.fsum), size=("size", math.fsum), g=("size", "count")
    )
    several = each[each["g"] > 1]
    g = several["g"].to_numpy(float)
    error = np.sqrt(g / (g - 1) * several["squares"]) / several["size"]
    half = (error * t_quantile(LEVEL, g - 1)).rename("half").reset_index()
    whole = means.merge(half, on=by, how="left")
    ends = {"ci_low": whole["mean"] - whole["half"], "ci_high": whole["mean"] + whole["half"]}
    return whole.drop(columns="half").assign(**ends)


def _means(
    sums: pd.DataFrame, index: pd.MultiIndex, outcomes: Mapping[str, Outcome]
) -> pd.DataFrame:
    """Return n, n_practices, mean and sd by outcome, arm and period."""
    import numpy as np

    grouped = sums.groupby(["outcome", "arm", "period"])
    means = grouped[COUNTS].sum().assign(n_practices=grouped["practice_id"].nunique())
    means = means.reindex(index, fill_value=0)
    n = means["n"]
    means["mean"] = (means["whole"] + means["fraction"] / FRACTION) / n.where(n > 0)
    names = index.get_level_values("outcome")
    middle, width = (
        np.array([_range(outcomes[name])[place] for name in names]) for place in (0, 1)
    )
    away = means["squares"] / FRACTION * width**2 - n * (means["mean"] - middle) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        means["sd"] = np.sqrt(np.maximum(away, 0) / (n - 1)).where(n > 1)
    return means


def _without_past(index: pd.MultiIndex, settings: PanelSettings) -> list[bool]:
    """Return where nobody could have an earlier value: in the first period, and of a threshold,
    whose values are another outcome's."""
    first = periods(settings)[0]
    return [period == first or bool(settings.outcomes[name].of) for name, _, period in index]


def _range(outcome: Outcome) -> tuple[float, float]:
    """Return the middle and the width of an outcome's plausible range."""
    low, high = outcome.plausible
    return (low + high) / 2, (high - low) or 1.0
