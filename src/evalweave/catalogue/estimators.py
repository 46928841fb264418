"""Every estimator. To add one: write its file in `evalweave/estimators/`, add its entry here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from evalweave.catalogue import nonlinear
from evalweave.catalogue import references as ref
from evalweave.catalogue.estimator_options import (
    ANTICIPATION,
    BETWEEN,
    BINS,
    BY_LEVERAGE,
    BY_RE_ESTIMATION,
    ENGINE,
    HONEST,
    PARTIAL,
    REFERENCE,
)
from evalweave.catalogue.inferences import AUTO
from evalweave.catalogue.kinds import BINARY, MEASURED, UTILITY
from evalweave.catalogue.methods import (
    ADDITIVE,
    IMPUTATIONS,
    LEAST_SQUARES,
    PLACEBO,
    REASSIGNMENT,
    REFUSED,
    SYNTHETIC,
    UNIT_ERRORS,
    Estimator,
    Option,
    only_kinds,
)


def _engine(analysis: Any) -> Iterable[str]:
    if analysis.engine != "linearmodels":
        return
    if analysis.subgroup or analysis.unaffected_population or analysis.unaffected_outcome:
        yield "engine: linearmodels takes no subgroup or triple difference; the default engine does"
    for method in analysis.inference:
        if method not in (AUTO, "cr0", "cr1"):
            yield (
                f"{method} is not available with engine: linearmodels (cr0 and cr1 are); use the "
                "default engine"
            )


WIDEST = {"honest_relative": 1000.0, "honest_smoothness": 1e9}  # beyond, any path is allowed


def _honest(analysis: Any) -> Iterable[str]:
    for name in ("honest_relative", "honest_smoothness"):
        if any(not m >= 0 for m in getattr(analysis, name) or ()):
            yield f"{name} must be 0 or more"
        if any(m > WIDEST[name] for m in getattr(analysis, name) or ()):
            yield f"{name} must be at most {WIDEST[name]:g}"


def _event_study(analysis: Any) -> Iterable[str]:
    return (*_bins(analysis), *_honest(analysis))


def _bins(analysis: Any) -> Iterable[str]:
    if analysis.bins and not analysis.bins[0] < analysis.reference < analysis.bins[1]:
        yield f"bins {list(analysis.bins)} must lie around the reference {analysis.reference}"


def _uptake(analysis: Any) -> Iterable[str]:
    if not analysis.uptake:
        yield "dose needs `uptake`: the column that says who was referred or engaged"
    if not analysis.uptake_complete:
        yield (
            "dose needs a complete source of uptake. Referral codes before 2019 are not one. If "
            "yours is complete, declare `uptake_complete: true`"
        )


def _no_covariates(analysis: Any) -> Iterable[str]:
    if analysis.covariates:
        yield f"{analysis.estimator} takes no covariates; leave them out, or take imputed_did"


def _synthetic(analysis: Any) -> Iterable[str]:
    if analysis.covariates:
        yield (
            "synthetic_did compares practice means and takes no covariates; adjust the outcome "
            "first, or use callaway_santanna"
        )
    if analysis.bands == "simultaneous":
        yield "synthetic_did has no simultaneous bands; leave bands at pointwise"


_DECLARED = (
    Estimator(
        name="did_2x2",
        implementation="did_2x2:did_2x2",
        effects="arm, side of the start",
        terms=("att", "ancova", "practices_equal", "practices_by_size"),
        summary=("att",),
        words="Two by two means: the change of the mean from before to after in programme "
        "practices, minus the same in comparison practices; beside it the estimate adjusted for "
        "the mean before.",
        formula="hat:τ = ( bar:y_{1,after} − bar:y_{1,before} ) − ( bar:y_{0,after} − "
        "bar:y_{0,before} )",
        references=(ref.DING_LI_2019,),
        options=(
            Option("collapse", Literal["none", "practice"], "none", "One mean change a practice."),
            ANTICIPATION,
            *BETWEEN,
        ),
        gives=frozenset({LEAST_SQUARES}),
        default_inference=BY_LEVERAGE,
    ),
    Estimator(
        name="twfe",
        implementation="twfe:twfe",
        effects="person, period",
        terms=("att", "att[s=l]", "difference[s=l-lowest]", "trend[s]"),
        summary=("att",),
        words="Two-way fixed effects: least squares of the outcome of person i in period t on a "
        "person effect, a period effect and D, which is 1 from the practice’s first period with "
        "the programme on; τ is reported.",
        formula="y_{it} = α_{i} + λ_{t} + τ D_{it} + ε_{it}",
        options=(*BETWEEN, ANTICIPATION, ENGINE),
        gives=frozenset({LEAST_SQUARES, UNIT_ERRORS, REASSIGNMENT}),
        default_inference=BY_LEVERAGE,
        diagnostics=("goodman_bacon", "placebo_dates"),
        wrong=_engine,
        planted="att_weighted",
        interacts=True,
    ),
    Estimator(
        name="event_study",
        implementation="event_study:event_study",
        effects="person, period",
        terms=("event[e]", "event[overall]", "trend"),
        summary=("event[overall]",),
        words="Event study: two-way fixed effects with one coefficient for each period before and "
        "since the start, e = t − g, relative to the reference period.",
        formula="y_{it} = α_{i} + λ_{t} + Σ_{e≠r} τ_{e} D_{it}^{e} + ε_{it}",
        options=(REFERENCE, BINS, ANTICIPATION, PARTIAL, *BETWEEN, *HONEST),
        gives=frozenset({LEAST_SQUARES, UNIT_ERRORS, REASSIGNMENT}),
        default_inference=BY_LEVERAGE,
        diagnostics=("pretrend", "honest_did"),
        role="event_study",
        told="reference period {reference}",
        wrong=_event_study,
    ),
    Estimator(
        name="callaway_santanna",
        implementation="callaway_santanna:callaway_santanna",
        effects="none",
        terms=(
            "att_gt[g,t]",
            "simple",
            "group[g]",
            "group[overall]",
            "event[e]",
            "event[overall]",
            "calendar[t]",
            "calendar[overall]",
        ),
        summary=("simple", "event[overall]", "group[overall]"),
        words="Callaway and Sant’Anna: for each start g and period t the change since the period "
        "before the start, minus the same in comparison practices, then averaged.",
        formula="ATT(g,t) = E [ y_{t} − y_{g−1} | G = g ] − E [ y_{t} − y_{g−1} | C = 1 ]",
        references=(ref.CALLAWAY_SANTANNA_2021, ref.SANTANNA_ZHAO_2020),
        options=(
            Option("method", Literal["reg", "ipw", "dr"], "dr", "How covariates enter."),
            Option(
                "control",
                Literal["never_treated", "not_yet_treated"],
                "never_treated",
                "The comparison patients of each 2×2.",
            ),
            Option(
                "base",
                Literal["varying", "universal"],
                "varying",
                "The base period before treatment.",
            ),
            Option(
                "unbalanced",
                Literal["pairwise", "balanced", "repeated_cross_section"],
                "pairwise",
                "Who counts when patients are not seen in every period.",
            ),
            ANTICIPATION,
            Option(
                "aggregate",
                list[Literal["simple", "group", "dynamic", "calendar"]],
                ["simple", "group", "dynamic", "calendar"],
                "Which averages.",
            ),
            Option(
                "balance",
                int | None,
                None,
                "Of the dynamic average: only cohorts seen this many periods after starting.",
                at_least=0,
            ),
            PARTIAL,
            *BETWEEN,
            *HONEST,
        ),
        gives=frozenset({UNIT_ERRORS}),
        default_inference=BY_RE_ESTIMATION,
        diagnostics=("pretrend", "honest_did"),
        wrong=_honest,
        told="{method}, {control} controls, {unbalanced} panel",
    ),
    Estimator(
        name="sun_abraham",
        implementation="sun_abraham:sun_abraham",
        effects="person, period",
        terms=("att", "event[e]", "event[overall]", "trend", "group[g]", "att_gt[g,t]"),
        summary=("att", "event[overall]"),
        words="Sun and Abraham: an event study for each start, averaged by the share of people of "
        "each start.",
        formula="hat:τ_{e} = Σ_{g} hat:τ_{g,e} Pr ( G = g | e )",
        references=(ref.SUN_ABRAHAM_2021,),
        options=(REFERENCE, ANTICIPATION, PARTIAL, *BETWEEN, *HONEST),
        gives=frozenset({LEAST_SQUARES, UNIT_ERRORS, REASSIGNMENT}),
        default_inference=BY_LEVERAGE,
        diagnostics=("pretrend", "honest_did"),
        wrong=_honest,
        role="event_study",
        told="reference period {reference}",
    ),
    Estimator(
        name="imputation",
        implementation="imputation:imputation",
        effects="person, period",
        terms=("att", "event[e]", "group[g]"),
        summary=("att",),
        words="Imputation: person and period effects from untreated observations only; the "
        "estimate is the mean of what treated observations exceed them by.",
        formula="hat:τ = mean ( y_{it} − hat:α_{i} − hat:λ_{t} )",
        references=(ref.BORUSYAK_2024,),
        options=(REFERENCE, ANTICIPATION, PARTIAL, *BETWEEN),
        gives=frozenset({UNIT_ERRORS}),
        default_inference=BY_RE_ESTIMATION,
    ),
    Estimator(
        name="etwfe",
        implementation="etwfe:etwfe",
        effects="person, period",
        terms=(
            "att",
            "event[e]",
            "event[overall]",
            "trend",
            "group[g]",
            "calendar[t]",
            "att_gt[g,t]",
        ),
        summary=("att", "event[overall]"),
        words="Extended two-way fixed effects: one coefficient for each start and period, averaged "
        "over treated observations.",
        formula="y_{it} = α_{i} + λ_{t} + Σ_{g,s} τ_{gs} D_{it}^{gs} + ε_{it}",
        references=(ref.WOOLDRIDGE_2021,),
        options=(ANTICIPATION, PARTIAL, *BETWEEN),
        gives=frozenset({LEAST_SQUARES, UNIT_ERRORS, REASSIGNMENT}),
        default_inference=BY_LEVERAGE,
    ),
    Estimator(
        name="dose",
        implementation="dose:dose",
        effects="person, period",
        default_inference=BY_RE_ESTIMATION,
        terms=("att[uptake=1]",),
        summary=("att[{uptake}=1]",),
        words="Effect among those who took the programme up: two-stage least squares, availability "
        "being the instrument for uptake.",
        formula="hat:τ = hat:τ_{outcome} / hat:τ_{uptake}",
        options=(
            Option(
                "uptake",
                str | None,
                None,
                "Column with the uptake (1 = referred or engaged).",
                column=True,
            ),
            Option(
                "uptake_complete",
                bool,
                False,
                "Declare that the source of uptake is complete; it is refused otherwise.",
            ),
            ANTICIPATION,
            *BETWEEN,
        ),
        wrong=_uptake,
        rests_on_allocation="dose",
    ),
    Estimator(
        name="synthetic_did",
        implementation="synthetic_did:synthetic_did",
        effects="practice, period (weighted)",
        terms=("att", "group[g]", "event[e]"),
        summary=("att",),
        words="Synthetic differences in differences: practice means by period; comparison "
        "practices and periods before the start are weighted so that the weighted comparison ran "
        "parallel to programme practices before the start.",
        formula="hat:τ = ( bar:y_{1,after} − Σ_{t} λ_{t} bar:y_{1,t} ) − Σ_{i} ω_{i} ( "
        "bar:y_{i,after} − Σ_{t} λ_{t} y_{i,t} )",
        references=(ref.ARKHANGELSKY_2021,),
        options=(
            Option(
                "solver",
                Literal["frank_wolfe", "exact"],
                "frank_wolfe",
                "Who finds the weights: the steps of R’s synthdid, which stop a little short of "
                "the optimum, or the optimum itself.",
            ),
            ANTICIPATION,
            PARTIAL,
            *BETWEEN,
        ),
        assumes=SYNTHETIC,
        gives=frozenset({PLACEBO}),
        only=("jackknife", "placebo"),
        default_inference=("jackknife", "placebo", "jackknife"),
        wrong=_synthetic,
    ),
    Estimator(
        name="weighted_did",
        implementation="weighted_did:weighted_did",
        effects="start, period",
        terms=("att", "att_unweighted", "composition"),
        summary=("att",),
        words="Difference in differences weighted by the inverse probability of being measured: "
        "means by start and period, each measured person standing for those alike in their past "
        "(the last and the first value before) in the same start and period who were not.",
        formula="bar:y_{ct} = α_{c} + λ_{t} + τ D_{ct} + ε_{ct}",
        references=(ref.ROBINS_1995,),
        only=("jackknife", "hansen"),
        default_inference=("jackknife", "hansen", "jackknife"),
        kinds=only_kinds(MEASURED, BINARY, UTILITY),
        blank_outcomes="weights",
        exposure=REFUSED,
        wrong=_no_covariates,
        assumes=f"{ADDITIVE} And that being measured does not depend on the present value once "
        "arm, period and past values are known.",
    ),
    Estimator(
        name="imputed_did",
        implementation="imputed_did:imputed_did",
        effects="start, period",
        terms=("att", "att_unweighted"),
        summary=("att",),
        words="Difference in differences of means by start and period of panels completed by "
        "multiple imputation: chained equations within each start, one two-level model a period "
        "on all other periods, the covariates and practice effects.",
        formula="bar:y_{ct} = α_{c} + λ_{t} + τ D_{ct} + ε_{ct}",
        references=(ref.VAN_BUUREN_2011, ref.SCHAFER_2002),
        options=(
            Option("imputations", int, 20, "How many completed panels.", at_least=5),
            Option("rounds", int, 10, "Rounds of the chained equations.", at_least=1),
        ),
        gives=frozenset({IMPUTATIONS}),
        only=("rubin",),
        default_inference=("rubin", "rubin"),
        blank_outcomes="imputation",
        kinds=only_kinds(MEASURED, BINARY, UTILITY),
        exposure=REFUSED,
        told="{imputations} imputations, {rounds} rounds",
        assumes=f"{ADDITIVE} And that being measured does not depend on the present value once "
        "arm, practice and the values of other periods are known.",
    ),
    Estimator(
        name="lee_did",
        implementation="lee_did:lee_did",
        effects="none",
        terms=("att_lower", "att_upper", "att_measured"),
        summary=("att_measured",),
        words="Lee’s bounds on changes: of people measured before the start and followed after it, "
        "the arm with more measured after is trimmed from above and from below to the share of the "
        "other; the effect on those who are measured either way lies between.",
        formula="E [ d | D = 1, lowest 1 − p ] − E [ d | D = 0 ] ≤ τ ≤ E [ d | D = 1, highest 1 − "
        "p ] − E [ d | D = 0 ]",
        references=(ref.LEE_2009, ref.IMBENS_2004),
        only=("jackknife", "hansen"),
        default_inference=("jackknife", "hansen", "jackknife"),
        blank_outcomes="bounds",
        kinds=only_kinds(MEASURED, BINARY, UTILITY),
        exposure=REFUSED,
        role="sensitivity",
        wrong=_no_covariates,
        assumes="Parallel trends of the people who are measured with and without the programme, "
        "and that it makes people measured or unmeasured, not some the one and some the other.",
    ),
    *nonlinear.DECLARED,
    # A new estimator: its entry goes above this line.
)
ESTIMATORS = {declared.name: declared for declared in _DECLARED}
