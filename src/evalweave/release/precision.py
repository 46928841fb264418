"""How finely a statistic is released: as finely as its released count supports, and no more.

A mean of whole numbers times a candidate n must be a whole number, so a mean to many digits gives n
away; with n, every share gives a count. Therefore, with any profile but `none`:

    means, deviations   one decimal more than the values themselves have (age 57.9, HbA1c 58.5
                        mmol/mol or 7.50 %), none more where the released n is below 20; means of a
                        yes or no are shares
    counts and costs    so coarse that `base` events more or fewer would read the same, hidden
                        where events are as few as people who are hidden; no deviation
    shares              of released counts
    standardised        two decimals, from released means, deviations and shares
    differences
    intervals of means  the mean as released, give or take half the width, rounded up to the mean's
                        decimals; of four practices or more, so that none of them, knowing its own
                        patients, learns another's mean
    estimates, errors,  to the third significant digit of the standard error of the term's first
    intervals           method, so that all methods and tables agree
    p-values            three significant digits
    degrees of freedom  two decimals

Numbers are rounded before anything is computed from them. Exact values stay in results/.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pandas as pd

from evalweave.release.disclosure import Profile

if TYPE_CHECKING:
    from evalweave.study.whole import Study

SUPPORT = 20  # people below whom a mean has no decimal more than its values
PRACTICES = 4  # the fewest whose mean is released with an interval
SHARE = "share"  # of a yes or no: no decimals of its own
FINEST = Fraction(1, 100)  # of a mean count or cost
AMOUNT = "amount"  # of a count or cost: as coarse as its events ask for
DIFFERENCE_PLACES, DOF_PLACES, P_DIGITS, STABILITY_PLACES = 2, 2, 3, 2
IN_UNITS = ("estimate", "std_error", "ci_low", "ci_high", "family_ci_low", "family_ci_high")
P_VALUES = ("p_value", "p_holm")
_NORMAL_95 = 3.92  # widths of a standard error in a 95 % interval

Places = Mapping[str, int | str]  # variable → decimals of its mean, or SHARE
Steps = Mapping[tuple[str, str, str], int]  # analysis, term, unit → decimals


def of_study(study: Study) -> Places:
    """Return the decimals of each outcome's mean: one more than its values have."""
    places: dict[str, int | str] = {}
    for name, outcome in study.outcomes.items():
        unit = outcome.measures(name).unit(outcome.unit)
        of_kind = SHARE if outcome.binary else AMOUNT if outcome.counted else None
        places[name] = of_kind or unit.decimals + 1
    return places


def mean(value: Any, n: float | None, places: int | str = 1) -> float:
    """Return a mean or deviation as `n` people (as released) support it."""
    if pd.isna(value):
        return math.nan
    return round(float(value), _decimals(n, places)) + 0.0


def _decimals(n: float | None, places: int | str) -> int:
    """Return the decimals of a mean of `n` people (as released)."""
    wanted = 2 if isinstance(places, str) else places
    return wanted if n is not None and n >= SUPPORT else max(0, wanted - 1)


def moments(
    profile: Profile, value: Any, deviation: Any, n: Any, places: int | str
) -> tuple[float, float]:
    """Return mean and standard deviation of `n` people (exact) as released; those of a yes or no
    from released counts."""
    if profile.exact or pd.isna(value) or pd.isna(n):
        return _real(value), _real(deviation)
    if places == SHARE:
        share = profile.rate(round(float(value) * int(n)), int(n))
        if share is None:
            return math.nan, math.nan
        return round(share, 2), round(math.sqrt(share * (1 - share)), 2)
    released = profile.count(int(n)).value
    return mean(value, released, places), mean(deviation, released, places)


def trends(profile: Profile, frame: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Return raw means by arm and period, and those of earlier values, with means and deviations as
    released, counts exact."""
    if profile.exact:
        return frame
    rows = []
    for row in frame.to_dict("records"):
        finest = places.get(row["outcome"], 1)
        value, spread, n = (row.get(name) for name in ("past_mean", "past_sd", "n_past"))
        past = moments(profile, value, spread, n, finest)
        rows.append((*_raw_mean(profile, row, finest), *past))
    names = ("mean", "sd", "ci_low", "ci_high", "past_mean", "past_sd")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    return frame.assign(**{name: list(values) for name, values in columns.items()})


def _raw_mean(
    profile: Profile, row: Mapping[Any, Any], places: int | str
) -> tuple[float, float, float, float]:
    """Return mean, standard deviation and interval of an arm in a period as released."""
    n, practices = row["n_patients"], _real(row.get("n_practices"))
    if places == AMOUNT:
        middle, unit = _amount(profile, int(n), _real(row["mean"]), _real(row["sd"]))
        deviation = math.nan
    else:
        middle, deviation = moments(profile, row["mean"], row["sd"], n, places)
        unit = Fraction(10) ** -_decimals(profile.count(int(n)).value, places)
    half = (_real(row.get("ci_high")) - _real(row.get("ci_low"))) / 2
    few = math.isnan(practices) or practices < PRACTICES or n - 1 < profile.min_dof
    if few or math.isnan(half) or math.isnan(middle):
        return middle, deviation, math.nan, math.nan
    half = float(math.ceil(round(half / unit, 6)) * unit)
    low, high = (_multiple(end, unit) for end in (middle - half, middle + half))
    return middle, deviation, low, high


def _amount(profile: Profile, n: int, mean: float, deviation: float) -> tuple[float, Fraction]:
    """Return the mean of a count or cost of `n` people as released, and the unit it is rounded to.

    An event is worth E[y^2] / E[y]: its price, where it has one; the dearer weigh more where there
    are several. A mean in pence over a price that everybody knows is a number of events.
    """
    if math.isnan(mean) or math.isnan(deviation):
        return math.nan, FINEST
    event = (deviation**2 + mean**2) / mean if mean > 0 else 0.0
    if profile.hides(round(mean * n / event) if event else 0):
        return math.nan, FINEST
    unit = _round_number(max(profile.base, 1) * event / n)
    released = _multiple(mean, unit)
    if 0 < released - unit / 2 < (profile.high + 0.5) * event / n or 0 < mean < unit / 2:
        released = _multiple(released + unit, unit)  # beside what is hidden few would be left
    return released, unit


def _round_number(step: float) -> Fraction:
    """Return the next of 0.01, 0.02, 0.05, 0.1, 0.2 ... that is not below `step`."""
    if step <= FINEST:
        return FINEST
    power = Fraction(10) ** math.floor(math.log10(step))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= step)


def _multiple(value: float, unit: Fraction) -> float:
    """Return the multiple of `unit` nearest to a value."""
    return float(round(value / unit) * unit) + 0.0


def checks(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of checks as finely as its intervals support: what they were computed from
    is already rounded, so this only takes away digits that arithmetic added."""
    if profile.exact or frame.empty:
        return frame
    rounded = frame.copy()
    for name in ("estimate", "ci_low", "ci_high", "harmless"):
        cells = [
            _to(value, 2 - math.floor(math.log10(error)) if (error := _error(row)) > 0 else None)
            for value, row in zip(frame[name], frame.to_dict("records"), strict=True)
        ]
        rounded[name] = pd.Series(cells, index=frame.index, dtype="float64")
    return rounded.assign(
        **{
            name: frame[name].map(lambda p: digits(p, P_DIGITS))
            for name in ("p_value", "p_adjusted")
        }
    )


def digits(value: Any, significant: int) -> Any:
    """Return a number to so many significant digits; blanks and infinities as they are."""
    if pd.isna(value) or not math.isfinite(value) or value == 0:
        return value
    return round(float(value), significant - 1 - math.floor(math.log10(abs(value)))) + 0.0


def steps(frame: pd.DataFrame) -> Steps:
    """Return the decimals of every term: of the third significant digit of its standard error.

    The first method that has an error decides, else the first that has an interval.
    """
    decided: dict[tuple[str, str, str], int] = {}
    for from_interval in (False, True):
        for row in frame.to_dict("records"):
            key = (str(row["analysis"]), str(row["term"]), str(row["outcome_unit"]))
            error = _error(row) if from_interval else _real(row.get("std_error"))
            if key not in decided and math.isfinite(error) and error > 0:
                decided[key] = 2 - math.floor(math.log10(error))
    return decided


def estimates(profile: Profile, frame: pd.DataFrame, decided: Steps) -> pd.DataFrame:
    """Return a table with analysis, term and outcome_unit, its statistics as finely as released.

    What has neither error nor interval keeps three significant digits.
    """
    if profile.exact or frame.empty:
        return frame
    rounded = frame.copy()
    keys = frame[["analysis", "term", "outcome_unit"]].astype("string").fillna("")
    places = [decided.get(key) for key in keys.itertuples(index=False, name=None)]
    for name in (name for name in IN_UNITS if name in frame):
        cells = [_to(value, known) for value, known in zip(frame[name], places, strict=True)]
        rounded[name] = pd.Series(cells, index=frame.index, dtype="float64")
    if "dof" in frame:
        rounded["dof"] = frame["dof"].astype("float64").round(DOF_PLACES)
    if "label_stability" in frame:
        rounded["label_stability"] = (
            frame["label_stability"].astype("float64").round(STABILITY_PLACES)
        )
    return p_values(profile, rounded)


def p_values(profile: Profile, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its p-values to three significant digits."""
    if profile.exact:
        return frame
    names = [name for name in P_VALUES if name in frame]
    return frame.assign(**{name: frame[name].map(lambda p: digits(p, P_DIGITS)) for name in names})


def diagnostics(profile: Profile, found: Mapping[str, Any], decided: Steps) -> dict[str, Any]:
    """Return the diagnostics of every analysis as finely as their errors support; counts exact."""
    if profile.exact:
        return dict(found)
    finest: dict[str, int] = {}
    for (analysis, _, _), places in decided.items():
        finest.setdefault(analysis, places)  # the first term, in the outcome's own unit
    return {name: _diagnostic(entry, "", finest.get(name)) for name, entry in found.items()}


_AS_DECLARED = ("level", "power", "M", "shift")
_INSIDE = ("values", "effects", "att", "low", "high", "detectable_80", *IN_UNITS)


def _diagnostic(value: Any, name: str, places: int | None) -> Any:
    if isinstance(value, Mapping):
        error = _error(value)
        if math.isfinite(error) and error > 0:
            places = 2 - math.floor(math.log10(error))
        return {key: _diagnostic(item, str(key), places) for key, item in value.items()}
    if isinstance(value, list):
        return [_diagnostic(item, name, places) for item in value]
    if not isinstance(value, float) or name in _AS_DECLARED:
        return value
    return _to(value, places) if name in _INSIDE else digits(value, P_DIGITS)


def _error(row: Mapping[Any, Any]) -> float:
    """Return a standard error, or what it would be from the width of an interval."""
    error = _real(row.get("std_error"))
    if math.isfinite(error) and error > 0:
        return error
    return (_real(row.get("ci_high")) - _real(row.get("ci_low"))) / _NORMAL_95


def _to(value: Any, places: int | None) -> float:
    value = _real(value)
    if not math.isfinite(value):
        return value
    return digits(value, P_DIGITS) if places is None else round(value, places) + 0.0


def _real(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)
