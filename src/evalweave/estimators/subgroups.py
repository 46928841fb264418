"""Two-way fixed effects in one joint model over the levels of a subgroup, and contrasts between the
levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalweave.estimators.least_squares import fit_of, solve
from evalweave.estimators.treatment import FEWEST, by_level, convention
from evalweave.fits.result import Fit, Floats, PanelData
from evalweave.study.analyses import AnalysisOptions


def twfe_by_subgroup(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return `att[s=l]` a level, `difference[s=l-lowest]`, and `trend[s]` where three or more
    levels are numbers.

    Patient effects and period x level effects (and covariates x level) are all interacted: the
    estimate of a level is that of its patients alone, and differences get their error from the
    joint model. Unknown is its own level, outside the contrasts. A level with fewer than four
    practices in an arm is refused. `trend[s]` is the slope of the least-squares line through the
    levels' estimates (outcome units a level).
    """
    name = panel.subgroup_name or "subgroup"
    label, arms = levels_of(panel)
    codes = list(label)
    few = {code: few_practices(label[code], name, arms[code], panel) for code in codes}
    solved = solve(panel, tuple(f"att[{name}={label[code]}]" for code in codes), by_level(codes))
    position = {term: j for j, term in enumerate(solved.names)}
    terms: dict[str, Floats] = {}
    absent = {f"att[{name}={label[code]}]": reason for code, reason in few.items() if reason}
    unit = np.eye(len(solved.names))
    usable = []
    for code in codes:
        term = f"att[{name}={label[code]}]"
        if not few[code] and term in position:
            terms[term] = unit[position[term]]
            usable += [code] if code >= 0 else []
    known = [code for code in codes if code >= 0]
    _add_differences(name, label, known, usable, terms, absent)
    trend, reason = slope([label[code] for code in known], [label[code] for code in usable])
    if trend is not None:
        terms[f"trend[{name}]"] = sum(
            (slope * terms[f"att[{name}={level}]"] for level, slope in trend.items()),
            np.zeros(len(unit)),
        )
    elif reason:
        absent[f"trend[{name}]"] = reason
    details = level_details(panel, name)
    words = (
        f"{convention(panel)}; one joint model, patient and period effects interacted with {name}"
    )
    return fit_of(panel, solved, terms, analysis, words, absent, details=details)


def _add_differences(
    name: str,
    label: dict[int, str],
    known: list[int],
    usable: list[int],
    terms: dict[str, Floats],
    absent: dict[str, str],
) -> None:
    """Add each level's difference from the lowest to `terms`, or its reason to `absent`."""
    for code in known[1:]:
        term = f"difference[{name}={label[code]}-{label[known[0]]}]"
        lost = [label[c] for c in (known[0], code) if c not in usable]
        if lost:
            absent[term] = f"{name}={' and '.join(lost)} has no estimate of its own"
        else:
            terms[term] = (
                terms[f"att[{name}={label[code]}]"] - terms[f"att[{name}={label[known[0]]}]"]
            )


def levels_of(panel: PanelData) -> tuple[dict[int, str], dict[int, tuple[int, int]]]:
    """Return the label of each level's code, unknown last, and its practices by arm."""
    codes = sorted(
        {int(code) for code in np.unique(np.asarray(panel.subgroup))}, key=lambda c: (c < 0, c)
    )
    label = {code: "unknown" if code < 0 else panel.subgroup_levels[code] for code in codes}
    return label, practices_by_level(panel, codes)


def level_details(panel: PanelData, name: str) -> dict[str, Any]:
    """Return the levels with their practices by arm and patients, for diagnostics.json."""
    label, arms = levels_of(panel)
    return {
        "subgroup": name,
        "levels": [
            {
                "level": label[code],
                "practices_programme": programme,
                "practices_comparison": comparison,
                "n_patients": int(_patients(panel, code)),
            }
            for code, (programme, comparison) in arms.items()
        ],
    }


def practices_by_level(panel: PanelData, codes: list[int]) -> dict[int, tuple[int, int]]:
    """Return, for each level, in how many practices it has ever-treated and never-treated
    patients."""
    treated = np.isfinite(panel.first_treated)
    level = np.asarray(panel.subgroup)
    return {
        code: (
            len(np.unique(panel.cluster[treated & (level == code)])),
            len(np.unique(panel.cluster[~treated & (level == code)])),
        )
        for code in codes
    }


def few_practices(level: str, name: str, arms: tuple[int, int], panel: PanelData) -> str:
    """Return why a level is refused for the practices that it has in an arm, '' where it is not."""
    never = bool(np.isinf(panel.first_treated).any())
    short = [
        f"{n} {word}"
        for n, word, counts in ((arms[0], "programme", True), (arms[1], "comparison", never))
        if counts and n < FEWEST
    ]
    if not short:
        return ""
    return (
        f"{name}={level} has patients in {' and '.join(short)} practices only; fewer than "
        f"{FEWEST} are refused"
    )


def _patients(panel: PanelData, code: int) -> int:
    return len(np.unique(panel.unit[np.asarray(panel.subgroup) == code]))


def slope(known: list[str], usable: list[str]) -> tuple[dict[str, float] | None, str]:
    """Return the weights of the slope over numeric levels, or None and the reason (blank = does not
    apply)."""
    try:
        numbers = {level: float(level) for level in known}
    except ValueError:
        return None, ""
    if len(known) < 3:
        return None, ""
    if set(known) != set(usable):
        return None, "not every level has an estimate"
    values = np.array(list(numbers.values()))
    centred = values - values.mean()
    return dict(zip(known, (centred / (centred**2).sum()).tolist(), strict=True)), ""
