"""What the design says of its intervals: one sentence, and what to be warned of.

The bounds are published ones: t quantiles with fewer than four Satterthwaite degrees of freedom are
not to be trusted (Tipton 2015, Psychological Methods 20; Pustejovsky & Tipton 2018); a practice of
more than half of the weight is most of the estimate (MacKinnon, Nielsen & Webb 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.diagnostics.primary import Errors
from evalweave.fits.result import Allocated, Fit
from evalweave.study.analyses import AnalysisOptions

FEWEST_DOF = 4.0
MOST_WEIGHT = 0.5
ENOUGH = 40.0  # effective practices from which errors without degrees of freedom are fair
WITHOUT_DOF = ("cr0", "cr1", "unit", "multiplier_bootstrap")


def summary_term(fit: Fit, analysis: AnalysisOptions, measures: dict[str, Any]) -> str:
    """Return the term that stands for the analysis; of several (levels of a subgroup) the one with
    the fewest degrees of freedom."""
    options = analysis.model_dump()
    named = [pattern.format(**options) for pattern in ESTIMATORS[analysis.estimator].summary]
    for name in ("triple", *(("att",) if calls.contrasts(analysis) else ()), *named):
        own = [term for term in fit.terms if term == name or term.startswith(f"{name}[")]
        if own:
            return min(own, key=lambda term: measures[term]["dof"])
    return fit.terms[0]


def sentence(
    fit: Fit, term: str, measured: dict[str, Any], known: Allocated | None, errors: Errors
) -> str:
    """Return what each practice (or area, where the clusters are areas) carries of `term`, in one
    sentence."""
    own = measured["terms"][term]
    times = measured["leverage"][0] * len(measured["leverage"]) / sum(measured["leverage"])
    n, treated, noun = fit.n_practices, fit.n_practices_treated, "practices"
    if known is not None and known.clusters == "area":
        n, treated, noun = len(fit.influence), known.areas_with + known.areas_mixed, "areas"
    declared = known is not None and known.declared
    by_one = "" if declared else "; this takes practices as given the programme one by one"
    return (
        f"{n} {noun} ({treated} with the programme) carry the estimate ({term}) as "
        f"{own['effective_practices']:.1f} {noun} of equal weight would: the largest holds "
        f"{_share(own['largest_share'])} of the weight, the highest leverage is {times:.1f} "
        f"times the mean, and {_freedom(fit, term, own, errors)} (judged by "
        f"{measured['basis']}){by_one}."
    )


def _freedom(fit: Fit, term: str, own: dict[str, Any], errors: Errors) -> str:
    """Return the degrees of freedom in words: of cr3, or, where a practice cannot be left out and
    cr3 says nothing, of the interval that is printed."""
    if not own["lost_without"]:
        return f"errors have {own['dof']:.1f} degrees of freedom"
    place = fit.terms.index(term)
    dof, method = errors.dof[place], errors.methods[place]
    rests = "it cannot be estimated without some single practice"
    if method and INFERENCES[method].alone and np.isfinite(dof):
        return f"{rests}, so that its error by {method} has {dof:.1f} degrees of freedom"
    return f"{rests}, so that no degrees of freedom describe its error"


def allocation_words(known: Allocated | None) -> str:
    """Return what the way the programme was given out means for errors, '' where nothing is
    known."""
    if known is None:
        return ""
    areas = known.areas_with + known.areas_without + known.areas_mixed
    if known.level == "area" and known.alone:
        return _alone(known, areas)
    if known.clusters == "area":
        mixed = f", {known.areas_mixed} with both kinds of practice" if known.areas_mixed else ""
        return (
            "The programme was given to whole areas, so errors are by area and permutations move "
            f"areas: {known.areas_with} with it, {known.areas_without} without{mixed}."
        )
    if not known.declared and known.areas_with and not known.areas_mixed:
        return (
            f"No area has practices of both arms ({known.areas_with} with the programme, "
            f"{known.areas_without} without). If it was given to whole areas, declare "
            "`allocation: {level: area}`: errors by practice assume that areas have no shocks of "
            "their own over time."
        )
    return ""


def _alone(known: Allocated, areas: int) -> str:
    """Return what intervals by practice assume where one area is an arm alone."""
    where = (
        f"All {known.practices_treated} practices with the programme lie in one area"
        if known.alone == "with"
        else "The areas that can be compared come down to one without the programme"
    )
    return (
        f"{where}, so no design-based interval exists: whatever else happened there over time "
        "cannot be told from the programme's effect. The intervals are by practice and assume "
        "that practices of an area share no shocks over time (no area × time shocks); permuting "
        f"the {areas} areas, the smallest possible p-value would be 1/{areas}."
    )


def warnings(
    fit: Fit,
    term: str,
    measured: dict[str, Any],
    analysis: AnalysisOptions,
    known: Allocated | None,
    methods: Sequence[str] = (),
) -> list[str]:
    """Return a sentence for everything that forbids to trust the intervals of `term`, which are by
    `methods`."""
    lone = _lone_practice(fit, methods)
    found = list(lone)
    if known is not None and (known.alone or not known.declared):
        found += filter(None, [allocation_words(known)])
    if not measured:
        return found
    own = measured["terms"][term]
    if own["lost_without"] and not lone:
        found.append(
            f"{term} cannot be estimated without some single practice ({own['lost_without']} of "
            f"{fit.n_practices}): what happened there for other reasons cannot be told from the "
            "programme's effect."
        )
    if not lone and not own["dof"] >= FEWEST_DOF:
        found.append(
            f"The design leaves the errors of {term} {own['dof']:.1f} degrees of freedom; with "
            f"fewer than {FEWEST_DOF:.0f} the intervals of different methods lie far apart and "
            "none is reliable (Tipton 2015)."
        )
    if own["largest_share"] > MOST_WEIGHT and not lone:
        found.append(
            f"One practice holds {_share(own['largest_share'])} of the weight of {term}: its "
            "own shocks are most of the estimate's error."
        )
    primary = analysis.inference[0]
    if primary in WITHOUT_DOF and own["effective_practices"] < ENOUGH and not lone:
        found.append(
            f"{primary} takes no account of how few practices carry {term} "
            f"({own['effective_practices']:.1f} of equal weight): its intervals are too narrow. "
            "Leave `inference` out for the method that fits the design."
        )
    return found


def _lone_practice(fit: Fit, methods: Sequence[str]) -> list[str]:
    """Return the warning of an arm of one practice."""
    if fit.n_practices_treated == 1:
        return [
            "One treated practice: its own shocks cannot be told from the programme's effect. "
            + _of_a_lone_practice(fit, methods)
        ]
    if fit.n_practices - fit.n_practices_treated == 1:
        return [
            "One comparison practice: its own shocks cannot be told from the programme's effect, "
            "so no interval can be relied on."
        ]
    return []


def _of_a_lone_practice(fit: Fit, methods: Sequence[str]) -> str:
    """Return what can still be asked of an estimate that rests on one treated practice, and what
    the intervals by `methods` make of it."""
    if fit.placebo is not None:
        return (
            "The placebo error takes them to be of the size of an untreated practice's, which the "
            "data cannot show."
        )
    found = list(filter(None, (INFERENCES[method].alone for method in dict.fromkeys(methods))))
    narrow = [method for method in methods if not INFERENCES[method].alone]
    if narrow or not methods:
        by = f" ({', '.join(dict.fromkeys(narrow))})" if narrow else ""
        found.append(f"Clustered intervals{by} are far too narrow")
    at_best = f"a p-value, at best 1/{fit.n_practices}"
    if fit.reassign is not None:
        found.append(f"randomisation gives {at_best}")
    else:
        found.append(
            f"nothing that {fit.estimator} can be asked mends it (twfe with randomisation gives "
            f"{at_best})"
        )
    words = "; ".join(found)
    return f"{words[0].upper()}{words[1:]}."


def _share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "less than 1 %"
