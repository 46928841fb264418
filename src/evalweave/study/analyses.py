"""What is estimated: the keys of an analysis, shared by `fit` and the study file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, create_model, field_validator, model_validator

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import AUTO, DEFAULT, INFERENCES
from evalweave.catalogue.kinds import COUNTED, KINDS
from evalweave.catalogue.methods import Option
from evalweave.study import conditions
from evalweave.study.allocation import Allocation
from evalweave.study.outcomes import Outcome
from evalweave.study.people import Comparison
from evalweave.study.section import Name, Section

# Where the report shows an analysis; secondary: an outcome beside the main one.
ROLES = ("main", "event_study", "subgroup", "placebo", "secondary", "sensitivity")

if TYPE_CHECKING:
    EstimatorName = str
    InferenceName = str
    RoleName = str
    KindName = str
else:
    EstimatorName = Literal[tuple(ESTIMATORS)]
    InferenceName = Literal[(AUTO, *INFERENCES)]
    RoleName = Literal[ROLES]
    KindName = Literal[tuple(KINDS)]


class _Common(Section):
    """The keys that every analysis has."""

    name: Name = Field(description="Unique name of the analysis.")
    estimator: EstimatorName = Field(description=f"One of {', '.join(ESTIMATORS)}.")
    inference: list[InferenceName] = Field(
        [DEFAULT],
        min_length=1,
        description=f"Any of {', '.join(INFERENCES)}; `{AUTO}` is the estimator's own default: "
        "jackknife-type errors with degrees of freedom from the design.",
    )
    level: float = Field(0.95, gt=0.5, lt=1, description="Level of the intervals.")
    covariates: list[str] = Field(
        [],
        description="Columns to adjust for; in a study also `baseline_<outcome>`, of any outcome "
        "that is declared "
        "(declare BMI as an outcome without an analysis of its own to adjust for it).",
    )
    unknown_covariates: Literal["category", "drop"] = Field(
        "category",
        description="What becomes of rows with a blank covariate: unknown is a category of its "
        "own, or they are left out and counted by arm.",
    )
    factors: list[str] = Field(
        [],
        description="Covariates that are categories although they are written as numbers (text "
        "always is).",
    )
    where: str | None = Field(
        None,
        description="The rows that the analysis is of: a condition on columns, such as "
        "`age >= 40 and sex == 'F'`; the others are counted.",
    )
    diagnostics: bool = Field(
        True, description="Compute the diagnostics that apply to the estimator."
    )


def _field(option: Option) -> Any:
    owners = "" if option.shared else f"{', '.join(calls.users(option))}: "
    text = f"{owners}{option.meaning}"
    return (option.kind, Field(option.default, ge=option.at_least, description=text))


if TYPE_CHECKING:

    class _Declared(_Common):
        def __getattr__(self, name: str) -> Any: ...  # the options that methods declare

else:
    _Declared = create_model(
        "_Declared",
        __base__=_Common,
        **{name: _field(option) for name, option in calls.options().items()},
    )


def _readable(where: str | None) -> str | None:
    """Return a condition as it is; raise `ValueError` where it is none."""
    if where is not None:
        conditions.parse(where)
    return where


class AnalysisOptions(_Declared):
    """What `fit` knows of an analysis; the study file adds outcome and comparison."""

    @field_validator("inference")
    @classmethod
    def _no_repeats(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("each inference method once")
        return value

    @field_validator("where")
    @classmethod
    def _condition(cls, value: str | None) -> str | None:
        return _readable(value)

    @model_validator(mode="after")
    def _factors_are_covariates(self) -> Self:
        lost = [name for name in self.factors if name not in self.covariates]
        if lost:
            raise ValueError(f"factors: {', '.join(lost)} must stand among the covariates too")
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
    role: RoleName | None = Field(
        None,
        description=f"Where the report shows it ({', '.join(ROLES)}); guessed from estimator, "
        "subgroup and outcome when blank.",
    )


def descriptive(analyses: list[Analysis], comparisons: dict[str, Comparison]) -> set[str]:
    """Return the analyses that compare people who were selected: they describe, and no claim may
    rest on them."""
    return {
        each.name
        for each in analyses
        if each.comparison in comparisons and comparisons[each.comparison].kind == "not_referred"
    }  # the primary comparison is never of that kind


def role_of(analysis: Analysis, outcomes: dict[str, Outcome], main: str) -> str:
    """Return where the report shows an analysis, one of `ROLES`; `main` is the main outcome."""
    if analysis.role:
        return analysis.role
    if outcomes[analysis.outcome].placebo:
        return "placebo"
    if analysis.subgroup:
        return "subgroup"
    if analysis.outcome != main:
        return "secondary"
    return ESTIMATORS[analysis.estimator].role or "sensitivity"


class Columns(Section):
    """Which column of a panel is what."""

    unit: str | None = Field(
        "patient_id",
        description="The unit (patient); null = every row is another person (repeated "
        "cross-sections), with an effect for each cluster.",
    )
    period: str = Field("period", description="Period, as consecutive integers.")
    cluster: str | None = Field(
        "practice_id", description="Unit of assignment (practice); null = the unit itself."
    )
    outcome: str = Field(description="The outcome; a list = several, each analysed alike.")
    outcomes: list[str] = Field([], description="Several outcomes, where `outcome` is a list.")
    first_treated: str = Field(
        "first_treated", description="First treated period; blank (or 0, inf) = never."
    )
    treated: str | None = Field(
        None,
        description="Instead of first_treated: a column that is 1 in treated rows and 0 elsewhere; "
        "it must stay 1 once it is.",
    )
    weight: str | None = Field(None, description="Non-negative weight; null = 1.")
    exposure: str | None = Field(
        None,
        description="Person-time of a row (any unit, such as years registered and alive); null = "
        "the same in every row. Poisson models take it as an offset; the others take "
        "the outcome a unit of it, weighted by it.",
    )

    kind: KindName | None = Field(
        None,
        description="What the outcome is, which its values, estimator, exposure and blanks are "
        "checked against: binary = 0 or 1; count = whole numbers of 0 or more; cost = 0 or more; "
        "utility = at most 1; blank = not said, and nothing is checked.",
    )
    missing: Literal["left_out", "zero"] = Field(
        "left_out",
        description="What a blank outcome is. left_out = unknown: the row is left out and counted "
        "(estimators that model who is measured need it). zero = nothing happened in a row that "
        "was in follow-up: of a count or cost, which is then never blank.",
    )

    @model_validator(mode="before")
    @classmethod
    def _several_outcomes(cls, given: Any) -> Any:
        outcome = given.get("outcome") if isinstance(given, dict) else None
        if isinstance(outcome, list) and outcome and "outcomes" not in given:
            return {**given, "outcome": outcome[0], "outcomes": outcome}
        return given

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        wrong = []
        if self.unit is None and self.cluster is None:
            wrong.append("unit: null needs a cluster, whose effect is taken out instead")
        if self.treated is not None and "first_treated" in self.model_fields_set:
            wrong.append(
                "treated and first_treated both say when treatment starts; name one of them"
            )
        if len(set(self.outcomes)) < len(self.outcomes):
            wrong.append("outcome: each outcome once")
        if self.missing == "zero" and self.kind not in COUNTED:
            wrong.append(
                "missing: zero is what nothing recorded means of a count or a cost; say kind: "
                "count or kind: cost. Of what is measured a blank is unknown"
            )
        if self.kind is not None and self.kind not in COUNTED and self.exposure is not None:
            wrong.append(
                f"exposure: {KINDS[self.kind].noun} is no amount per person-time; leave exposure "
                "out, or say kind: count or kind: cost"
            )
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def start(self) -> str:
        """The column that tells when treatment starts."""
        return self.treated or self.first_treated

    @property
    def owner(self) -> str:
        """The column whose effect is taken out: the unit, or the cluster without units."""
        return self.unit or self.cluster or ""

    def each_outcome(self) -> list[Columns]:
        """Return the columns of each outcome."""
        names = self.outcomes or [self.outcome]
        return [self.model_copy(update={"outcome": name, "outcomes": []}) for name in names]

    def who(self) -> list[str]:
        """Return the columns that say who a unit is and when treatment starts."""
        return [name for name in (self.unit, self.cluster, self.start) if name]


class FitSpec(Section):
    """The SPEC of `evalweave fit`."""

    columns: Columns
    analyses: list[AnalysisOptions] = Field(min_length=1, description="The analyses.")
    allocation: Allocation | None = Field(
        None, description="How the programme was given out; blank = practice by practice."
    )
    where: str | None = Field(
        None, description="The rows that all analyses are of, as `where` of an analysis."
    )

    @field_validator("where")
    @classmethod
    def _condition(cls, value: str | None) -> str | None:
        return _readable(value)

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        names = [analysis.name for analysis in self.analyses]
        again = sorted({name for name in names if names.count(name) > 1})
        if again:
            raise ValueError(f"analyses: the name {', '.join(again)} stands twice")
        return self
