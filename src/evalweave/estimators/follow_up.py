"""Person-periods beside those of a panel: in follow-up and not measured, and those of the dead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.kinds import COST, COUNT
from evalweave.errors import StudyError
from evalweave.estimators.follow_up_checks import check_dead, check_runs
from evalweave.panel import DEAD_SHARE
from evalweave.study.analyses import Columns, FitSpec


def with_others(
    frame: pd.DataFrame,
    model: FitSpec,
    followed: pd.DataFrame | None,
    deaths: pd.DataFrame | None,
    dead_value: float | None,
) -> tuple[pd.DataFrame, Sequence[str]]:
    """Return a table with the person-periods that were not measured and those of the dead, and what
    is to be noted.

    Raises:
        StudyError: where one of `deaths` and `dead_value` is missing, or `followed` says nothing to
            the estimator.
    """
    if (deaths is None) != (dead_value is None):
        raise StudyError("deaths and dead_value belong together; give both, or neither.")
    if followed is not None:
        name = model.analyses[0].estimator
        if not ESTIMATORS[name].blank_outcomes or model.columns.unit is None:
            raise StudyError(
                f"followed: {name} uses no person-periods without a measurement, or the table has "
                "no unit. Leave it out."
            )
        frame = with_blanks(frame, followed, model.columns)
    if deaths is None or dead_value is None:
        return frame, ()
    frame, note = with_dead(frame, deaths, model.columns, dead_value)
    return frame, (note,)


def amounts(model: FitSpec) -> FitSpec:
    """Return the SPEC of a composite: a count in which the dead have a value for part of a period
    need not be whole, and is as a cost is."""
    if model.columns.kind != COUNT:
        return model
    return model.model_copy(update={"columns": model.columns.model_copy(update={"kind": COST})})


def followed_rows(
    followed: pd.DataFrame, panel: pd.DataFrame, columns: Columns, measured: str
) -> pd.DataFrame:
    """Return every patient-period in follow-up with `measured` = 1 where the `panel` has the
    outcome, 0 elsewhere.

    `followed` has a row a patient and unbroken run of periods (from_period to to_period, both
    included).

    Raises:
        DataError: where these are no periods.
    """
    check_runs(followed, panel, columns)
    n = (followed["to_period"] - followed["from_period"] + 1).to_numpy(dtype="int64")
    at = np.repeat(np.arange(len(followed)), n)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    periods = (
        panel[columns.period].to_numpy(dtype="int64"),
        followed["from_period"].to_numpy(dtype="int64")[at] + within,
    )
    names = [name for name in followed if name not in ("from_period", "to_period")]
    both = pd.DataFrame({name: _joined(panel[name], followed[name]) for name in names})
    unit = pd.factorize(both[columns.unit], sort=True)[0]
    low = min(each.min(initial=0) for each in periods)
    span = max(each.max(initial=0) for each in periods) - low + 1
    mine = unit[: len(panel)] * span + (periods[0] - low)
    theirs = unit[len(panel) :][at] * span + (periods[1] - low)
    del unit, within, periods  # of millions of rows each
    key = np.concatenate([mine, theirs])
    key.sort()
    key = key[np.append(True, key[1:] != key[:-1])[: len(key)]]
    first, seen = np.empty_like(key), np.zeros_like(key)
    first[np.searchsorted(key, theirs)] = len(panel) + at
    there = np.searchsorted(key, mine)  # the panel's rows go before
    first[there] = np.arange(len(panel))
    seen[there] = panel[columns.outcome].notna()
    rows = both.iloc[first].reset_index(drop=True)
    return rows.assign(**{columns.period: low + key % span, measured: seen})


def _joined(one: pd.Series, other: pd.Series) -> Any:
    """Return two columns one after the other; categories in their order as text."""
    if all(isinstance(each.dtype, pd.CategoricalDtype) for each in (one, other)):
        return pd.api.types.union_categoricals([one, other], sort_categories=True)
    return pd.concat([one, other], ignore_index=True)


def with_blanks(panel: pd.DataFrame, followed: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the panel with a row, its outcome blank, for each person-period in follow-up that it
    does not have; what is one value a person in the panel is filled in."""
    measured = "measured"
    rows = followed_rows(followed, panel, columns, measured).drop(columns=measured)
    whole = rows.merge(
        panel.drop(columns=[n for n in columns.who() if n != columns.unit]),
        on=[columns.unit, columns.period],
        how="left",
    )
    facts = [n for n in panel if n not in (*columns.who(), columns.period, columns.outcome)]
    once = panel.groupby(columns.unit, sort=False)[facts].first()
    return whole.assign(
        **{name: whole[name].fillna(whole[columns.unit].map(once[name])) for name in facts}
    )


def with_dead(
    frame: pd.DataFrame, died: pd.DataFrame, columns: Columns, value: float
) -> tuple[pd.DataFrame, str]:
    """Return a table of person-periods in which the dead have `value`, and a note.

    With person-time it is `value` for the days after death, which then are person-time too; without
    it the whole period of death, and all after it.

    Raises:
        DataError: where the table of the dead is at fault.
        StudyError: for a value that is none.
    """
    check_dead(died, frame, columns, value)
    who = [columns.owner, columns.period]
    rows = frame.merge(died[[*who, DEAD_SHARE]], on=who, how="left")
    share = rows.pop(DEAD_SHARE).fillna(0.0)
    later = died.merge(frame[who], on=who, how="left", indicator=True)
    later = later[later.pop("_merge") == "left_only"]
    part = later.pop(DEAD_SHARE)
    outcome, exposure = columns.outcome, columns.exposure
    if exposure is None:
        dead_now = rows[who].merge(died[who], on=who, how="left", indicator=True)["_merge"]
        rows[outcome] = (
            rows[outcome].astype("float64").where((dead_now == "left_only").to_numpy(), value)
        )
        later = later.assign(**{outcome: value})
    else:
        alive = rows[outcome].fillna(0.0) if columns.missing == "zero" else rows[outcome]
        rows[outcome] = alive + value * share
        rows[exposure] = rows[exposure] + share
        later = later.assign(**{outcome: value * part, exposure: part})
        later = later[part > 0]
    whole = pd.concat([rows, later[[name for name in rows if name in later]]], ignore_index=True)
    n = int(np.sum(share > 0)) + len(later)
    note = (
        f"The dead have the value {value:g} from the period of death to the end of the window: "
        f"{n} person-periods; {len(later)} person-periods were added for it."
    )
    return whole.sort_values(who, ignore_index=True, kind="stable"), note
