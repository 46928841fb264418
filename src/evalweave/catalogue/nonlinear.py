"""The estimators for counts, costs, and yes or no; entries of `catalogue.estimators`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from evalweave.catalogue import references as ref
from evalweave.catalogue.estimator_options import (
    ANTICIPATION,
    BY_RE_ESTIMATION,
    PARTIAL,
    SUBGROUP,
)
from evalweave.catalogue.families import GAMMA, LOGIT, POISSON
from evalweave.catalogue.kinds import BINARY, COST, COUNT, MEASURED
from evalweave.catalogue.methods import OFFSET, REFUSED, Estimator, Option, only_kinds

EFFECTS = Option(
    "effects",
    Literal["auto", "patient", "practice", "cohort"],
    "auto",
    "Whose effect stands beside the period effects; auto = patient for poisson, cohort (all "
    "practices with one start) for nonlinear_etwfe, practice for the others. A logit, gamma or "
    "two-part model takes no patient effects.",
)
FAMILY = Option(
    "family",
    Literal[POISSON, LOGIT, GAMMA],
    POISSON,
    "Counts and costs by ratios, yes or no by log odds, or costs by a gamma model.",
)


def unit_of_term(term: str) -> str:
    """Return the unit of a term that is not in its outcome's: of ratios and shares; else ''."""
    if term.startswith("ratio"):
        return "ratio"
    return "proportion" if term == "att_any" else ""


def _no_patient_effects(analysis: Any) -> Iterable[str]:
    if analysis.effects == "patient":
        yield (
            f"{analysis.estimator} takes no patient effects: with few periods a patient they bias "
            "everything else (incidental parameters); use effects: practice, or poisson"
        )


def _kinds_of_family(analysis: Any) -> Iterable[str]:
    return {
        LOGIT: (BINARY,),
        GAMMA: (COUNT, COST),
        POISSON: (MEASURED, BINARY, COUNT, COST),
    }[analysis.family]


def _family(analysis: Any) -> Iterable[str]:
    return () if analysis.family == POISSON else _no_patient_effects(analysis)


RATIO = (
    "Parallel trends of ratios: without the programme the means of both arms would have changed by "
    "the same factor. Where arms differ in level this is not the additive assumption."
)
LOG_ODDS = (
    "Parallel trends of log odds: without the programme the odds in both arms would have changed "
    "by the same factor. It keeps probabilities between 0 and 1, which the additive one does not."
)

DECLARED = (
    Estimator(
        name="poisson",
        implementation="nonlinear:poisson",
        effects="person, period",
        default_inference=BY_RE_ESTIMATION,
        terms=(
            "att",
            "ratio",
            "att_additive",
            "att[s=l]",
            "ratio[s=l]",
            "difference[s=l-lowest]",
            "ratio_of_ratios[s=l-lowest]",
        ),
        summary=("att",),
        words="Poisson quasi-maximum likelihood for counts and costs: the mean is exposure times "
        "the exponential of a person effect, a period effect and τ D; nothing but the mean needs "
        "to hold. Reported are exp(τ), a ratio, and the difference that it makes to the treated on "
        "the natural scale, with the additive model’s beside it.",
        formula="E [ y_{it} ] = e_{it} exp ( α_{i} + λ_{t} + τ D_{it} )",
        references=(ref.WOOLDRIDGE_1999, ref.CORREIA_2020),
        options=(SUBGROUP, EFFECTS, ANTICIPATION),
        interacts=True,
        exposure=OFFSET,
        kinds=only_kinds(MEASURED, BINARY, COUNT, COST),
        assumes=RATIO,
    ),
    Estimator(
        name="logit",
        implementation="nonlinear:logit",
        effects="practice, period",
        default_inference=BY_RE_ESTIMATION,
        terms=(
            "att",
            "ratio",
            "att[s=l]",
            "ratio[s=l]",
            "difference[s=l-lowest]",
            "ratio_of_ratios[s=l-lowest]",
        ),
        summary=("att",),
        words="Logit with practice and period effects: the effect is the mean over treated "
        "person-periods of the fitted probability less the one without the programme, and their "
        "ratio. (The linear probability model is twfe on the same outcome.)",
        formula="Pr ( y_{it} = 1 ) = Λ ( α_{p} + λ_{t} + τ D_{it} )",
        references=(ref.PUHANI_2012,),
        options=(SUBGROUP, EFFECTS, ANTICIPATION),
        interacts=True,
        wrong=_no_patient_effects,
        exposure=REFUSED,
        kinds=only_kinds(BINARY),
        assumes=LOG_ODDS,
    ),
    Estimator(
        name="gamma_log",
        implementation="nonlinear:gamma_log",
        effects="practice, period",
        default_inference=BY_RE_ESTIMATION,
        terms=(
            "att",
            "ratio",
            "att[s=l]",
            "ratio[s=l]",
            "difference[s=l-lowest]",
            "ratio_of_ratios[s=l-lowest]",
        ),
        summary=("att",),
        words="Generalised linear model for costs with log link and gamma variance, practice and "
        "period effects: large costs weigh less than in a Poisson model.",
        formula="E [ y_{it} / e_{it} ] = exp ( α_{p} + λ_{t} + τ D_{it} )",
        references=(ref.BELOTTI_2015,),
        options=(SUBGROUP, EFFECTS, ANTICIPATION),
        interacts=True,
        wrong=_no_patient_effects,
        kinds=only_kinds(COUNT, COST),
        assumes=RATIO,
    ),
    Estimator(
        name="two_part",
        implementation="two_part:two_part",
        effects="practice, period",
        default_inference=BY_RE_ESTIMATION,
        terms=("att", "ratio", "att_any", "ratio_if_any", "att[s=l]", "difference[s=l-lowest]"),
        summary=("att",),
        words="Two-part model for costs: a logit of any cost and a gamma model with log link of "
        "how much where there is any, both with practice and period effects; the effect is the "
        "mean over treated person-periods of their product less the same without the programme.",
        formula="E [ y_{it} ] = Λ ( α_{p} + λ_{t} + τ D_{it} ) exp ( a_{p} + l_{t} + t D_{it} )",
        references=(ref.BELOTTI_2015, ref.PUHANI_2012),
        options=(SUBGROUP, EFFECTS, ANTICIPATION),
        interacts=True,
        wrong=_no_patient_effects,
        kinds=only_kinds(COUNT, COST),
        assumes="Parallel trends of its parts: without the programme the odds of any cost, and "
        "the mean cost of those with any, would have changed by the same factors in both arms.",
    ),
    Estimator(
        name="nonlinear_etwfe",
        implementation="nonlinear:nonlinear_etwfe",
        effects="start, period",
        default_inference=BY_RE_ESTIMATION,
        terms=(
            "att",
            "ratio",
            "event[e]",
            "event[overall]",
            "group[g]",
            "calendar[t]",
            "att_gt[g,t]",
        ),
        summary=("att", "event[overall]"),
        words="Wooldridge’s extended estimator for nonlinear models: one coefficient for each "
        "start and period in a Poisson, logit or gamma model with start and period effects; each "
        "effect is the mean over treated person-periods of the fitted mean less the one without "
        "the programme.",
        formula="E [ y_{it} ] = e_{it} exp ( α_{g} + λ_{t} + Σ_{g,s} τ_{gs} D_{it}^{gs} )",
        references=(ref.WOOLDRIDGE_2023,),
        options=(EFFECTS, FAMILY, PARTIAL),
        wrong=_family,
        told="{family} model",
        kinds=_kinds_of_family,
        exposure=OFFSET,
        assumes="Parallel trends on the scale of the family, for every start: of ratios (poisson, "
        "gamma) or of log odds (logit).",
    ),
)
