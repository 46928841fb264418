"""Callaway–Sant'Anna: who is compared with whom.

The panel is pivoted once to period × patient matrices whose columns are sorted by cohort, so that a cohort is
a contiguous slice and every 2×2 comparison reads two or three slices. The list of comparisons (cells) follows
from cohorts and periods alone. Conventions are those of R `did` 2.5.1.

Source: Callaway & Sant'Anna (2021), J Econometrics 225(2), sections 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalweave.errors import DataError, Fault, raise_faults
from evalweave.estimators.cs_propensity import dot
from evalweave.estimators.result import Floats, Ints, PanelData
from evalweave.study import AnalysisOptions

NEVER = np.inf
COLLINEAR = 1e-10  # share of a covariate's variance that the ones before it leave unexplained


@dataclass(frozen=True)
class Cell:
    """One ATT(g,t): cohort `g`, period `t`, base period, and the slices of comparison patients.

    `t_row`, `base_row` index the rows of the matrices; `treated` and `controls` are column ranges.
    """

    g: int
    t: int
    t_row: int
    base_row: int
    treated: tuple[int, int]
    controls: tuple[tuple[int, int], ...]

    @property
    def is_base(self) -> bool:
        return self.t_row == self.base_row

    @property
    def post(self) -> bool:
        return self.t >= self.g


@dataclass(frozen=True)
class Design:
    """Period-major matrices (T × n), columns sorted by cohort; nan where a patient is not seen.

    Attributes:
        periods: the T periods.            cohort: first treated period by column (n), inf for never.
        practice: codes 0..G-1 (n).        y: outcome (T × n).
        weight: (1 × n) if it never varies within a patient, else (T × n).
        covariates: (k × 1 × n) or (k × T × n), centred and scaled, which changes no estimate.
        share_weight: weight of each patient in the cohort shares (n): the mean over the rows seen; in a
            complete panel the first period's.
        complete: nobody is missing in any period.
    """

    periods: Ints
    cohort: Floats
    practice: Ints
    practice_names: tuple[str, ...]
    y: Floats
    weight: Floats
    covariates: Floats
    covariate_names: tuple[str, ...]
    share_weight: Floats
    complete: bool
    n_obs: int
    notes: tuple[str, ...]

    def keep(self, practices: NDArray[np.bool_]) -> Design:
        """The same design without some practices (codes stay as they are)."""
        columns = np.flatnonzero(practices[self.practice])
        return Design(
            periods=self.periods,
            cohort=self.cohort[columns],
            practice=self.practice[columns],
            practice_names=self.practice_names,
            y=self.y[:, columns],
            weight=self.weight[:, columns],
            covariates=self.covariates[:, :, columns],
            covariate_names=self.covariate_names,
            share_weight=self.share_weight[columns],
            complete=self.complete,
            n_obs=0,
            notes=(),
        )

    def weights_at(self, row: int) -> Floats:
        return self.weight[row if self.weight.shape[0] > 1 else 0]

    def covariates_at(self, row: int) -> Floats:
        return self.covariates[:, row if self.covariates.shape[1] > 1 else 0]


def build(panel: PanelData, analysis: AnalysisOptions) -> Design:
    """Pivot the panel and set aside what the method cannot use, each with a note.

    Raises:
        DataError: no comparison patients, no treated cohort with an untreated period, or nobody complete.
    """
    notes: list[str] = []
    names = panel.unit_names
    n_all = len(names)
    first_row = np.searchsorted(panel.unit, np.arange(n_all))
    cohort = panel.first_treated[first_row].astype(float)
    low = int(panel.period.min())
    seen = np.bincount(panel.period - low)
    periods = np.flatnonzero(seen) + low
    anticipation = analysis.anticipation

    cohort = np.where(cohort > periods[-1] + anticipation, NEVER, cohort)
    if not np.isinf(cohort).any():
        periods = _without_never_treated(periods, cohort, analysis, notes)
    early = cohort <= periods[0] + anticipation
    if early.any():
        because = f" (with {anticipation} of anticipation)" if anticipation else ""
        notes.append(
            f"{int(early.sum())} patients were set aside: already treated in the first period{because}."
        )
    rows = ~early[panel.unit] & (panel.period <= periods[-1])
    filtered = not bool(rows.all())
    unit = panel.unit[rows] if filtered else panel.unit
    period = panel.period[rows] if filtered else panel.period
    n_seen = np.bincount(unit, minlength=n_all)
    wanted = n_seen > 0
    if analysis.unbalanced == "balanced":
        incomplete = wanted & (n_seen < len(periods))
        if incomplete.any():
            notes.append(
                f"{int(incomplete.sum())} patients not seen in every period were set aside (balanced)."
            )
        wanted &= ~incomplete
    if not wanted.any():
        raise_faults([Fault("panel", "no patient who can be used", "patients seen in every period",
                            'Choose "unbalanced: pairwise".')])  # fmt: skip

    kept = np.flatnonzero(wanted)
    order = kept[np.argsort(cohort[kept], kind="stable")]
    column_of = np.full(n_all, -1)
    column_of[order] = np.arange(len(order))
    column = column_of[unit]
    if not wanted.all():
        inside = column >= 0
        filtered = True
        rows = np.flatnonzero(rows)[inside]
        column, period = column[inside], period[inside]
    row_of = np.zeros(int(periods[-1]) - low + 1, dtype=np.int64)
    row_of[periods - low] = np.arange(len(periods))
    where = row_of[period - low] * len(order) + column
    shape = (len(periods), len(order))
    complete = len(column) == shape[0] * shape[1]

    def pick(values: Floats) -> Floats:
        return values[rows] if filtered else values

    y = _pivot(pick(panel.y), where, shape)
    weights = pick(panel.weight)
    weight = _pivot(weights, where, shape) if panel.weighted else np.ones((1, shape[1]))
    if panel.weighted:
        share_weight = np.bincount(column, weights, shape[1]) / np.bincount(column, minlength=shape[1])
        if complete and analysis.unbalanced != "repeated_cross_section":
            share_weight = weight[0].copy()  # R did takes the first period's where everybody is seen
        weight = _static(weight)
    else:
        share_weight = np.ones(shape[1])

    named = {name: pick(panel.covariates[name]) for name in analysis.covariates}
    usable = _independent(named, notes)
    if usable:
        stacked = [_static(_pivot(_standardised(named[name]), where, shape)) for name in usable]
        tall = max(len(one) for one in stacked)
        covariates = np.stack([one if len(one) == tall else np.repeat(one, tall, 0) for one in stacked])
    else:
        covariates = np.zeros((0, 1, shape[1]))

    codes = panel.cluster[first_row][order]
    present = np.bincount(codes, minlength=panel.n_clusters) > 0
    practice = (np.cumsum(present) - 1)[codes]
    return Design(
        periods=periods,
        cohort=cohort[order],
        practice=practice,
        practice_names=tuple(n for n, is_in in zip(panel.cluster_names, present, strict=True) if is_in),
        y=y,
        weight=weight,
        covariates=covariates,
        covariate_names=usable,
        share_weight=share_weight,
        complete=complete,
        n_obs=len(column),
        notes=tuple(notes),
    )


def cells(design: Design, analysis: AnalysisOptions, cohorts: Ints | None = None) -> list[Cell]:
    """Every ATT(g,t) in order of cohort and period; `cohorts`: of these, even where nobody is left in them.

    Base period: from g − anticipation on, the last one before that; earlier, the previous period (varying) or
    that same one (universal). Not-yet-treated comparison patients start after
    max(t, base) + anticipation.
    """
    periods, anticipation = design.periods, analysis.anticipation
    if cohorts is None:
        starts = np.unique(design.cohort)
        cohorts = starts[np.isfinite(starts)].astype(np.int64)
        if np.isfinite(starts[-1]):  # without never-treated, the last cohort serves as comparison only
            cohorts = cohorts[:-1]
    n = len(design.cohort)
    never = int(np.searchsorted(design.cohort, NEVER))
    universal = analysis.base == "universal"
    found = []
    for g in (int(start) for start in cohorts):
        low, high = (int(e) for e in np.searchsorted(design.cohort, (g, np.nextafter(float(g), NEVER))))
        long_base = int(np.flatnonzero(periods + anticipation < g)[-1])
        for row in range(0 if universal else 1, len(periods)):
            t = int(periods[row])
            base = long_base if universal or t >= g - anticipation else row - 1
            if analysis.control == "never_treated":
                controls: tuple[tuple[int, int], ...] = ((never, n),)
            else:
                latest = max(t, int(periods[base])) + anticipation if universal else t + anticipation
                begin = int(np.searchsorted(design.cohort, latest, side="right"))
                controls = ((begin, low), (high, n)) if begin <= low else ((begin, n),)
            controls = tuple((a, b) for a, b in controls if b > a)
            found.append(Cell(g, t, row, base, (low, high), controls))
    return found


def _without_never_treated(
    periods: Ints, cohort: Floats, analysis: AnalysisOptions, notes: list[str]
) -> Ints:
    """Cut the periods in which everybody is treated; the last cohort becomes the comparison."""
    if analysis.control == "never_treated":
        raise_faults(
            [
                Fault(
                    "panel",
                    "no never-treated patients",
                    "some patients whose first_treated is blank",
                    f'Analysis "{analysis.name}": choose "control: not_yet_treated".',
                )
            ]
        )
    last = cohort.max()
    cut = periods[periods < last - analysis.anticipation]
    if len(cut) < 2 or not (cohort < last).any():
        raise DataError(
            "panel: nobody is untreated while others are treated, so there is no comparison. "
            "Callaway–Sant'Anna needs never-treated patients or at least two start dates."
        )
    notes.append(
        f"Nobody is never treated: periods from {int(last) - analysis.anticipation} on were set aside and the "
        f"cohort that starts in {int(last)} serves as comparison only."
    )
    return cut


def _pivot(values: Floats, where: Ints, shape: tuple[int, int]) -> Floats:
    matrix = np.full(shape[0] * shape[1], np.nan)
    matrix[where] = values
    return matrix.reshape(shape)


def _static(matrix: Floats) -> Floats:
    """(1 × n) if the column never varies within a patient, else the matrix itself."""
    first = matrix[0].copy()
    for row in matrix[1:]:
        gaps = np.isnan(first)
        if gaps.any():
            first[gaps] = row[gaps]
    same = all(bool(np.all((row == first) | np.isnan(row))) for row in matrix)
    return first[None, :] if same else matrix


def _standardised(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def _independent(named: dict[str, Floats], notes: list[str]) -> tuple[str, ...]:
    """Names of the covariates that vary and are not linear combinations of those before them."""
    kept: list[str] = []
    basis: list[Floats] = []
    for name, values in named.items():
        rest = values - values.mean()
        size = left = dot(rest, rest)
        if basis:
            for direction in basis:
                rest -= direction * dot(direction, rest)
            left = dot(rest, rest)
        if size <= 1e-20 * dot(values, values) or left <= COLLINEAR * size:
            notes.append(f"Covariate {name} was left out: it is constant or a combination of the others.")
            continue
        kept.append(name)
        if len(named) > 1:
            basis.append(rest / np.sqrt(left))
    return tuple(kept)
