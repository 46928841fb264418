"""Difference in differences of four means, before and after one start, programme and comparison.

    att = (mean after - mean before | programme) - (mean after - mean before | comparison)

over all patient-periods, as the coefficient of y on programme x after with both main effects and
optional covariates. Beside it ANCOVA: the mean after on programme, given the mean before, over
patients seen on both sides; where arms differ at baseline, the two bracket regression to the mean
(Ding & Li 2019). With `collapse: practice`, also each practice's mean within-patient change
compared between arms, equal weights and weighted by patients, with classical errors and t(G - 2)
(Donald & Lang 2007).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalweave.errors import DataError, StudyError
from evalweave.estimators.adjustment import (
    TIMES,
    Adjustment,
    adjusted_details,
    fixed_covariates,
)
from evalweave.estimators.anticipation import set_aside
from evalweave.estimators.moments import unit_starts
from evalweave.estimators.plain import plain_fit
from evalweave.estimators.treatment import check_treated
from evalweave.fits.result import Fit, Floats, Ints, OwnInference, PanelData
from evalweave.study.analyses import AnalysisOptions


def did_2x2(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att`, with `ancova` (and `practices_equal`, `practices_by_size`) beside it.

    Raises:
        DataError: with several start dates, or an arm or side of the start without patients.
    """
    panel = set_aside(panel, analysis)
    check_treated(panel)
    within = panel.first_treated <= panel.period.max()  # later starters are untreated throughout
    starts = np.unique(panel.first_treated[within])
    if len(starts) > 1:
        raise DataError(
            f"did_2x2 needs one start, and there are {len(starts)}: use callaway_santanna, "
            "imputation or twfe."
        )
    treated = within.astype(float)
    after = (panel.period >= starts[0]).astype(float)
    for arm, word in ((1.0, "programme"), (0.0, "comparison")):
        for side, when in ((0.0, "before"), (1.0, "after")):
            if not ((treated == arm) & (after == side)).any():
                raise DataError(
                    f"Nobody of the {word} arm was observed {when} the start: there is no 2×2 to "
                    "compare."
                )
    like = _like(panel, analysis)
    columns = {
        "att": treated * after,
        "constant": np.ones(len(treated)),
        "programme": treated,
        "after": after,
    }
    main = _adjusted(panel, columns, after, like)
    if panel.sections:
        if analysis.collapse != "none":
            raise StudyError(f"{analysis.name}: collapse: practice needs people who are followed.")
        return main
    patients = _before_after(panel, after)
    beside: list[Fit] = []
    absent = {}
    try:
        beside.append(_ancova(panel, patients, like))
        if analysis.collapse == "practice":
            beside += _by_practice(panel, patients, like)
    except DataError as error:
        absent["ancova"] = str(error)
    return _with(main, tuple(beside), absent, patients)


def _adjusted(panel: PanelData, columns: dict[str, Floats], after: Floats, like: Fit) -> Fit:
    """Return the 2×2 with covariates: fixed ones with a slope of their own after the start."""
    fixed = fixed_covariates(panel)
    of: dict[str, tuple[str, ...]] = {}
    more: dict[str, Floats] = {}
    for name, own in panel.stands_for.items():
        part = {column: panel.covariates[column] for column in own}
        if name in fixed:
            part |= {f"{column}{TIMES}after": values * after for column, values in part.items()}
        of[name] = tuple(part)
        more |= part
    fit = plain_fit({**columns, **more}, panel.y, panel.weight, panel.cluster, "att", like)
    adjusts = Adjustment(more, of, fixed)
    entered = adjusts.entered(fit.least_squares.columns if fit.least_squares else ())
    if not entered:
        return fit
    words = f"{fit.convention}; adjusted for {', '.join(entered)}"
    details = {**fit.details, **adjusted_details(adjusts, entered)}
    return replace(fit, convention=words, details=details)


def _like(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    ever = panel.first_treated <= panel.period.max()
    treated = np.bincount(panel.cluster, ever, panel.n_clusters) > 0
    words = "all patient-periods, no patient effects" + ("; weighted" if panel.weighted else "")
    empty = np.zeros(0)
    return Fit(
        estimator=analysis.estimator,
        terms=(),
        theta=empty,
        influence=np.zeros((panel.n_clusters, 0)),
        cluster_names=panel.cluster_names,
        n_obs=len(panel.y),
        n_patients=len(panel.unit_names),
        n_practices=panel.n_clusters,
        n_practices_treated=int(treated.sum()),
        convention=words,
        notes=panel.notes,
    )


class _Patients:
    """Patients seen before and after: means (n), arm, practice, and mean weight of their rows."""

    def __init__(
        self, before: Floats, later: Floats, arm: Floats, cluster: Ints, weight: Floats
    ) -> None:
        self.before, self.later, self.arm, self.cluster, self.weight = (
            before,
            later,
            arm,
            cluster,
            weight,
        )


def _before_after(panel: PanelData, after: Floats) -> _Patients:
    starts = unit_starts(panel)
    sums = [np.add.reduceat(panel.y * panel.weight * side, starts) for side in (1 - after, after)]
    size = [np.add.reduceat(panel.weight * side, starts) for side in (1 - after, after)]
    both = (size[0] > 0) & (size[1] > 0)
    rows = np.diff(np.append(starts, len(panel.y)))
    weight = ((size[0] + size[1]) / rows)[both]  # the mean, so that constant weights are none
    arm = (panel.first_treated[starts] <= panel.period.max()).astype(float)
    return _Patients(
        sums[0][both] / size[0][both],
        sums[1][both] / size[1][both],
        arm[both],
        panel.cluster[starts][both],
        weight,
    )


def _ancova(panel: PanelData, patients: _Patients, like: Fit) -> Fit:
    if len(np.unique(patients.arm)) < 2:
        raise DataError("patients seen both before and after the start are all in one arm")
    columns = {
        "ancova": patients.arm,
        "constant": np.ones(len(patients.arm)),
        "before": patients.before,
    }
    return _renamed(
        plain_fit(columns, patients.later, patients.weight, patients.cluster, "ancova", like),
        "mean after on programme given mean before, patients seen on both sides",
        patients,
    )


def _renamed(fit: Fit, convention: str, patients: _Patients) -> Fit:
    return replace(
        fit, convention=convention, n_obs=len(patients.arm), n_patients=len(patients.arm)
    )


def _by_practice(panel: PanelData, patients: _Patients, like: Fit) -> list[Fit]:
    size = np.bincount(patients.cluster, patients.weight, panel.n_clusters)
    change = np.bincount(
        patients.cluster, patients.weight * (patients.later - patients.before), panel.n_clusters
    )
    arm = np.bincount(patients.cluster, patients.weight * patients.arm, panel.n_clusters)
    seen = size > 0
    if not np.isin(arm[seen], (0.0, *size[seen])).all():
        raise DataError("collapse: practice needs every practice to lie in one arm")
    mean, arm, size = change[seen] / size[seen], (arm[seen] > 0).astype(float), size[seen]
    if len(mean) < 3 or len(np.unique(arm)) < 2:
        raise DataError("collapse: practice needs three practices and two arms")
    fits = []
    for name, weight in (("practices_equal", np.ones_like(size)), ("practices_by_size", size)):
        x = np.column_stack((arm, np.ones_like(arm)))
        bread = np.linalg.inv(x.T @ (x * weight[:, None]))
        beta = bread @ (x.T @ (weight * mean))
        residual = mean - x @ beta
        spread = float((weight * residual**2).sum()) / (len(mean) - 2)
        words = "each practice's mean within-patient change, " + (
            "equal weights" if name.endswith("equal") else "weighted by patients"
        )
        own = OwnInference(
            "practice_means",
            np.sqrt(np.diag(bread)[:1] * spread),
            float(len(mean) - 2),
            "classical errors over practices, t(G-2) (Donald & Lang)",
        )
        influence = (weight * residual)[:, None] * (x @ bread)[:, :1]
        padded = np.zeros((panel.n_clusters, 1))
        padded[seen] = influence
        fits.append(
            replace(
                like,
                terms=(name,),
                theta=beta[:1],
                influence=padded,
                own=own,
                convention=words,
                n_obs=len(patients.arm),
                n_patients=len(patients.arm),
                n_practices=len(mean),
                n_practices_treated=int(arm.sum()),
            )
        )
    return fits


def _with(main: Fit, beside: tuple[Fit, ...], absent: dict[str, str], patients: _Patients) -> Fit:
    seen = {
        "programme": int((patients.arm == 1).sum()),
        "comparison": int((patients.arm == 0).sum()),
    }
    details = {**main.details, "seen_before_and_after": seen}
    return replace(main, beside=beside, absent=absent, details=details)
