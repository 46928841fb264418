"""Callaway–Sant'Anna: who is compared with whom.

The panel is pivoted once to period × patient matrices whose columns are sorted by cohort, so that a
cohort is a contiguous slice and every 2×2 comparison reads two or three slices. The list of
comparisons (cells) follows from cohorts and periods alone. Conventions are those of R `did` 2.5.1.

Source: Callaway & Sant'Anna (2021), J Econometrics 225(2), sections 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalweave.errors import DataError, Fault, raise_faults
from evalweave.estimators.cs_propensity import dot
from evalweave.fits.result import Floats, Ints, PanelData
from evalweave.study.analyses import AnalysisOptions

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
        periods: the T periods.            cohort: first treated period by column (n), inf for
        never.
        practice: codes 0..G-1 (n).        y: outcome (T × n).
        weight: (1 × n) if it never varies within a patient, else (T × n).
        covariates: (k × 1 × n) or (k × T × n), centred and scaled, which changes no estimate.
        share_weight: weight of each patient in the cohort shares (n): the mean over the rows seen;
        in a
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
        DataError: no comparison patients, no treated cohort with an untreated period, or nobody
        complete.
    """
    notes: list[str] = []
    n_all = len(panel.unit_names)
    first_row = np.concatenate(([0], np.cumsum(np.bincount(panel.unit, minlength=n_all))[:-1]))
    low = int(panel.period.min())
    periods = np.flatnonzero(np.bincount(panel.period - low)) + low
    cohort = panel.first_treated[first_row].astype(float)
    cohort[cohort > periods[-1] + analysis.anticipation] = NEVER
    if not np.isinf(cohort).any():
        periods = _without_never_treated(periods, cohort, analysis, notes)
    pivot = _Pivot(panel, _usable_rows(panel, cohort, periods, analysis, notes), cohort, periods)

    weight, share_weight = _weights(panel, pivot, analysis)
    covariates, usable = _covariates(panel, pivot, notes)
    codes = panel.cluster[first_row][pivot.order]
    present = np.bincount(codes, minlength=panel.n_clusters) > 0
    return Design(
        periods=periods,
        cohort=cohort[pivot.order],
        practice=(np.cumsum(present) - 1)[codes],
        practice_names=tuple(
            n for n, is_in in zip(panel.cluster_names, present, strict=True) if is_in
        ),
        y=pivot.matrix(panel.y, always=True),
        weight=weight,
        covariates=covariates,
        covariate_names=usable,
        share_weight=share_weight,
        complete=pivot.complete,
        n_obs=pivot.n_obs,
        notes=tuple(notes),
    )


def _weights(panel: PanelData, pivot: _Pivot, analysis: AnalysisOptions) -> tuple[Floats, Floats]:
    """Return the weights by period and patient and each patient's weight in the cohort shares."""
    share_weight, weight = np.ones(pivot.shape[1]), np.ones((1, pivot.shape[1]))
    if panel.weighted:
        weight = pivot.matrix(panel.weight)
        if pivot.complete and analysis.unbalanced != "repeated_cross_section":
            share_weight = weight[
                0
            ].copy()  # R did takes the first period's where everybody is seen
        else:
            share_weight = np.nanmean(weight, axis=0) if len(weight) > 1 else weight[0].copy()
    return weight, share_weight


def _covariates(
    panel: PanelData, pivot: _Pivot, notes: list[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Return the standardised covariates (k × periods or 1 × patients) that are no combination of
    others, and their names."""
    matrices = {
        name: pivot.matrix(panel.covariates[name])
        for own in panel.stands_for.values()
        for name in own
    }
    usable = _independent(matrices, notes)
    covariates = np.zeros((0, 1, pivot.shape[1]))
    if usable:
        tall = max(len(matrices[name]) for name in usable)
        covariates = np.stack(
            [
                _standardised(matrices[name]).repeat(tall // len(matrices[name]), 0)
                for name in usable
            ]
        )
    return covariates, usable


class _Pivot:
    """Turns values by row into period × patient matrices, patients sorted by cohort.

    `order`: units in the order of the columns; `rows`: the panel's rows that are used, None = all.
    """

    def __init__(self, panel: PanelData, rows: Ints | None, cohort: Floats, periods: Ints) -> None:
        self.rows = rows
        unit = self._pick(panel.unit)
        self.within = unit[1:] == unit[:-1]
        first = np.flatnonzero(np.concatenate(([True], ~self.within)))
        units = unit[first]
        by_cohort = np.argsort(cohort[units], kind="stable")
        self.order, self.first = units[by_cohort], first[by_cohort]
        self.by_cohort = by_cohort
        self.shape = (len(periods), len(units))
        self.n_obs = len(unit)
        self.complete = self.n_obs == self.shape[0] * self.shape[1]
        self.where: Ints | None = None
        if not self.complete:
            low = int(periods[0])
            row_of = np.zeros(int(periods[-1]) - low + 1, dtype=np.int64)
            row_of[periods - low] = np.arange(len(periods)) * len(units)
            column_of = np.empty(len(cohort), dtype=np.int64)
            column_of[self.order] = np.arange(len(units))
            self.where = row_of[self._pick(panel.period) - low] + column_of[unit]

    def matrix(self, values: Floats, always: bool = False) -> Floats:
        """(T × n), nan where nobody is seen; (1 × n) where nothing varies within a patient unless
        `always`."""
        values = self._pick(values)
        if not always and not ((values[1:] != values[:-1]) & self.within).any():
            return np.ascontiguousarray(values[self.first][None, :])
        if self.where is None:  # rows are sorted by patient and period, and none is missing
            return np.ascontiguousarray(values.reshape(self.shape[::-1])[self.by_cohort].T)
        matrix = np.full(self.shape[0] * self.shape[1], np.nan)
        matrix[self.where] = values
        return matrix.reshape(self.shape)

    def _pick(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.rows is None else values[self.rows]


def _usable_rows(
    panel: PanelData, cohort: Floats, periods: Ints, analysis: AnalysisOptions, notes: list[str]
) -> Ints | None:
    """Rows of patients with an untreated period (and, balanced, seen in every period); None =
    all."""
    keep: NDArray[np.bool_] | None = None
    early = cohort <= periods[0] + analysis.anticipation
    if early.any():
        because = (
            f" (with {analysis.anticipation} of anticipation)" if analysis.anticipation else ""
        )
        notes.append(
            f"{int(early.sum())} patients were set aside: already treated in the first "
            f"period{because}."
        )
        keep = ~early[panel.unit]
    if int(panel.period.max()) > periods[-1]:
        inside = panel.period <= periods[-1]
        keep = inside if keep is None else keep & inside
    if analysis.unbalanced == "balanced":
        n_seen = np.bincount(
            panel.unit if keep is None else panel.unit[keep], minlength=len(cohort)
        )
        incomplete = (n_seen > 0) & (n_seen < len(periods))
        if incomplete.any():
            notes.append(
                f"{int(incomplete.sum())} patients not seen in every period were set aside "
                "(balanced)."
            )
            whole = ~incomplete[panel.unit]
            keep = whole if keep is None else keep & whole
    if keep is not None and not keep.any():
        raise_faults(
            [
                Fault(
                    "panel",
                    "no patient who can be used",
                    "patients with an untreated period"
                    + (
                        " who are seen in every period" if analysis.unbalanced == "balanced" else ""
                    ),
                    'Choose "unbalanced: pairwise".'
                    if analysis.unbalanced == "balanced"
                    else "Extend the panel to before the first start.",
                )
            ]
        )
    return None if keep is None or keep.all() else np.flatnonzero(keep)


def cells(design: Design, analysis: AnalysisOptions, cohorts: Ints | None = None) -> list[Cell]:
    """Every ATT(g,t) in order of cohort and period; `cohorts`: of these, even where nobody is left
    in them.

    Base period: from g − anticipation on, the last one before that; earlier, the previous period
    (varying) or that same one (universal). Not-yet-treated comparison patients start after
    max(t, base) + anticipation.
    """
    periods, anticipation = design.periods, analysis.anticipation
    if cohorts is None:
        starts = np.unique(design.cohort)
        cohorts = starts[np.isfinite(starts)].astype(np.int64)
        if np.isfinite(
            starts[-1]
        ):  # without never-treated, the last cohort serves as comparison only
            cohorts = cohorts[:-1]
    n = len(design.cohort)
    never = int(np.searchsorted(design.cohort, NEVER))
    universal = analysis.base == "universal"
    grid = []
    for g in (int(start) for start in cohorts):
        low, high = (
            int(e) for e in np.searchsorted(design.cohort, (g, np.nextafter(float(g), NEVER)))
        )
        long_base = int(np.flatnonzero(periods + anticipation < g)[-1])
        for row in range(0 if universal else 1, len(periods)):
            t = int(periods[row])
            base = long_base if universal or t >= g - anticipation else row - 1
            if analysis.control == "never_treated":
                controls: tuple[tuple[int, int], ...] = ((never, n),)
            else:
                latest = (
                    max(t, int(periods[base])) + anticipation if universal else t + anticipation
                )
                begin = int(np.searchsorted(design.cohort, latest, side="right"))
                controls = ((begin, low), (high, n)) if begin <= low else ((begin, n),)
            controls = tuple((a, b) for a, b in controls if b > a)
            grid.append(Cell(g, t, row, base, (low, high), controls))
    return grid


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
        f"Nobody is never treated: periods from {int(last) - analysis.anticipation} on were set "
        "aside and the "
        f"cohort that starts in {int(last)} serves as comparison only."
    )
    return cut


def _standardised(matrix: Floats) -> Floats:
    standard: Floats = (matrix - np.nanmean(matrix)) / np.nanstd(matrix)
    return standard


def _independent(matrices: dict[str, Floats], notes: list[str]) -> tuple[str, ...]:
    """Names of the covariates that vary and are not linear combinations of those before them."""
    usable: list[str] = []
    basis: list[Floats] = []
    tall = max((len(matrix) for matrix in matrices.values()), default=1)
    for name, matrix in matrices.items():
        values = matrix.repeat(tall // len(matrix), 0).ravel()
        rest = np.nan_to_num(values - np.nanmean(values))
        size = left = dot(rest, rest)
        for direction in basis:
            rest -= direction * dot(direction, rest)
            left = dot(rest, rest)
        if size <= 1e-20 * np.nansum(values * values) or left <= COLLINEAR * size:
            notes.append(
                f"Covariate {name} was left out: it is constant or a combination of the others."
            )
            continue
        usable.append(name)
        if len(matrices) > 1:
            basis.append(rest / np.sqrt(left))
    return tuple(usable)
