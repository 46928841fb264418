"""What is declared of an estimator, of an inference method, and of the options that they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

# What an estimator may give beside estimates and practice influence, and inference may need.
LEAST_SQUARES = "least squares"  # per-practice sufficient statistics
UNIT_ERRORS = "unit errors"  # unclustered analytic covariance
REASSIGNMENT = "reassignment"  # statistics of every practice under every start date
IMPUTATIONS = "imputations"  # estimates of completed panels
PLACEBO = "placebo"  # estimates with untreated practices in the place of the treated ones

# What an estimator makes of person-time.
ANNUALISED = "annualised"  # outcome a unit of exposure, weighted by exposure
OFFSET = "offset"
REFUSED = "refused"

ADDITIVE = (
    "Parallel trends of means: without the programme both arms would have changed by the same "
    "amount."
)

SYNTHETIC = (
    "Without the programme, programme practices would have gone on moving in parallel with the "
    "weighted comparison practices, as in the weighted periods before: outcomes follow practice "
    "and period effects and a few factors that the weights balance. The unweighted arms need not "
    "be parallel."
)
TRIPLE = (
    "Of triple: without the programme the difference between the arms' changes would have been "
    "the same among the affected as among the unaffected (population or outcome); neither need "
    "have parallel trends. Of the terms of one population or outcome: "
)


def _nothing_wrong(analysis: Any) -> Iterable[str]:
    return ()


def _any_kind(analysis: Any) -> Iterable[str]:
    return ()


def only_kinds(*names: str) -> Callable[[Any], Iterable[str]]:
    """Return what an estimator says that is for outcomes of these kinds, whatever its options."""
    return lambda analysis: names


@dataclass(frozen=True)
class Option:
    """A key of an analysis that some methods take.

    Attributes:
        kind: its type, as the study file checks it.
        at_least: the smallest value that is allowed.
        column: its value names a numeric column of the panel that the estimator needs.
        shared: diagnostics and bands use it too, so that it may be set for any method.
    """

    name: str
    kind: Any
    default: Any
    meaning: str
    at_least: float | None = None
    column: bool = False
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Method:
    """What estimators and inference methods have in common.

    Attributes:
        implementation: `module:function`, in `evalweave.estimators` or `evalweave.inference`.
        words: what it does, in one or two sentences for the report.
        formula: in the notation of `report.formulas`; blank = none is printed.
        references: where it was published, as printed.
        options: what it takes beside what every analysis has.
        rests_on_allocation: how it is called where people were selected and it says nothing of
            them; blank = it may be asked.
    """

    name: str
    implementation: str
    words: str
    formula: str = ""
    references: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    rests_on_allocation: str = ""


@dataclass(frozen=True, kw_only=True)
class Estimator(Method):
    """An estimator; its implementation gives the `Fit` of a `PanelData` and an analysis.

    Attributes:
        terms: the terms it estimates, as patterns.
        summary: the terms that stand for the whole analysis, best first; `{option}` is filled in.
        gives: of LEAST_SQUARES, UNIT_ERRORS, REASSIGNMENT, IMPUTATIONS and PLACEBO.
        only: the inference methods that mean something for it; blank = all whose needs it gives.
        diagnostics: names of `diagnostics.attach.BY_NAME` that apply to it.
        role: where the report shows it when the study file does not say; blank = by its outcome.
        told: what the report says of its options; `{option}` is filled in.
        wrong: gives a sentence for each thing that is wrong with an analysis of it.
        default_inference: what `auto` stands for: each term has the first of these that answers it;
            the last one is for more practices than can be left out one by one.
        blank_outcomes: rows without an outcome are person-periods without a measurement, and it
            needs them: what it makes up for them by; blank = it does not need them.
        exposure: ANNUALISED, OFFSET or REFUSED.
        assumes: what would have been parallel without the programme, in words.
        planted: the entry of a simulation's truth that its `att` averages to; blank = the effect.
        interacts: it has a model of its own for the levels of a subgroup; others are stacked.
        kinds: gives the kinds of outcome that an analysis of it is for; nothing = all.
        effects: the fixed effects in it, as a journal's table names them, or that it has none.
    """

    terms: tuple[str, ...]
    summary: tuple[str, ...]
    gives: frozenset[str] = frozenset()
    only: tuple[str, ...] = ()
    diagnostics: tuple[str, ...] = ()
    role: str = ""
    told: str = ""
    wrong: Callable[[Any], Iterable[str]] = _nothing_wrong
    default_inference: tuple[str, ...] = ()
    planted: str = ""
    exposure: str = ANNUALISED
    blank_outcomes: str = ""
    assumes: str = ADDITIVE
    interacts: bool = False
    kinds: Callable[[Any], Iterable[str]] = _any_kind
    effects: str


@dataclass(frozen=True, kw_only=True)
class Inference(Method):
    """An inference method; its implementation gives the `Intervals` of a `Fit` and an analysis.

    Its `words` follow the phrase and a colon.

    Attributes:
        phrase: its name within a sentence.   label: its name in a figure.
        needs: what an estimator must give for it; blank = nothing beside influence.
        refuses: the sentence for an estimator that does not, after the method's name;
            `{estimator}` and `{estimators}` (those that do) are filled in.
        clustered: it takes practices as the unit, so that two are the fewest.
        draws: it draws at random, so that draws and seed are printed.
        alone: what its interval is where one practice alone is treated, as a clause; blank = far
            too narrow.
        band: "widened" to a simultaneous band when `bands` asks for one, "own", or blank for none.
    """

    phrase: str
    label: str
    needs: str = ""
    refuses: str = ""
    clustered: bool = True
    draws: bool = False
    alone: str = ""
    band: str = ""
