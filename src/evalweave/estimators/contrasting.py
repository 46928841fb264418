"""An analysis as it was asked for: plain, by the levels of a subgroup, or as a triple difference
against an unaffected population or outcome.

A triple difference is the programme's difference-in-differences less that among people, or in an
outcome, that it cannot have reached: what else changed in the same places at the same time drops
out (Olden & Møen 2022, Econometrics Journal 25(3)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.errors import DataError
from evalweave.estimators.cohort_effects import restricted
from evalweave.estimators.registry import estimator
from evalweave.estimators.stacked import Part, stacked
from evalweave.estimators.subgroups import few_practices, level_details, levels_of, slope
from evalweave.fits.result import Fit, PanelData
from evalweave.study.analyses import AnalysisOptions

ADJUSTED = ("adjusted for", "not adjusted for")
JOINT = "groups estimated apart and joined by each practice's influence on both"


def estimated(panel: PanelData, analysis: AnalysisOptions, unaffected: PanelData | None) -> Fit:
    """Return the fit of an analysis; `unaffected` is the panel of its unaffected outcome.

    Raises:
        DataError: where nothing can be estimated.
    """
    if analysis.unaffected_outcome and unaffected is not None:
        return _against_outcome(panel, unaffected, analysis)
    if analysis.unaffected_population:
        return _against_population(panel, analysis)
    if panel.subgroup is not None and not ESTIMATORS[analysis.estimator].interacts:
        return _by_level(panel, analysis)
    return estimator(analysis.estimator)(panel, analysis)


def of_level(term: str, level: str) -> str:
    """Return the name of a term of one level: event[2] of white=1 is event[2,white=1]."""
    return f"{term[:-1]},{level}]" if term.endswith("]") else f"{term}[{level}]"


def _summary(fit: Fit, analysis: AnalysisOptions) -> str:
    """Return the term that stands for the whole, '' where it has no estimate."""
    options = analysis.model_dump()
    names = [pattern.format(**options) for pattern in ESTIMATORS[analysis.estimator].summary]
    return next((name for name in names if name in fit.terms), "")


def _part(fit: Fit, analysis: AnalysisOptions, level: str) -> Part:
    """Return a fit as a part of the whole: its summary is att[level], as in every estimator."""
    summary = _summary(fit, analysis)
    if summary and summary != "att":
        fit = replace(fit, of_term={**fit.of_term, summary: _and(fit.of_term, summary)})
    names = (f"att[{level}]" if term == summary else of_level(term, level) for term in fit.terms)
    return Part(level, fit, tuple(names))


def _and(of_term: dict[str, str], summary: str) -> str:
    return "; ".join(filter(None, (of_term.get(summary, ""), f"att is {summary}")))


def _parts(
    panel: PanelData, analysis: AnalysisOptions, name: str
) -> tuple[dict[int, Part], dict[int, str], dict[str, str]]:
    """Return the fits of the levels that have one, all levels' labels, and why others have none."""
    label, arms = levels_of(panel)
    plain = analysis.model_copy(update={"subgroup": None, "unaffected_population": None})
    parts: dict[int, Part] = {}
    absent: dict[str, str] = {}
    for code, text in label.items():
        level = f"{name}={text}"
        why = few_practices(text, name, arms[code], panel)
        if not why:
            own = replace(restricted(panel, np.asarray(panel.subgroup) == code), subgroup=None)
            try:
                parts[code] = _part(estimator(analysis.estimator)(own, plain), analysis, level)
            except DataError as error:
                why = str(error)
        if why:
            absent[f"att[{level}]"] = why
    if not parts:
        raise DataError(". ".join(why.rstrip(".") for why in absent.values()) + ".")
    return parts, label, absent


def _by_level(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return every level's terms, and their differences from the lowest level."""
    name = panel.subgroup_name or "subgroup"
    parts, label, absent = _parts(panel, analysis, name)
    known = [code for code in label if code >= 0]
    lowest = known[0] if known else -1
    differences: dict[str, dict[str, float]] = {}
    for code in known[1:]:
        pair = f"{name}={label[code]}-{label[lowest]}"
        lost = [label[c] for c in (lowest, code) if c not in parts]
        if lost:
            absent[f"difference[{pair}]"] = f"{name}={' and '.join(lost)} has no estimate"
            continue
        differences |= _between(parts[code], parts[lowest], partial(_difference, pair))
    weights, why = slope([label[c] for c in known], [label[c] for c in known if c in parts])
    if weights is not None and all(f"att[{name}={text}]" in _names(parts) for text in weights):
        differences[f"trend[{name}]"] = {
            f"att[{name}={text}]": weight for text, weight in weights.items()
        }
    elif why:
        absent[f"trend[{name}]"] = why
    return _whole(panel, list(parts.values()), differences, absent, level_details(panel, name))


def _names(parts: dict[int, Part]) -> set[str]:
    return {name for part in parts.values() for name in part.names}


def _difference(pair: str, term: str) -> str:
    return f"difference[{pair}]" if term == "att" else f"difference[{term},{pair}]"


def _triple(term: str) -> str:
    return "triple" if term == "att" else f"triple[{term}]"


def _between(one: Part, other: Part, named: Callable[[str], str]) -> dict[str, dict[str, float]]:
    """Return the differences of the terms that two parts share, single cells left out."""
    mine = _by_term(one)
    theirs = _by_term(other)
    return {
        named(term): {mine[term]: 1.0, theirs[term]: -1.0}
        for term in mine
        if term in theirs and not term.startswith("att_gt[")
    }


def _by_term(part: Part) -> dict[str, str]:
    """Return the name of each of a part's terms; the summary, whatever it is, counts as att."""
    return {
        "att" if name.startswith("att[") else term: name
        for term, name in zip(part.fit.terms, part.names, strict=True)
    }


def _against_population(panel: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return the affected population's terms, the unaffected one's, and `triple`."""
    name = panel.subgroup_name or ""
    parts, label, absent = _parts(panel, analysis, name)
    codes = {text: code for code, text in label.items()}
    if set(codes) - {"unknown"} != {"0", "1"}:
        raise DataError(
            f"{name}: found {len(codes)} levels, expected 1 (whom the programme can reach) and 0 "
            "(whom it cannot)."
        )
    differences: dict[str, dict[str, float]] = {}
    if codes["1"] in parts and codes["0"] in parts:
        differences = _between(parts[codes["1"]], parts[codes["0"]], _triple)
    else:
        absent["triple"] = "one of the populations has no estimate"
    chosen = [parts[codes[text]] for text in ("1", "0") if codes[text] in parts]
    return _whole(panel, chosen, differences, absent, level_details(panel, name))


def _against_outcome(panel: PanelData, other: PanelData, analysis: AnalysisOptions) -> Fit:
    """Return the outcome's terms, the unaffected outcome's, and `triple`."""
    estimate = estimator(analysis.estimator)
    level = f"outcome={analysis.unaffected_outcome}"
    mine = estimate(panel, analysis)
    theirs = _part(estimate(other, analysis), analysis, level)
    summary = _summary(mine, analysis)
    own = Part("outcome", mine, mine.terms)
    shared = {"att" if term == summary else term: term for term in mine.terms}
    named = _by_term(theirs)
    differences = {
        _triple(term): {shared[term]: 1.0, named[term]: -1.0}
        for term in shared
        if term in named and not term.startswith("att_gt[")
    }
    blank = [replace(part, fit=replace(part.fit, unit_covariance=None)) for part in (own, theirs)]
    whole = _whole(panel, blank, differences, {}, {})
    # the same people and rows have both outcomes
    return replace(whole, n_patients=mine.n_patients, n_obs=mine.n_obs)


def _whole(
    panel: PanelData,
    parts: list[Part],
    differences: dict[str, dict[str, float]],
    absent: dict[str, str],
    details: dict[str, object],
) -> Fit:
    """Return the parts as one fit with the counts of the panel."""
    treated = panel.cluster[panel.first_treated <= panel.period.max()]
    known = {name for part in parts for name in part.fit.cluster_names}
    fit = stacked(parts, tuple(sorted(known)), differences)
    names = {panel.cluster_names[g] for g in set(treated.tolist())}
    adjusted = {key: parts[0].fit.details[key] for key in ADJUSTED if key in parts[0].fit.details}
    return replace(
        fit,
        n_practices_treated=len(names & known),
        convention=f"{fit.convention}; {JOINT}",
        absent={**fit.absent, **absent},
        details={**adjusted, **details},
    )
