"""Estimators and inference methods in words, with formula (MathML) and reference. A new method adds
an entry here."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """What a method does, in one or two sentences; its formula in plain text and as MathML."""

    words: str
    references: tuple[str, ...] = ()
    text: str = ""
    mathml: str = ""


def mathml(source: str) -> str:
    """Return presentation MathML of a one-line formula: `_{}`/`^{}` scripts, `\\hat{}`, letters,
    numbers, operators.

    Only as much of the notation as the formulas here need: tokens are separated by blanks.
    """
    return f'<math display="block"><mrow>{"".join(_token(t) for t in source.split())}</mrow></math>'


def _token(token: str) -> str:
    found = re.fullmatch(r"([^_^]+)(?:_\{([^}]*)\})?(?:\^\{([^}]*)\})?", token)
    if not found:
        return f"<mo>{token}</mo>"
    base, sub, sup = found.groups()
    shown = _base(base)
    lower, upper = (
        f"<mrow>{_scripted(part)}</mrow>" if part is not None else "" for part in (sub, sup)
    )
    if sub is not None and sup is not None:
        return f"<msubsup>{shown}{lower}{upper}</msubsup>"
    if sub is not None:
        return f"<msub>{shown}{lower}</msub>"
    if sup is not None:
        return f"<msup>{shown}{upper}</msup>"
    return shown


def _base(base: str) -> str:
    if base.startswith("hat:"):
        return f"<mover><mi>{base[4:]}</mi><mo>^</mo></mover>"
    if base.startswith("bar:"):
        return f"<mover><mi>{base[4:]}</mi><mo>¯</mo></mover>"
    if re.fullmatch(r"[\d.]+", base):
        return f"<mn>{base}</mn>"
    if re.fullmatch(r"[a-z]{2}", base):  # two indices, not one word
        return "".join(f"<mi>{letter}</mi>" for letter in base)
    if re.fullmatch(r"\w+", base):
        return f"<mi>{base}</mi>"
    return f"<mo>{base}</mo>"


def _scripted(part: str) -> str:
    return "".join(_base(piece) for piece in re.findall(r"\w+|[^\w\s]", part))


def _method(words: str, references: tuple[str, ...] = (), formula: str = "") -> Method:
    text = re.sub(r"[{}]", "", formula).replace("hat:", "").replace("bar:", "mean ")
    return Method(words, references, text, mathml(formula) if formula else "")


ESTIMATORS: dict[str, Method] = {
    "did_2x2": _method(
        "Two by two means: the change of the mean from before to after in programme practices, "
        "minus the same in comparison "
        "practices; beside it the estimate adjusted for the mean before.",
        ("ding2019",),
        "hat:τ = ( bar:y_{1,after} − bar:y_{1,before} ) − ( bar:y_{0,after} − bar:y_{0,before} )",
    ),
    "twfe": _method(
        "Two-way fixed effects: least squares of the outcome of person i in period t on a person "
        "effect, a period effect and "
        "D, which is 1 from the practice’s first period with the programme on; τ is reported.",
        (),
        "y_{it} = α_{i} + λ_{t} + τ D_{it} + ε_{it}",
    ),
    "event_study": _method(
        "Event study: two-way fixed effects with one coefficient for each period before and since "
        "the start, e = t − g, "
        "relative to the reference period.",
        (),
        "y_{it} = α_{i} + λ_{t} + Σ_{e≠r} τ_{e} D_{it}^{e} + ε_{it}",
    ),
    "callaway_santanna": _method(
        "Callaway and Sant’Anna: for each start g and period t the change since the period before "
        "the start, minus the same in "
        "comparison practices, then averaged.",
        ("callaway2021", "santanna2020"),
        "ATT(g,t) = E [ y_{t} − y_{g−1} | G = g ] − E [ y_{t} − y_{g−1} | C = 1 ]",
    ),
    "sun_abraham": _method(
        "Sun and Abraham: an event study for each start, averaged by the share of people of each "
        "start.",
        ("sun2021",),
        "hat:τ_{e} = Σ_{g} hat:τ_{g,e} Pr ( G = g | e )",
    ),
    "imputation": _method(
        "Imputation: person and period effects from untreated observations only; the estimate is "
        "the mean of what treated "
        "observations exceed them by.",
        ("borusyak2024",),
        "hat:τ = mean ( y_{it} − hat:α_{i} − hat:λ_{t} )",
    ),
    "etwfe": _method(
        "Extended two-way fixed effects: one coefficient for each start and period, averaged over "
        "treated observations.",
        ("wooldridge2021",),
        "y_{it} = α_{i} + λ_{t} + Σ_{g,s} τ_{gs} D_{it}^{gs} + ε_{it}",
    ),
    "dose": _method(
        "Effect among those who took the programme up: two-stage least squares, availability being "
        "the instrument for uptake.",
        (),
        "hat:τ = hat:τ_{outcome} / hat:τ_{uptake}",
    ),
}

INFERENCES: dict[str, Method] = {
    "cr0": _method(
        "squared practice sums of influence, no small-sample factor; t with practices minus one "
        "degrees of freedom."
    ),
    "cr1": _method(
        "squared practice sums of influence times G/(G − 1) × (N − 1)/(N − K), t with G − 1 "
        "degrees of freedom (G practices, N observations, K period "
        "effects and coefficients).",
        ("cgm2008",),
        "hat:V = c ( X^{⊤} X )^{−1} ( Σ_{g} X_{g}^{⊤} e_{g} e_{g}^{⊤} X_{g} ) ( X^{⊤} X )^{−1}",
    ),
    "cr2": _method(
        "residuals of each practice adjusted so that the variance is unbiased under a working "
        "model, with Satterthwaite degrees "
        "of freedom.",
        ("bell2002", "pustejovsky2018"),
        "hat:V = ( X^{⊤} X )^{−1} ( Σ_{g} X_{g}^{⊤} A_{g} e_{g} e_{g}^{⊤} A_{g} X_{g} ) ( X^{⊤} X "
        ")^{−1}",
    ),
    "cr3": _method(
        "the sum of squared changes when each practice is left out, with Satterthwaite degrees of "
        "freedom.",
        ("bell2002",),
    ),
    "jackknife": _method(
        "every practice left out in turn; t with G − 1 degrees of freedom.",
        ("mackinnon2023",),
        "hat:V = G−1 / G Σ_{g} ( hat:τ_{−g} − hat:τ )^{2}",
    ),
    "wild_bootstrap": _method(
        "with the null imposed: residuals under no effect are given random signs practice by "
        "practice; the interval "
        "holds the values that the test does not reject.",
        ("cgm2008", "webb2023", "mackinnon2018"),
    ),
    "multiplier_bootstrap": _method(
        "practice sums of influence times random weights; simultaneous bands hold for all terms "
        "together.",
        ("callaway2021",),
    ),
    "randomisation": _method(
        "start dates permuted over practices, studentised. It presumes that practices are "
        "exchangeable; allocation was not at "
        "random, so it is a description.",
        ("mackinnon2018",),
    ),
    "unit": _method(
        "ignores that people share practices; for comparison with other software only."
    ),
}

REFERENCES = {
    "bell2002": "Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression "
    "with multi-stage samples. Survey Methodology 2002;28:169–181.",
    "borusyak2024": "Borusyak K, Jaravel X, Spiess J. Revisiting event-study designs. Review of "
    "Economic Studies 2024;91:3253–3285.",
    "callaway2021": "Callaway B, Sant’Anna PHC. Difference-in-differences with multiple time "
    "periods. Journal of Econometrics 2021;225:200–230.",
    "cgm2008": "Cameron AC, Gelbach JB, Miller DL. Bootstrap-based improvements for inference with "
    "clustered errors. Review of Economics and Statistics 2008;90:414–427.",
    "ding2019": "Ding P, Li F. A bracketing relationship between difference-in-differences and "
    "lagged-dependent-variable adjustment. Political Analysis 2019;27:605–615.",
    "farmer2006": "Farmer T, Robinson K, Elliott SJ, Eyles J. Developing and implementing a "
    "triangulation protocol. Qualitative Health Research 2006;16:377–394.",
    "gramms": "O’Cathain A, Murphy E, Nicholl J. The quality of mixed methods studies in health "
    "services research (GRAMMS). Journal of Health Services Research & Policy 2008;13:92–98.",
    "mackinnon2018": "MacKinnon JG, Webb MD. The wild bootstrap for few (treated) clusters. "
    "Econometrics Journal 2018;21:114–135.",
    "mackinnon2023": "MacKinnon JG, Nielsen MØ, Webb MD. Fast and reliable jackknife and bootstrap "
    "methods for cluster-robust inference. Journal of Applied Econometrics 2023;38:671–694.",
    "ocathain2010": "O’Cathain A, Murphy E, Nicholl J. Three techniques for integrating data in "
    "mixed methods studies. BMJ 2010;341:c4587.",
    "pustejovsky2018": "Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance "
    "estimation in fixed effects models. Journal of Business & Economic Statistics "
    "2018;36:672–683.",
    "record": "Benchimol EI, et al. The REporting of studies Conducted using Observational "
    "Routinely-collected health Data (RECORD) statement. PLoS Medicine 2015;12:e1001885.",
    "roth2022": "Roth J. Pretest with caution: event-study estimates after testing for parallel "
    "trends. American Economic Review: Insights 2022;4:305–322.",
    "santanna2020": "Sant’Anna PHC, Zhao J. Doubly robust difference-in-differences estimators. "
    "Journal of Econometrics 2020;219:101–122.",
    "sun2021": "Sun L, Abraham S. Estimating dynamic treatment effects in event studies with "
    "heterogeneous treatment effects. Journal of Econometrics 2021;225:175–199.",
    "webb2023": "Webb MD. Reworking wild bootstrap-based inference for clustered errors. Canadian "
    "Journal of Economics 2023;56:839–858.",
    "wooldridge2021": "Wooldridge JM. Two-way fixed effects, the two-way Mundlak regression, and "
    "difference-in-differences estimators. SSRN 3906345, 2021.",
}
