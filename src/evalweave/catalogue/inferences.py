"""Every inference method. To add one: write its file in `evalweave/inference/`, add its entry
here."""

from __future__ import annotations

from typing import Literal

from evalweave.catalogue import references as ref
from evalweave.catalogue.methods import (
    IMPUTATIONS,
    LEAST_SQUARES,
    PLACEBO,
    REASSIGNMENT,
    UNIT_ERRORS,
    Inference,
    Option,
)

DRAWS = Option(
    "draws", int, 9999, "Draws of bootstraps and randomisation.", at_least=99, shared=True
)
SEED = Option("seed", int, 1, "Seed of the draws.", at_least=0, shared=True)
WEIGHTS = Option(
    "bootstrap_weights",
    Literal["auto", "rademacher", "webb", "mammen"],
    "auto",
    "Weights of the wild bootstrap; auto = Webb below 12 practices, else Rademacher.",
    shared=True,
)
BANDS = Option(
    "bands",
    Literal["pointwise", "simultaneous"],
    "pointwise",
    "Intervals of each term alone, or a band for all (sup-t).",
    shared=True,
)
_ONLY_LEAST_SQUARES = (
    "needs a least-squares estimator ({estimators}) and does not apply to {estimator}"
)

_DECLARED = (
    Inference(
        name="cr0",
        implementation="clustered:cr0",
        phrase="practice-clustered errors without a small-sample factor (CR0)",
        label="CR0",
        words="squared practice sums of influence, no small-sample factor; t with practices minus "
        "one degrees of freedom.",
        options=(BANDS,),
        band="widened",
    ),
    Inference(
        name="cr1",
        implementation="clustered:cr1",
        phrase="practice-clustered errors (CR1)",
        label="CR1",
        words="squared practice sums of influence times G/(G − 1) × (N − 1)/(N − K), t with G − 1 "
        "degrees of freedom (G practices, N observations, K period effects and coefficients).",
        formula="hat:V = c ( X^{⊤} X )^{−1} ( Σ_{g} X_{g}^{⊤} e_{g} e_{g}^{⊤} X_{g} ) ( X^{⊤} X "
        ")^{−1}",
        references=(ref.CAMERON_GELBACH_MILLER_2008,),
        options=(BANDS,),
        band="widened",
    ),
    Inference(
        name="cr2",
        implementation="clustered:cr2",
        phrase="bias-reduced practice-clustered errors (CR2)",
        label="CR2, bias-reduced",
        words="residuals of each practice adjusted so that the variance is unbiased under a "
        "working model, with Satterthwaite degrees of freedom.",
        formula="hat:V = ( X^{⊤} X )^{−1} ( Σ_{g} X_{g}^{⊤} A_{g} e_{g} e_{g}^{⊤} A_{g} X_{g} ) ( "
        "X^{⊤} X )^{−1}",
        references=(ref.BELL_MCCAFFREY_2002, ref.PUSTEJOVSKY_TIPTON_2018),
        options=(BANDS,),
        needs=LEAST_SQUARES,
        refuses=_ONLY_LEAST_SQUARES,
        band="widened",
    ),
    Inference(
        name="cr3",
        implementation="clustered:cr3",
        phrase="jackknife-type practice-clustered errors (CR3)",
        label="CR3",
        words="the sum of squared changes when each practice is left out, with Satterthwaite "
        "degrees of freedom.",
        references=(ref.BELL_MCCAFFREY_2002,),
        options=(BANDS,),
        needs=LEAST_SQUARES,
        refuses=_ONLY_LEAST_SQUARES,
        band="widened",
    ),
    Inference(
        name="jackknife",
        implementation="jackknife:jackknife",
        phrase="leave-one-practice-out jackknife",
        label="Jackknife over practices",
        words="every practice left out in turn; t with G − 1 degrees of freedom.",
        formula="hat:V = G−1 / G Σ_{g} ( hat:τ_{−g} − hat:τ )^{2}",
        references=(ref.MACKINNON_NIELSEN_WEBB_2023,),
        options=(BANDS,),
        band="widened",
    ),
    Inference(
        name="hansen",
        alone="Hansen's jackknife counts all that this practice alone informs as error: its "
        "interval is wide and holds zero whatever the data are",
        implementation="hansen:hansen",
        phrase="Hansen’s jackknife errors (V5)",
        label="Hansen’s jackknife (V5)",
        words="the sum of squared changes when each practice is left out, where what only one "
        "practice informs counts as nothing without it: never too narrow on average, and for a "
        "term that one practice carries it holds zero whatever the data are.",
        references=(ref.HANSEN_2025,),
        options=(BANDS,),
        band="widened",
    ),
    Inference(
        name="rubin",
        implementation="rubin:rubin",
        phrase="Rubin’s rules over practice jackknife errors",
        label="Rubin’s rules (jackknife)",
        words="the mean of the jackknife variances of the completed panels plus the variance "
        "between them, t with Barnard and Rubin’s degrees of freedom for few practices.",
        references=(ref.BARNARD_1999,),
        needs=IMPUTATIONS,
        refuses="joins imputed panels, and {estimator} imputes nothing ({estimators} does)",
    ),
    Inference(
        name="unit",
        implementation="unclustered:unit",
        phrase="errors that ignore practices",
        label="Ignoring practices",
        words="ignores that people share practices; for comparison with other software only.",
        needs=UNIT_ERRORS,
        refuses="(unclustered errors) is not available for {estimator}",
        clustered=False,
    ),
    Inference(
        name="wild_bootstrap",
        alone="The wild bootstrap hardly ever rejects here (MacKinnon & Webb 2017)",
        implementation="wild_bootstrap:wild_bootstrap",
        phrase="wild cluster bootstrap",
        label="Wild bootstrap",
        words="with the null imposed: residuals under no effect are given random signs practice "
        "by practice; the interval holds the values that the test does not reject.",
        references=(ref.CAMERON_GELBACH_MILLER_2008, ref.WEBB_2023, ref.MACKINNON_WEBB_2018),
        options=(DRAWS, SEED, WEIGHTS),
        needs=LEAST_SQUARES,
        refuses=_ONLY_LEAST_SQUARES,
        draws=True,
    ),
    Inference(
        name="wild_bootstrap_s",
        implementation="wild_bootstrap:wild_bootstrap_s",
        phrase="jackknife-based wild cluster bootstrap (WCR-S)",
        label="Wild bootstrap (WCR-S)",
        words="the wild cluster bootstrap with each practice’s residuals taken from the fit to the "
        "others, so that a practice of high leverage does not hide its own shock.",
        references=(ref.MACKINNON_NIELSEN_WEBB_2023,),
        options=(DRAWS, SEED, WEIGHTS),
        needs=LEAST_SQUARES,
        refuses=_ONLY_LEAST_SQUARES,
        draws=True,
    ),
    Inference(
        name="multiplier_bootstrap",
        implementation="multiplier_bootstrap:intervals",
        phrase="multiplier bootstrap over practices",
        label="Multiplier bootstrap",
        words="practice sums of influence times random weights; simultaneous bands hold for all "
        "terms together.",
        references=(ref.CALLAWAY_SANTANNA_2021,),
        options=(DRAWS, SEED, BANDS),
        draws=True,
        band="own",
    ),
    Inference(
        name="randomisation",
        alone="Permutations ask how unusual it is among all practices",
        implementation="randomisation:randomisation",
        phrase="randomisation inference",
        label="Randomisation",
        words="start dates permuted over practices, studentised. It presumes that practices are "
        "exchangeable; allocation was not at random, so it is a description.",
        references=(ref.MACKINNON_WEBB_2018,),
        options=(DRAWS, SEED),
        needs=REASSIGNMENT,
        refuses="is available for {estimators}, not for {estimator}",
        draws=True,
        rests_on_allocation="randomisation, which permutes practices",
    ),
    Inference(
        name="placebo",
        implementation="placebo:placebo",
        phrase="placebo errors from untreated practices",
        label="Placebo",
        words="untreated practices are given the start dates of the treated ones; the spread of "
        "what is then estimated is the error, t with untreated practices minus one degrees of "
        "freedom. It presumes that treated practices vary as untreated ones do.",
        formula="hat:V = mean_{b} ( hat:τ_{b} − bar:τ )^{2}",
        references=(ref.ARKHANGELSKY_2021,),
        options=(DRAWS, SEED),
        needs=PLACEBO,
        refuses="needs an estimator that can give untreated practices the start dates "
        "({estimators}) and does not apply to {estimator}",
        draws=True,
    ),
    # A new inference method: its entry goes above this line.
)
INFERENCES = {declared.name: declared for declared in _DECLARED}
# Their intervals are too narrow with few practices (coverage tables of docs/statistics).
NARROW = ("cr0", "cr1", "unit", "multiplier_bootstrap")
AUTO = "auto"  # the estimator's own `default_inference`; rows name the method really used
DEFAULT = AUTO  # where an analysis names no inference


def holds_with_few(name: str) -> bool:
    """Return whether an inference method, or one that an estimator brings, is made for few
    practices."""
    return name not in NARROW
