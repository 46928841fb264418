"""The SPEC of `evalweave economics`: two outcomes of one panel, valued against each other."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evalweave.catalogue import calls
from evalweave.study.allocation import Allocation
from evalweave.study.analyses import AnalysisOptions, Columns
from evalweave.study.conditions import parse
from evalweave.study.section import Name, Said, Section

FIRST_YEAR = 1900  # of prices
LARGEST = 1e15  # of an amount or threshold, in units of cost
UNUSED = ("name", "inference", "level", "bands", "honest_relative", "honest_smoothness")
PER = ("person", "person_period", "practice", "practice_period", "referral")


def _check_analysis(given: dict[str, Any], key: str) -> None:
    """Raise `ValueError` where `given` is no analysis, or one of several effects at once."""
    checked = AnalysisOptions.model_validate({**given, "name": "valued"})
    unused = [name for name in UNUSED if name in given]
    if unused:
        raise ValueError(
            f"{key}: {', '.join(unused)} would change nothing: every interval is of the joint "
            "jackknife, at the `level` of the SPEC. Leave it out"
        )
    if checked.subgroup:
        raise ValueError(f"{key}: subgroup is asked for with `by`, for both outcomes at once")
    for name in ("unaffected_population", "unaffected_outcome"):
        if getattr(checked, name):
            raise ValueError(
                f"{key}: {name} makes a triple difference, which is not valued here. Leave it out, "
                "or estimate it with `evalweave fit`"
            )


class Valued(Section):
    """One of the two outcomes and how its effect is estimated."""

    outcome: str = Field(description="Its column of the panel.")
    label: str = Field("", description="Its name in tables and figures; blank = the column's.")
    unit: Said = Field(description="Its unit, as printed: mmol/mol, QALY, GBP.")
    kind: Literal["measured", "binary", "count", "cost", "utility"] | None = Field(
        None, description="What it is, as `columns.kind` of `fit`; blank = not checked."
    )
    exposure: str | None = Field(
        None, description="Column with person-time, as `columns.exposure` of `fit`."
    )
    analysis: dict[str, Any] = Field(
        description="The keys of an analysis of `fit`, without its name: estimator, covariates …"
    )

    def options(self) -> dict[str, Any]:
        """Return the analysis with a name."""
        return {"diagnostics": False, **self.analysis, "name": "valued"}

    @model_validator(mode="after")
    def _an_analysis(self) -> Self:
        _check_analysis(self.analysis, "analysis")
        return self


def is_qaly(unit: str) -> bool:
    """Say whether a unit is quality-adjusted life years."""
    return "qaly" in unit.lower()


class Effect(Valued):
    """The outcome that the programme should change."""

    better: Literal["lower", "higher"] = Field(
        description="Which way is better; where lower is, its sign is turned."
    )
    source: str = Field(
        "",
        description="Of QALYs: which instrument and value set the utilities are from. Required "
        "where the unit is QALY.",
    )

    @model_validator(mode="after")
    def _utilities_have_a_source(self) -> Self:
        if is_qaly(self.unit) and not self.source.strip():
            raise ValueError(
                "effect: QALYs need `source`: the instrument and value set (or the published "
                "mapping) that the utilities are from"
            )
        return self


class ProgrammeCost(Section):
    """What the programme itself costs."""

    amount: float = Field(ge=0, le=LARGEST, description="In the unit of the costs.")
    per: Literal[PER] = Field(  # type: ignore[valid-type]
        description="person = each person exposed, once; person_period; practice, once; "
        "practice_period; referral."
    )
    referrals: str | None = Field(None, description="Column that counts referrals a row.")
    source: Said = Field(description="Where the amount is from.")

    @model_validator(mode="after")
    def _referrals_are_counted(self) -> Self:
        if (self.per == "referral") != (self.referrals is not None):
            raise ValueError(
                "programme_cost: `referrals` belongs to `per: referral`, and to it alone"
            )
        return self

    def words(self) -> str:
        """Return the cost in words, without its unit."""
        return f"the programme at {self.amount:,g} per {self.per.replace('_', ' and ')}"


class Discount(Section):
    """Yearly rates; 0.035 for both is the reference case of the English guidance (NICE)."""

    costs: float = Field(0.035, ge=0, lt=1, description="Yearly rate for costs.")
    effects: float = Field(0.035, ge=0, lt=1, description="Yearly rate for effects.")
    first: int = Field(
        description="The period to which all is discounted; in a study file the year, of which it "
        "is the first period."
    )
    periods_per_year: int | None = Field(
        None, ge=1, description="How many periods are a year; blank = 1, in a study the window's."
    )

    def in_periods(self, a_year: int) -> Discount:
        """Return a study's discount, whose `first` is a year, in the numbers of its periods."""
        return self.model_copy(update={"first": self.first * a_year, "periods_per_year": a_year})

    def words(self) -> str:
        """Return the rates in words."""
        return (
            f"discounted by {100 * self.costs:g} % (costs) and {100 * self.effects:g} % (effects) "
            "a year"
        )


class Thresholds(Section):
    """What a unit of effect may be worth; nothing is built in."""

    values: list[float] = Field(min_length=1, description="In units of cost a unit of effect.")
    reason: Said = Field(description="Why these.")

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if any(b <= a for a, b in zip(self.values, self.values[1:], strict=False)):
            raise ValueError("values must rise")
        if self.values[0] < 0:
            raise ValueError("values must be 0 or more")
        if self.values[-1] > LARGEST:
            raise ValueError(f"values must be at most {LARGEST:g}")
        return self


class Scenario(Section):
    """The same evaluation with something else assumed; what is not named stays."""

    name: Name = Field(description="Its name in the table.")
    cost: str | None = Field(
        None, description="Another column of costs: those of another perspective."
    )
    perspective: str = Field("", description="Whose costs these are; needs `cost`.")
    price_year: int | None = Field(None, ge=FIRST_YEAR, description="Prices of another year.")
    price_factor: float | None = Field(
        None,
        gt=0,
        description="Prices of that year over those of the evaluation; all costs are multiplied "
        "by it. Blank in a study file = from `resource_use`, `price_index`.",
    )
    programme_cost: ProgrammeCost | None = Field(None, description="Another programme cost.")
    cost_analysis: dict[str, Any] | None = Field(None, description="Another analysis of costs.")
    effect_analysis: dict[str, Any] | None = Field(
        None, description="Another analysis of the effect."
    )
    discount: Discount | None = Field(None, description="Other rates.")

    @model_validator(mode="after")
    def _analyses(self) -> Self:
        for key in ("cost_analysis", "effect_analysis"):
            given = getattr(self, key)
            if given is not None:
                _check_analysis(given, key)
        return self

    @model_validator(mode="after")
    def _costs_of_another_kind(self) -> Self:
        if bool(self.perspective.strip()) != (self.cost is not None):
            raise ValueError(
                f"scenario {self.name}: cost and perspective belong together: other costs are "
                "somebody's"
            )
        if self.price_factor is not None and self.price_year is None:
            raise ValueError(f"scenario {self.name}: price_factor needs the price_year it leads to")
        if not self.changes():
            raise ValueError(
                f"scenario {self.name}: nothing is assumed otherwise. Say what is, or leave it out"
            )
        return self

    def changes(self) -> str:
        """Return what is assumed otherwise, in words."""
        said = [f"costs of {self.perspective}"] if self.perspective else []
        said += [f"prices of {self.price_year}"] if self.price_year else []
        said += [self.programme_cost.words()] if self.programme_cost else []
        said += [self.discount.words()] if self.discount else []
        for what, analysis in (("costs", self.cost_analysis), ("effect", self.effect_analysis)):
            said += [f"{what} by {analysis['estimator']}"] if analysis else []
        return "; ".join(said)


class Valuation(Section):
    """What an evaluation of one panel declares, in a SPEC and in a study file alike."""

    effect: Effect
    cost: Valued
    programme_cost: ProgrammeCost | None = Field(None, description="Blank = none is added.")
    discount: Discount | None = Field(
        None, description="Blank = nothing is discounted; needs effects of single periods."
    )
    components: dict[str, str] = Field(
        {}, description="Categories of cost and their columns, estimated one by one."
    )
    by: list[str] = Field([], description="Columns by whose levels both outcomes are given.")
    thresholds: Thresholds
    scenarios: list[Scenario] = Field([], description="Rows of the scenario table.")
    perspective: Said = Field(description="Whose costs: such as NHS and personal social services.")
    level: float = Field(0.95, gt=0.5, le=0.9999, description="Level of the intervals.")
    draws: int = Field(
        9999, ge=99, le=1_000_000, description="Draws of the bootstrap that stands beside."
    )
    seed: int = Field(1, ge=0, description="Seed of the draws.")

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = ["main", *(scenario.name for scenario in self.scenarios)]
        if len(set(names)) < len(names):
            raise ValueError("scenarios: each name once, and main is the evaluation itself")
        if len(set(self.by)) < len(self.by):
            raise ValueError("by: a column stands twice; name each once")
        if self.effect.outcome == self.cost.outcome:
            raise ValueError(
                f"effect and cost are both {self.cost.outcome}: nothing is valued against itself"
            )
        return self


class EconomicsSpec(Valuation):
    """The SPEC of `evalweave economics`."""

    columns: dict[str, Any] = Field(
        description="Which column is what, as `columns` of `fit`, without outcome and exposure."
    )
    price_year: int = Field(ge=FIRST_YEAR, description="The year whose prices the costs are in.")
    allocation: Allocation | None = Field(
        None, description="How the programme was given out; blank = practice by practice."
    )

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        given = [key for key in ("outcome", "outcomes", "kind", "exposure") if key in self.columns]
        if given:
            raise ValueError(f"columns: {given[0]} belongs to effect and cost, each its own")
        for scenario in self.scenarios:
            if scenario.price_year is not None and scenario.price_factor is None:
                raise ValueError(
                    f"scenario {scenario.name}: price_year needs a price_factor, prices of that "
                    "year over those of the evaluation"
                )
        for valued in (self.effect, self.cost):
            self.columns_of(valued)
        return self

    def columns_of(self, valued: Valued) -> Columns:
        """Return the columns of the panel of one of the outcomes."""
        return Columns.model_validate(
            {
                **self.columns,
                "outcome": valued.outcome,
                "kind": valued.kind,
                "exposure": valued.exposure,
            }
        )

    def cost_in(self, scenario: Scenario) -> Valued:
        """Return the costs that a scenario counts."""
        return self.cost.model_copy(update={"outcome": scenario.cost or self.cost.outcome})


class Economics(Valuation):
    """What the programme costs against what it does: an evaluation of outcomes and of the care that
    `resource_use` prices. A study without it shows no trace of it."""

    comparison: Name | None = Field(None, description="Which comparison; blank = the primary one.")

    def columns(self) -> dict[str, str]:
        """Return the columns that it values, by where they are named."""
        named = {"effect, outcome": self.effect.outcome, "cost, outcome": self.cost.outcome}
        named |= {f"components, {name}": column for name, column in self.components.items()}
        for scenario in self.scenarios:
            if scenario.cost is not None:
                named[f"scenarios, {scenario.name}, cost"] = scenario.cost
        for place, programme in self.programmes().items():
            if programme.referrals is not None:
                named[f"{place}, referrals"] = programme.referrals
        return named

    def programmes(self) -> dict[str, ProgrammeCost]:
        """Return every programme cost, by where it is declared."""
        all_ = {"programme_cost": self.programme_cost}
        all_ |= {f"scenarios, {s.name}, programme_cost": s.programme_cost for s in self.scenarios}
        return {place: one for place, one in all_.items() if one is not None}


def columns_read(spec: EconomicsSpec) -> dict[str, bool]:
    """Return the columns of the panel that a SPEC uses, and whether each is read as text."""
    effect = spec.columns_of(spec.effect)
    texts = [effect.unit, effect.cluster, *spec.by]
    texts += spec.allocation.columns() if spec.allocation else []
    wanted = {name: True for name in texts if name}
    programmes = [spec.programme_cost, *(s.programme_cost for s in spec.scenarios)]
    analyses = [spec.effect.analysis, spec.cost.analysis]
    for scenario in spec.scenarios:
        analyses += [a for a in (scenario.cost_analysis, scenario.effect_analysis) if a]
    numbers = [effect.period, effect.start, effect.weight, *spec.components.values()]
    numbers += [scenario.cost for scenario in spec.scenarios]
    for valued in (spec.effect, spec.cost):
        numbers += [valued.outcome, valued.exposure]
    numbers += [p.referrals for p in programmes if p is not None]
    for analysis in analyses:
        options = AnalysisOptions.model_validate({**analysis, "name": "a"})
        numbers += [*options.covariates, *calls.extra_columns(options)]
        numbers += parse(options.where).columns if options.where else ()
    for name in numbers:
        if name:
            wanted.setdefault(name, False)
    return wanted
