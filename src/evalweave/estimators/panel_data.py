"""From anybody's table to a checked panel, sorted by unit (as text) and period.

Everything that is wrong is said at once. Rows without an outcome, covariate or weight are left out
and counted in `PanelData.notes`; nothing else is dropped. Messages never quote an identifier or a
value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evalweave.errors import DataError, Fault, nearest, raise_faults
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions, Columns

FILE = "the panel"
PERIODS = (
    "Number the periods one after the other: 2015 for 2015/16, 1, 2, 3 … for months or quarters."
)
STARTS = (
    "Write the number of the first treated period, as in the period column; leave it blank "
    "for never."
)
UNKNOWN = ("", "unknown", "Unknown", "nan", "NaN", "<NA>", "None", "NA")
FARTHEST = 100_000  # periods from first to last
Mask = NDArray[np.bool_]


def panel_data(
    frame: pd.DataFrame,
    columns: Columns,
    analysis: AnalysisOptions,
    extra: tuple[str, ...] = (),
    file: str = FILE,
) -> PanelData:
    """Return `frame` (one row a unit and period) as a `PanelData`.

    `extra` names further numeric columns to carry in `covariates` (the uptake of `dose`). Blank, 0
    and infinite `first_treated` mean never. Weights that are all 1 count as no weights.

    Raises:
        DataError: with every fault: missing columns, text where numbers belong, repeated
        unit-periods, units in
            two clusters, `first_treated` or subgroup changing within a unit, negative weights, no
            row left.
    """
    faults: list[Fault] = []
    wanted = _wanted(columns, analysis, extra)
    _missing(frame, wanted, faults, file)
    raise_faults(faults)
    if not len(frame):
        raise DataError(
            f"{file}: found no rows below the header, expected one row a unit and period."
        )

    period = _numbers(frame, columns.period, faults, file, PERIODS)
    integers = getattr(frame[columns.period].dtype, "kind", "O") in "iu" and not np.isnan(
        period.sum()
    )
    _whole(
        period,
        columns.period,
        faults,
        file,
        "consecutive integers such as 2015 for 2015/16",
        integers,
    )
    y = _numbers(frame, columns.outcome, faults, file)
    starts = _numbers(frame, columns.first_treated, faults, file, STARTS)
    numbers = {name: _numbers(frame, name, faults, file) for name in (*analysis.covariates, *extra)}
    weights = _numbers(frame, columns.weight, faults, file) if columns.weight else None
    for name, values in ((columns.outcome, y), *numbers.items()):
        _finite(values, name, faults, file)
    notes: list[str] = []
    if not faults:
        _calendar(period, columns.period, faults, file)
        _doubtful(starts, period, columns.first_treated, faults, file)
    starts = _never(starts, columns.first_treated, notes)
    _whole(starts, columns.first_treated, faults, file, "the first treated period, blank for never")
    if weights is not None:
        _finite(weights, columns.weight or "", faults, file)
        _refuse(weights < 0, "a negative weight", "0 or more", columns.weight, faults, file)
    raise_faults(faults)

    keep = _kept(y, columns.outcome, numbers, weights, columns.weight, notes)
    everything = keep is None
    rows = np.arange(len(frame)) if keep is None else np.flatnonzero(keep)
    if not len(rows):
        raise DataError(
            f"{file}: no row has all of {', '.join([columns.outcome, *numbers])} and a positive "
            "weight; "
            "the outcome was never measured or the column is the wrong one."
        )
    kept = frame if everything else frame.iloc[rows]
    unit, unit_names = _identifiers(kept[columns.unit], columns.unit, faults, file)
    if columns.cluster is None or columns.cluster == columns.unit:
        cluster, cluster_names = unit, unit_names
    else:
        cluster, cluster_names = _identifiers(kept[columns.cluster], columns.cluster, faults, file)
    raise_faults(faults)

    periods = period[rows].astype(np.int64) if not everything else period.astype(np.int64)
    low = int(periods.min())
    key = unit * (int(periods.max()) - low + 1) + (periods - low)
    order: Ints | None = None
    if not np.all(key[1:] > key[:-1]):
        order = _sorted_blocks(unit, key)
        if order is None:
            order = np.argsort(key, kind="stable")
        again = np.flatnonzero(np.diff(key[order]) == 0)
        if len(again):
            first = int(rows[order[again + 1]].min())
            faults.append(
                Fault(
                    file,
                    f"{len(again)} further rows for the same {columns.unit} and {columns.period}",
                    "one row a unit and period",
                    "Average or choose among them first.",
                    row=first + 2,
                    column=columns.period,
                )
            )

    def taken(values: NDArray[Any]) -> NDArray[Any]:
        if everything:
            return values if order is None else values[order]
        return values[rows] if order is None else values[rows[order]]

    if order is not None:
        unit, cluster, periods = unit[order], cluster[order], periods[order]
    where = rows if order is None else rows[order]
    y, starts = taken(y), taken(starts)
    within = unit[1:] == unit[:-1]
    _constant(
        cluster, within, where, columns.cluster or columns.unit, "one cluster a unit", faults, file
    )
    _constant(
        starts,
        within,
        where,
        columns.first_treated,
        "one first treated period a unit",
        faults,
        file,
    )
    codes: Ints | None = None
    levels: tuple[str, ...] = ()
    if analysis.subgroup:
        codes, levels = _levels(kept[analysis.subgroup], columns, analysis.subgroup)
        if order is not None:
            codes = codes[order]
        _constant(
            codes,
            within,
            where,
            analysis.subgroup,
            "one level a unit, fixed at the index date",
            faults,
            file,
        )
    raise_faults(faults)
    _outside(starts[np.append(True, ~within)], periods, columns.first_treated, notes)
    weighted = weights is not None and bool((weights[rows] != 1.0).any())
    weight = (
        taken(weights)
        if weighted and weights is not None
        else np.broadcast_to(np.float64(1), len(y))
    )
    return PanelData(
        unit=unit,
        period=periods,
        cluster=cluster,
        y=y,
        first_treated=starts,
        weight=weight,
        unit_names=unit_names,
        cluster_names=cluster_names,
        covariates={name: taken(values) for name, values in numbers.items()},
        subgroup=codes,
        subgroup_name=analysis.subgroup,
        subgroup_levels=levels,
        weighted=weighted,
        notes=tuple(notes),
    )


def _sorted_blocks(unit: Ints, key: Ints) -> Ints | None:
    """Return the sorting order of rows that come unit by unit, each in order of period; None if
    they do not."""
    starts = np.flatnonzero(np.concatenate(([True], unit[1:] != unit[:-1])))
    blocks = unit[starts]
    if len(blocks) != int(unit.max()) + 1:
        return None
    counts = np.diff(np.append(starts, len(unit)))
    rank = np.argsort(blocks, kind="stable")
    shift = starts[rank] - np.concatenate(([0], np.cumsum(counts[rank])[:-1]))
    order = np.repeat(shift, counts[rank]) + np.arange(len(unit))
    return order if np.all(np.diff(key[order]) > 0) else None


def _wanted(columns: Columns, analysis: AnalysisOptions, extra: tuple[str, ...]) -> list[str]:
    named = [columns.unit, columns.period, columns.outcome, columns.first_treated]
    named += [name for name in (columns.cluster, columns.weight, analysis.subgroup) if name]
    return list(dict.fromkeys([*named, *analysis.covariates, *extra]))


def _missing(frame: pd.DataFrame, wanted: list[str], faults: list[Fault], file: str) -> None:
    there = [str(name) for name in frame.columns]
    for name in wanted:
        if name not in there:
            faults.append(
                Fault(
                    file,
                    f'no column "{name}"',
                    "it to be there",
                    nearest(name, there) if there else "",
                )
            )
        elif there.count(name) > 1:
            faults.append(
                Fault(file, f"{there.count(name)} columns of this name", "one", column=name)
            )


def _numbers(
    frame: pd.DataFrame, name: str, faults: list[Fault], file: str, action: str = ""
) -> Floats:
    """Return a column as floats, blank = nan; text that is no number is a fault, with `action` as
    next step."""
    column = frame[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        faults.append(Fault(file, "dates", "numbers", action, column=name))
        return np.full(len(column), np.nan)
    if pd.api.types.is_numeric_dtype(column):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    text = column.astype("string").str.strip()
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    blank = text.isna() | text.isin(UNKNOWN)
    wrong = np.isnan(values) & ~blank.to_numpy(dtype=bool)
    if wrong.any():
        comma = bool(text[wrong].str.fullmatch(r"[-−+]?\d+,\d+").any())
        found = "numbers with a decimal comma" if comma else "text that is not a number"
        faults.append(
            Fault(
                file,
                f"{found} ({int(wrong.sum())} rows)",
                "numbers",
                "Write a decimal point." if comma else action,
                row=int(wrong.argmax()) + 2,
                column=name,
            )
        )
    return np.asarray(values)


def _refuse(
    wrong: Mask, found: str, expected: str, name: str | None, faults: list[Fault], file: str
) -> None:
    if wrong.any():
        faults.append(
            Fault(
                file,
                f"{found} ({int(wrong.sum())} rows)",
                expected,
                row=int(wrong.argmax()) + 2,
                column=name,
            )
        )


def _finite(values: Floats, name: str, faults: list[Fault], file: str) -> None:
    if not np.isfinite(values.sum()):
        _refuse(np.isinf(values), "an infinite value", "finite numbers", name, faults, file)


def _whole(
    values: Floats,
    name: str,
    faults: list[Fault],
    file: str,
    expected: str,
    whole_already: bool = False,
) -> None:
    """Refuse fractions; blanks too where the column is the period (`first_treated` has none by
    now)."""
    if any(fault.column == name for fault in faults) or whole_already:
        return
    finite = np.isfinite(values)
    _refuse(
        finite & (values != np.rint(values)), "a number with decimals", expected, name, faults, file
    )
    if expected.startswith("consecutive"):
        _refuse(~finite, "a blank or infinite period", expected, name, faults, file)


def _calendar(period: Floats, name: str, faults: list[Fault], file: str) -> None:
    """Refuse periods that are written as calendar numbers (20151, 201504, 20150401): they are not
    consecutive."""
    low, high = np.fmin.reduce(period), np.fmax.reduce(period)
    for digits, parts, what in (
        (5, 4, "years and quarters"),
        (6, 12, "years and months"),
        (8, 1231, "dates"),
    ):
        size = 10 ** (digits - 4)
        if not (1900 <= low // size < high // size < 2200):
            continue
        part = np.unique(period[np.isfinite(period)]) % size
        if ((part >= 1) & (part <= parts)).all():
            faults.append(
                Fault(
                    file, f"{what} written as numbers", "consecutive integers", PERIODS, column=name
                )
            )
            return
    if high - low > FARTHEST:
        faults.append(
            Fault(file, "periods very far apart", "consecutive integers", PERIODS, column=name)
        )


def _doubtful(starts: Floats, period: Floats, name: str, faults: list[Fault], file: str) -> None:
    """Refuse starts whose meaning is not clear: negative ones among positive periods, 0 where 0 is
    a period."""
    low, high = np.fmin.reduce(period), np.fmax.reduce(period)
    if low >= 0 and np.fmin.reduce(starts) < 0:
        _refuse(
            np.isfinite(starts) & (starts < 0),
            "a negative start",
            "the first treated period, blank for never",
            name,
            faults,
            file,
        )
    if low <= 0 <= high:
        _refuse(
            starts == 0,
            "0, which may mean the period 0 or never",
            "periods from 1 on, and blank for never",
            name,
            faults,
            file,
        )


def _never(starts: Floats, name: str, notes: list[str]) -> Floats:
    """Return the starts with blank, 0 and infinity as inf."""
    blank = np.isnan(starts)
    zero, infinite = starts == 0, np.isinf(starts)
    if zero.any() or infinite.any():
        what = " and ".join(
            word for word, there in (("0", zero.any()), ("Inf", infinite.any())) if there
        )
        notes.append(
            f"{name}: {what} was read as never treated ({int((zero | infinite).sum())} rows)."
        )
    if blank.any() or zero.any() or infinite.any():
        return np.where(blank | zero | infinite, np.inf, starts)
    return starts


def _outside(starts: Floats, periods: Ints, name: str, notes: list[str]) -> None:
    """Say how many units (one start each) are treated, or untreated, in all periods because of
    where they start."""
    early = int((starts <= periods.min()).sum())
    late = int((np.isfinite(starts) & (starts > periods.max())).sum())
    if early:
        notes.append(
            f"{name}: {early} units start in or before the first period and were never seen "
            "untreated."
        )
    if late:
        notes.append(
            f"{name}: {late} units start after the last period and are untreated throughout."
        )


def _kept(
    y: Floats,
    outcome: str,
    numbers: dict[str, Floats],
    weights: Floats | None,
    weight: str | None,
    notes: list[str],
) -> Mask | None:
    """Return which rows can be used, None = all, and say what is left out (each row counted
    once)."""
    keep: Mask | None = None
    causes = [(outcome, y), *numbers.items()]
    if weights is not None and weight:
        causes.append((weight, weights))
    for name, values in causes:
        if np.isnan(values.sum()):
            blank = np.isnan(values) if keep is None else np.isnan(values) & keep
            if blank.any():
                notes.append(f"{int(blank.sum())} rows without {name} were left out.")
            keep = ~np.isnan(values) if keep is None else keep & ~np.isnan(values)
    if weights is not None:
        zero = (weights == 0) if keep is None else (weights == 0) & keep
        if zero.any():
            notes.append(
                f"{int(zero.sum())} rows with a weight of zero carry nothing and were left out."
            )
            keep = ~zero if keep is None else keep & ~zero
    return keep


def _identifiers(
    column: pd.Series, name: str, faults: list[Fault], file: str
) -> tuple[Ints, tuple[str, ...]]:
    """Return codes in the order of the identifiers as text, and the identifiers."""
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        there = values[~np.isnan(values)]
        if (there != np.rint(there)).any() or (np.abs(there) > 2**53).any():
            faults.append(
                Fault(
                    file,
                    "numbers that a computer has rounded",
                    "identifiers as text",
                    column=name,
                    action="Read the column as text: identifiers beyond 2^53 are corrupted as "
                    "numbers.",
                )
            )
            return np.zeros(len(column), dtype=np.int64), ("",)
        column = column.astype("Int64")
    codes, uniques = pd.factorize(column)
    plain = isinstance(uniques, np.ndarray) and uniques.dtype.kind in "iu"
    texts = uniques.astype(str) if plain else np.asarray(pd.Index(uniques).astype(str), dtype=str)
    if len(texts) and (texts[1:] > texts[:-1]).all():
        names, rank = texts, np.arange(len(texts))
    else:
        names, rank = np.unique(texts, return_inverse=True)
    blank = codes < 0
    if len(names) and names[0] == "":
        blank |= rank[codes] == 0
    if blank.any():
        at = int(blank.argmax())
        faults.append(
            Fault(
                file,
                f"{int(blank.sum())} rows without an identifier",
                "one in every row that has an outcome",
                row=_row(column, at),
                column=name,
            )
        )
        return np.zeros(len(column), dtype=np.int64), ("",)
    if np.array_equal(rank, np.arange(len(rank))):
        return codes.astype(np.int64, copy=False), tuple(names.tolist())
    return rank.astype(np.int64, copy=False)[codes], tuple(names.tolist())


def _row(column: pd.Series, at: int) -> int | None:
    label = column.index[at]
    return int(label) + 2 if isinstance(label, int | np.integer) else None


def _constant(
    values: NDArray[Any],
    within: Mask,
    rows: Ints,
    name: str,
    expected: str,
    faults: list[Fault],
    file: str,
) -> None:
    changes = within & (values[1:] != values[:-1])
    if changes.any():
        at = np.flatnonzero(changes)
        faults.append(
            Fault(
                file,
                f"{len(at)} change{'s' if len(at) > 1 else ''} within a unit",
                expected,
                row=int(rows[at + 1].min()) + 2,
                column=name,
            )
        )


def _levels(column: pd.Series, columns: Columns, name: str) -> tuple[Ints, tuple[str, ...]]:
    """Return codes of the subgroup's levels (-1 = unknown) in numeric order where they are
    numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(column):
        column = column.astype("Int64")
    codes, uniques = pd.factorize(column)
    texts = [_level_text(value) for value in uniques]
    known = sorted({text for text in texts if text not in UNKNOWN}, key=_level_order(texts))
    place = {text: code for code, text in enumerate(known)}
    look = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.int64)
    return look[codes], tuple(known)


def _level_text(value: Any) -> str:
    """Return a level as it stands in a term: integers without decimals."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if np.isfinite(number) and number == int(number) else text


def _level_order(texts: list[str]) -> Any:
    def number(text: str) -> float | None:
        try:
            return float(text)
        except ValueError:
            return None

    if all(number(text) is not None for text in texts if text not in UNKNOWN):
        return lambda text: (float(text), text)
    return lambda text: text
