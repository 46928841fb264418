"""What is estimated: the keys of an analysis, shared by `fit` and the study file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from evalweave.study.outcomes import Outcome
from evalweave.study.people import Comparison
from evalweave.study.section import Name, Section

ESTIMATORS = (
    "did_2x2",
    "twfe",
    "event_study",
    "callaway_santanna",
    "sun_abraham",
    "imputation",
    "etwfe",
    "dose",
)
INFERENCES = (
    "cr0",
    "cr1",
    "cr2",
    "cr3",
    "jackknife",
    "unit",
    "wild_bootstrap",
    "multiplier_bootstrap",
    "randomisation",
)
Estimator = Literal[
    "did_2x2",
    "twfe",
    "event_study",
    "callaway_santanna",
    "sun_abraham",
    "imputation",
    "etwfe",
    "dose",
]
Inference = Literal[
    "cr0",
    "cr1",
    "cr2",
    "cr3",
    "jackknife",
    "unit",
    "wild_bootstrap",
    "multiplier_bootstrap",
    "randomisation",
]


class AnalysisOptions(Section):
    """What `fit` knows of an analysis; the study file adds outcome and comparison."""

    name: Name = Field(description="Unique name of the analysis.")
    estimator: Estimator = Field(description=f"One of {', '.join(ESTIMATORS)}.")
    engine: Literal["evalweave", "linearmodels"] = Field(
        "evalweave",
        description="Who solves the least squares of twfe; linearmodels is the cross-check.",
    )
    inference: list[Inference] = Field(
        ["cr1"], min_length=1, description=f"Any of {', '.join(INFERENCES)}."
    )
    draws: int = Field(9999, ge=99, description="Draws of bootstraps and randomisation.")
    seed: int = Field(1, ge=0, description="Seed of the draws.")
    level: float = Field(0.95, gt=0.5, lt=1, description="Level of the intervals.")
    bootstrap_weights: Literal["auto", "rademacher", "webb", "mammen"] = Field(
        "auto",
        description="Weights of the wild bootstrap; auto = Webb below 12 practices, else "
        "Rademacher.",
    )
    subgroup: str | None = Field(
        None, description="Column whose levels are compared in one joint model."
    )
    covariates: list[str] = Field(
        [],
        description="Columns to adjust for; in a study also `baseline_<outcome>`, of any outcome "
        "that is declared "
        "(declare BMI as an outcome without an analysis of its own to adjust for it).",
    )
    reference: int = Field(-1, description="Event time to which an event study refers.")
    bins: tuple[int, int] | None = Field(
        None, description="First and last event time; farther ones are binned into them."
    )
    method: Literal["reg", "ipw", "dr"] = Field(
        "dr", description="Callaway–Sant'Anna: how covariates enter."
    )
    control: Literal["never_treated", "not_yet_treated"] = Field(
        "never_treated", description="Callaway–Sant'Anna: the comparison patients of each 2×2."
    )
    base: Literal["varying", "universal"] = Field(
        "varying", description="Callaway–Sant'Anna: the base period before treatment."
    )
    unbalanced: Literal["pairwise", "balanced", "repeated_cross_section"] = Field(
        "pairwise",
        description="Callaway–Sant'Anna: who counts when patients are not seen in every period.",
    )
    anticipation: int = Field(
        0, ge=0, description="Periods before the start in which effects may show."
    )
    aggregate: list[Literal["simple", "group", "dynamic", "calendar"]] = Field(
        ["simple", "group", "dynamic", "calendar"],
        description="Callaway–Sant'Anna: which averages.",
    )
    balance: int | None = Field(
        None,
        ge=0,
        description="Callaway–Sant'Anna dynamic: only cohorts seen this many periods after "
        "starting.",
    )
    bands: Literal["pointwise", "simultaneous"] = Field(
        "pointwise", description="Intervals of each term alone, or a band for all (sup-t)."
    )
    collapse: Literal["none", "practice"] = Field(
        "none", description="did_2x2: one mean change a practice."
    )
    uptake: str | None = Field(
        None, description="dose: column with the uptake (1 = referred or engaged)."
    )
    uptake_complete: bool = Field(
        False,
        description="dose: declare that the source of uptake is complete; it is refused otherwise.",
    )
    diagnostics: bool = Field(
        True, description="Compute the diagnostics that apply to the estimator."
    )

    @field_validator("inference")
    @classmethod
    def _no_repeats(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("each inference method once")
        return value

    @model_validator(mode="after")
    def _bins_around_reference(self) -> Self:
        if self.bins is not None and not self.bins[0] < self.reference < self.bins[1]:
            raise ValueError(
                f"bins {list(self.bins)} must lie around the reference {self.reference}"
            )
        return self


class Analysis(AnalysisOptions):
    label: str = Field("", description="What it asks, in words.")
    outcome: str = Field(description="An outcome of the study file.")
    comparison: str | None = Field(
        None, description="A comparison of the study file; blank = the primary one."
    )
    primary: bool = Field(
        False, description="The main result; its first inference method is the primary one."
    )
    role: Literal["main", "event_study", "subgroup", "placebo", "sensitivity"] | None = Field(
        None,
        description="Where the report shows it; guessed from estimator, subgroup and outcome when "
        "blank.",
    )


def descriptive(analyses: list[Analysis], comparisons: dict[str, Comparison]) -> set[str]:
    """Return the analyses that compare people who were selected: they describe, and no claim may
    rest on them."""
    return {
        each.name
        for each in analyses
        if each.comparison in comparisons and comparisons[each.comparison].kind == "not_referred"
    }  # the primary comparison is never of that kind


def role_of(analysis: Analysis, outcomes: dict[str, Outcome]) -> str:
    """Return where the report shows an analysis: main, event_study, subgroup, placebo or
    sensitivity."""
    if analysis.role:
        return analysis.role
    if outcomes[analysis.outcome].placebo:
        return "placebo"
    if analysis.subgroup:
        return "subgroup"
    if analysis.estimator in ("event_study", "sun_abraham"):
        return "event_study"
    return "main" if analysis.primary else "sensitivity"


class Columns(Section):
    """Which column of a panel is what."""

    unit: str = Field("patient_id", description="The unit (patient).")
    period: str = Field("period", description="Period, as consecutive integers.")
    cluster: str | None = Field(
        "practice_id", description="Unit of assignment (practice); null = the unit itself."
    )
    outcome: str = Field(description="The outcome.")
    first_treated: str = Field(
        "first_treated", description="First treated period; blank (or 0, inf) = never."
    )
    weight: str | None = Field(None, description="Non-negative weight; null = 1.")

    def who(self) -> list[str]:
        """Return the columns that say who a unit is: unit, cluster and first_treated."""
        return [name for name in (self.unit, self.cluster, self.first_treated) if name]


class FitSpec(Section):
    """The SPEC of `evalweave fit`."""

    columns: Columns
    analyses: list[AnalysisOptions] = Field(min_length=1, description="The analyses.")

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        names = [analysis.name for analysis in self.analyses]
        again = sorted({name for name in names if names.count(name) > 1})
        if again:
            raise ValueError(f"analyses: the name {', '.join(again)} stands twice")
        return self
