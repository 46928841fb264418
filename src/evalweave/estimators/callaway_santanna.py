"""Callaway–Sant'Anna group-time effects and their averages, with each practice's influence on them.

Which comparisons: `cs_design`. One comparison: `cs_panel` (changes within patients) or
`cs_cross_section` (`unbalanced: repeated_cross_section`). Averages: `cs_aggregate`. Influence is
summed to practices as soon as a comparison is done, so nothing of size patients × terms is kept,
and the practice never enters an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalweave.catalogue.calls import needs
from evalweave.catalogue.methods import UNIT_ERRORS
from evalweave.errors import DataError, StudyError
from evalweave.estimators import cs_cross_section, cs_panel
from evalweave.estimators.adjustment import Adjustment, adjusted_details
from evalweave.estimators.cs_aggregate import Asked, Averages, Cohorts, GroupTimes, averages
from evalweave.estimators.cs_design import Cell, Design, build, cells
from evalweave.estimators.cs_propensity import NoEstimate
from evalweave.fits.result import (
    UNIVERSAL_BASE,
    VARYING_BASE,
    Fit,
    Floats,
    Ints,
    PanelData,
)
from evalweave.study.analyses import AnalysisOptions

FORMS = {
    "pairwise": "panel form on all patients seen in both periods of a 2×2",
    "balanced": "panel form on the patients seen in every period",
    "repeated_cross_section": "repeated-cross-section form, influence summed by patient",
}
METHODS = {"reg": "outcome regression", "ipw": "Hájek IPW", "dr": "doubly robust"}
Columns = Ints | slice  # of the design
Piece = tuple[Columns, Floats]  # columns and their influence
BLOCK = 16_384  # patients at a time in the unclustered covariance


@dataclass
class Estimates:
    """ATT(g,t) by cell (nan = none), practice sums of influence (G × K), and what is kept on
    request."""

    att: Floats
    influence: Floats
    pieces: list[list[Piece]]
    absent: dict[str, str]


def callaway_santanna(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Estimate ATT(g,t) and the averages asked for.

    Terms: `att_gt[g,t]`, `simple`, `group[g]`, `group[overall]`, `event[e]`, `event[overall]`,
    `calendar[t]`, `calendar[overall]`. Covariates and weights are those of the earlier of the two
    periods; with `repeated_cross_section` each row's own. Under `base: universal` the base period
    is 0 by construction, with influence 0. An average that lost a cell is withheld unless
    `partial` (see `lost_cells`).

    Raises:
        DataError: nobody to compare with, or no cohort whose start lies inside the panel.

    Source: Callaway & Sant'Anna (2021); Sant'Anna & Zhao (2020); conventions of R `did` 2.5.1.
    """
    if panel.sections:
        panel, analysis = _people(panel, analysis)
    design = build(panel, analysis)
    grid = cells(design, analysis)
    if not grid:
        raise DataError(
            f'analysis "{analysis.name}": no cohort has both an untreated period in the panel and '
            "patients to be "
            "compared with, so there is no ATT(g,t)."
        )
    needs_units = needs(analysis, UNIT_ERRORS)
    estimates = _estimate(design, grid, analysis, keep_pieces=needs_units)
    have = np.flatnonzero(~np.isnan(estimates.att))
    cohorts, totals = _cohorts(design, grid)
    asked = Asked(tuple(analysis.aggregate), analysis.balance, analysis.partial)
    average = averages(asked, _group_times(grid, estimates.att), Cohorts(cohorts, totals))

    shares = _share_matrix(design, cohorts)
    per_cell = estimates.influence[:, have]
    on_cells = average.on_cells[:, have]  # a lost cell has no weight in what stands
    influence = np.hstack((per_cell, per_cell @ on_cells.T + shares @ average.on_shares.T))
    terms = (*(_term(grid[i]) for i in have), *average.terms)

    def refit(keep: NDArray[np.bool_]) -> Floats:
        part = design.keep(keep)
        again = _estimate(part, cells(part, analysis, cohorts), analysis, influence=False).att
        again[np.isnan(estimates.att)] = np.nan
        totals = _cohorts(part, grid)[1]
        again_average = _averages_again(grid, again, asked, Cohorts(cohorts, totals), average)
        return np.concatenate((again[have], again_average))

    treated = np.unique(design.practice[np.isin(design.cohort, cohorts)])
    return Fit(
        estimator="callaway_santanna",
        terms=terms,
        theta=np.concatenate((estimates.att[have], average.theta)),
        influence=influence,
        cluster_names=design.practice_names,
        n_obs=design.n_obs,
        n_patients=len(design.cohort),
        n_practices=len(design.practice_names),
        n_practices_treated=len(treated),
        unit_covariance=(
            _unit_covariance(design, estimates, have, cohorts, average) if needs_units else None
        ),
        refit=refit,
        averages=on_cells,
        absent={**estimates.absent, **average.absent},
        convention=_convention(analysis, design),
        of_term=average.of_term,
        notes=(*panel.notes, *design.notes, *_notes(analysis, grid, estimates.absent)),
        details=_adjusted(panel, design),
        leads=UNIVERSAL_BASE if analysis.base == "universal" else VARYING_BASE,
    )


def _people(panel: PanelData, analysis: AnalysisOptions) -> tuple[PanelData, AnalysisOptions]:
    """Return the panel with every row as a person, for the form of repeated cross-sections.

    Raises:
        StudyError: for a balanced panel, which takes people who are followed.
    """
    if analysis.unbalanced == "balanced":
        raise StudyError(
            f"{analysis.name}: unbalanced: balanced needs people who are followed; without a unit "
            "it is repeated_cross_section."
        )
    n = len(panel.y)
    people = replace(panel, unit=np.arange(n), unit_names=tuple(map(str, range(n))))
    return people, analysis.model_copy(update={"unbalanced": "repeated_cross_section"})


def _unit_covariance(
    design: Design, estimates: Estimates, have: Ints, cohorts: Ints, average: Averages
) -> Floats:
    """Return the covariance of patients' influence on the estimated cells and on the averages."""
    square = _unit_products(design, [estimates.pieces[i] for i in have], cohorts)
    on_averages = np.hstack((average.on_cells[:, have], average.on_shares))
    mapping = np.vstack((np.eye(len(have), len(square)), on_averages))
    return np.asarray(mapping @ square @ mapping.T)


def _averages_again(
    grid: list[Cell], att: Floats, asked: Asked, cohorts: Cohorts, average: Averages
) -> list[float]:
    """Return the averages over re-estimated cells, nan where one that `average` uses is lost."""
    estimated = ~np.isnan(att)
    mean = averages(replace(asked, partial=True), _group_times(grid, att), cohorts)
    known = dict(zip(mean.terms, mean.theta, strict=True))
    uses_lost = np.abs(average.on_cells[:, ~estimated]).sum(axis=1) > 0
    return [
        np.nan if lost else known.get(term, np.nan)
        for term, lost in zip(average.terms, uses_lost, strict=True)
    ]


def _estimate(
    design: Design,
    grid: list[Cell],
    analysis: AnalysisOptions,
    influence: bool = True,
    keep_pieces: bool = False,
) -> Estimates:
    n_practices = len(design.practice_names)
    att = np.full(len(grid), np.nan)
    sums = np.zeros((n_practices, len(grid)))
    kept: list[list[Piece]] = [[] for _ in grid]
    absent: dict[str, str] = {}
    two_by_two = _Pairs(design, analysis, influence)
    for i, cell in enumerate(grid):
        if cell.is_base:
            att[i] = 0.0
            continue
        try:
            att[i], pieces = two_by_two(cell)
        except NoEstimate as reason:
            absent[_term(cell)] = reason.sentence(design.covariate_names)
            continue
        if not influence:
            continue
        for columns, values in pieces:
            sums[:, i] += np.bincount(design.practice[columns], values, n_practices)
        if keep_pieces:
            kept[i] = pieces
    return Estimates(att, sums, kept, absent)


class _Pairs:
    """Does the 2×2 comparisons one after the other, keeping what the next one can use."""

    def __init__(self, design: Design, analysis: AnalysisOptions, influence: bool) -> None:
        self.design = design
        self.method = analysis.method
        self.sections = analysis.unbalanced == "repeated_cross_section"
        self.influence = influence
        self.start: dict[int, Floats] = {}
        self.key: object = None
        self.comparison: cs_panel.Comparison | None = None

    def __call__(self, cell: Cell) -> tuple[float, list[Piece]]:
        if not cell.controls:
            raise NoEstimate("no patient is still untreated to compare with")
        return self._sections(cell) if self.sections else self._panel(cell)

    def _panel(self, cell: Cell) -> tuple[float, list[Piece]]:
        design = self.design
        earlier = min(cell.t_row, cell.base_row)
        later, base = design.y[cell.t_row], design.y[cell.base_row]
        treated, dy_treated = self._changes(later, base, (cell.treated,))
        control, dy_control = self._changes(later, base, cell.controls)
        fixed = design.covariates.shape[1] == 1 and design.weight.shape[0] == 1
        key = (cell.treated, cell.controls, None if fixed else earlier) if design.complete else None
        if key is None or key != self.key or self.comparison is None:
            x, w = design.covariates_at(earlier), design.weights_at(earlier)
            self.key, self.comparison = key, None
            self.comparison = cs_panel.compare(
                self.method,
                _take(x, treated),
                _take(x, control),
                w[treated],
                w[control],
                self.start.get(cell.g),
            )
            if self.comparison.score is not None:
                self.start[cell.g] = self.comparison.score.coefficients
        att, own, other = cs_panel.effect(self.comparison, dy_treated, dy_control, self.influence)
        return att, [(treated, own), (control, other)]

    def _changes(
        self, later: Floats, base: Floats, ranges: tuple[tuple[int, int], ...]
    ) -> tuple[Columns, Floats]:
        """Columns (a slice where possible) and changes of the patients seen in both periods."""
        parts = [later[a:b] - base[a:b] for a, b in ranges]
        change = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self.design.complete and len(ranges) == 1:
            return slice(*ranges[0]), change
        columns = np.concatenate([np.arange(a, b) for a, b in ranges])
        if self.design.complete:
            return columns, change
        seen = ~np.isnan(change)
        return columns[seen], change[seen]

    def _sections(self, cell: Cell) -> tuple[float, list[Piece]]:
        treated = [self._rows(row, (cell.treated,)) for row in (cell.base_row, cell.t_row)]
        control = [self._rows(row, cell.controls) for row in (cell.base_row, cell.t_row)]
        att, own, other, start = cs_cross_section.effect(
            self.method,
            (treated[0][1], treated[1][1]),
            (control[0][1], control[1][1]),
            self.influence,
            self.start.get(cell.g),
        )
        if start is not None:
            self.start[cell.g] = start
        where = [columns for columns, _ in (*treated, *control)]
        return att, list(zip(where, (*own, *other), strict=True))

    def _rows(
        self, row: int, ranges: tuple[tuple[int, int], ...]
    ) -> tuple[Ints, cs_cross_section.Rows]:
        y = self.design.y[row]
        columns = np.concatenate([a + np.flatnonzero(~np.isnan(y[a:b])) for a, b in ranges])
        x, w = self.design.covariates_at(row), self.design.weights_at(row)
        return columns, cs_cross_section.Rows(y[columns], _take(x, columns), w[columns])


def _take(x: Floats, columns: Columns) -> Floats:
    return x[:, columns]


def _cohorts(design: Design, grid: list[Cell]) -> tuple[Ints, Floats]:
    """The treated cohorts and the summed weight of their patients."""
    cohorts = np.unique([cell.g for cell in grid])
    code = np.searchsorted(cohorts, design.cohort)
    inside = np.isin(design.cohort, cohorts)
    totals = np.bincount(code[inside], design.share_weight[inside], len(cohorts))
    return cohorts.astype(np.int64), np.asarray(totals, dtype=np.float64)


def _share_matrix(design: Design, cohorts: Ints) -> Floats:
    """Summed weight of each practice's patients in each cohort (G × C)."""
    matrix = np.zeros((len(design.practice_names), len(cohorts)))
    inside = np.flatnonzero(np.isin(design.cohort, cohorts))
    column = np.searchsorted(cohorts, design.cohort[inside])
    np.add.at(matrix, (design.practice[inside], column), design.share_weight[inside])
    return matrix


def _group_times(grid: list[Cell], att: Floats) -> GroupTimes:
    return GroupTimes(
        np.array([cell.g for cell in grid], dtype=np.int64),
        np.array([cell.t for cell in grid], dtype=np.int64),
        att,
    )


def _unit_products(design: Design, pieces: list[list[Piece]], cohorts: Ints) -> Floats:
    """Inner products over patients of the cells' influence and the shares' ((K + C) × (K + C)), in
    blocks."""
    n, k = len(design.cohort), len(pieces)
    product = np.zeros((k + len(cohorts), k + len(cohorts)))
    for low in range(0, n, BLOCK):
        high = min(low + BLOCK, n)
        block = np.zeros((high - low, k + len(cohorts)))
        for i, cell in enumerate(pieces):
            for columns, values in cell:
                if isinstance(columns, slice):
                    a, b = max(columns.start, low), min(columns.stop, high)
                    if b > a:
                        block[a - low : b - low, i] += values[a - columns.start : b - columns.start]
                    continue
                a, b = np.searchsorted(columns, (low, high))
                block[columns[a:b] - low, i] += values[a:b]
        for c, g in enumerate(cohorts):
            block[:, k + c] = np.where(
                design.cohort[low:high] == g, design.share_weight[low:high], 0.0
            )
        product += block.T @ block
    return product


def _term(cell: Cell) -> str:
    return f"att_gt[{cell.g},{cell.t}]"


def _convention(analysis: AnalysisOptions, design: Design) -> str:
    adjusted = (
        f" on {', '.join(design.covariate_names)} at the earlier period"
        if design.covariate_names
        else ""
    )
    control = "never-treated" if analysis.control == "never_treated" else "not-yet-treated"
    return (
        f"{METHODS[analysis.method]}{adjusted}; {FORMS[analysis.unbalanced]}; {control} "
        "comparison; "
        f"{analysis.base} base period; anticipation {analysis.anticipation}; averages weighted by "
        "cohort shares "
        "of distinct patients, shares estimated"
    )


def _adjusted(panel: PanelData, design: Design) -> dict[str, object]:
    """Return which covariates entered the comparisons, for diagnostics.json."""
    adjusts = Adjustment({}, panel.stands_for, frozenset())
    return adjusted_details(adjusts, adjusts.entered(design.covariate_names))


def _notes(analysis: AnalysisOptions, grid: list[Cell], absent: dict[str, str]) -> list[str]:
    notes = []
    if any(cell.is_base for cell in grid):
        notes.append(
            "base: universal, so each cohort's base period is 0 by construction and has no error."
        )
    if absent:
        tried = sum(not cell.is_base for cell in grid)
        notes.append(
            f"{len(absent)} of {tried} ATT(g,t) have no estimate (see absent); an average that "
            "would need one says so, or is withheld."
        )
    return notes
