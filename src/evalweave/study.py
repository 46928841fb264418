"""The study file: one typed model of what is studied, and nothing of where or how fast it runs.

Defaults live here, so that a user can remove one. Every key has a description, from which the JSON schema and
the key reference in `config/README.md` are generated. Paths are relative to the study file. A stage is given
only the settings it uses (`settings_for`), so that changing one key reruns only what depends on it.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]

ESTIMATORS = (
    "did_2x2", "twfe", "event_study", "callaway_santanna", "sun_abraham", "imputation", "etwfe", "dose",
)  # fmt: skip
INFERENCES = (
    "cr0", "cr1", "cr2", "cr3", "jackknife", "unit", "wild_bootstrap", "multiplier_bootstrap", "randomisation",
)  # fmt: skip
Estimator = Literal[
    "did_2x2", "twfe", "event_study", "callaway_santanna", "sun_abraham", "imputation", "etwfe", "dose"
]
Inference = Literal[
    "cr0", "cr1", "cr2", "cr3", "jackknife", "unit", "wild_bootstrap", "multiplier_bootstrap", "randomisation"
]

BASELINE_OF = (
    "baseline_"  # and an outcome's name: its value before the index date, a column of cohort and panel
)


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class About(Section):
    name: Name = Field(description="Short name; the folder of results/ and reports/.")
    title: str = Field(description="Title of the report.")
    programme: str = Field("the programme", description="What was rolled out, as it reads in a sentence.")
    synthetic: bool = Field(False, description="Simulated data: a banner stands on every page.")
    wording: Literal["association", "effect"] = Field(
        "association", description="How the report speaks of the estimate; `effect` needs a reason."
    )
    wording_reason: str = Field("", description="Why the design and its checks allow the word effect.")
    authors: list[str] = Field([], description="Who answers for the analysis.")

    @model_validator(mode="after")
    def _effect_needs_reason(self) -> Self:
        if self.wording == "effect" and not self.wording_reason.strip():
            raise ValueError("wording: effect needs a wording_reason: say why the design allows it")
        return self


# What a format settles where the study file says nothing.
WRITTEN_AS: dict[str, dict[str, Any]] = {
    "cprd_aurum": {"date_format": "dmy", "code_system": "medcodeid", "missing": ["NA"]},
    "omop": {"code_system": "omop"},
}


class Extract(Section):
    format: Literal["flat", "cprd_aurum", "omop"] = Field("flat", description="Layout of the extract.")
    path: str = Field(description="Folder of the extract's files.")
    files: dict[str, str] = Field(
        {}, description="File (or pattern with *) of each table where its name is not the default."
    )
    columns: dict[str, dict[str, str]] = Field(
        {}, description="Per table: our column name → the name in the file."
    )
    code_system: str = Field(
        "snomed",
        description="Coding system of codes that come without one: snomed, read2, ctv3, medcodeid, omop. Not "
        "given: medcodeid in cprd_aurum, omop in omop; there, snomed translates codes by the extract's dictionary.",
    )
    date_format: Literal["iso", "dmy", "mdy"] = Field(
        "iso",
        description="How dates are written: 2015-04-01 (iso), 01/04/2015 (dmy) or 04/01/2015 (mdy). Not given: dmy in "
        "cprd_aurum.",
    )
    delimiter: str | None = Field(
        None, description="Column separator of text files; recognised when not given."
    )
    missing: list[str] = Field(
        [],
        description="Words that stand for a blank, such as NA or NULL, as they are written. Not given: NA in "
        "cprd_aurum.",
    )
    last_collection: dt.date | None = Field(
        None,
        description="Last day that the extract covers; blank = practices' contributes_to, or the window.",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_the_format_is_written(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        return {**WRITTEN_AS.get(str(said.get("format")), {}), **said}


class Window(Section):
    first: dt.date = Field(description="First day studied.")
    last: dt.date = Field(description="Last day studied.")
    period: Literal["month", "quarter", "half_year", "financial_year", "calendar_year"] = Field(
        "financial_year", description="Length of a period of the panel; a financial year starts on 1 April."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last <= self.first:
            raise ValueError(f"last ({self.last}) must be after first ({self.first})")
        return self


class Counting(Section):
    """What it takes for a code list to count as present: by default, one entry before the index date."""

    at_least: int = Field(1, ge=1, description="Different days with an entry that it takes.")
    more_than: str | None = Field(
        None,
        description="Another code list, of which there must be fewer such days (type 1 counts only with more days of "
        "type 1 than of type 2).",
    )


class Eligibility(Section):
    index_date: dt.date = Field(description="Day at which everything that decides eligibility is fixed.")
    age: tuple[int, int] = Field((40, 74), description="Youngest and oldest age at the index date.")
    conditions: list[str] = Field(
        [],
        description="Code lists of which every one must have an entry before the index date. `list[category]` is "
        "what a list sets apart in its column category (`diabetes[type_2]`).",
    )
    without: list[str] = Field(
        [], description="Code lists of which none may have an entry before the index date (type 1 diabetes)."
    )
    counting: dict[str, Counting] = Field(
        {},
        description="For lists of `conditions` and `without` of which one entry is not enough: `at_least` so many "
        "days with one, or on more days than another list (`more_than`).",
    )
    registered_days: int = Field(
        365, ge=0, description="Days registered without a gap before the index date."
    )
    cohort: Literal["closed", "open"] = Field(
        "closed",
        description="closed: fixed at the index date (primary); open: a labelled sensitivity, in which people enter on "
        "the first day on which they are eligible and are followed from then on.",
    )
    cases: Literal["all", "prevalent", "incident"] = Field(
        "all",
        description="incident: only people newly diagnosed on their index date; prevalent: only the others.",
    )
    incident_days: int = Field(
        365, ge=1, description="Newly diagnosed: `conditions` first held at most this many days before."
    )
    look_back_days: int = Field(
        365,
        ge=0,
        description="… and only after this many days registered without them: the first entries after a "
        "registration are often transferred history.",
    )
    baseline_days: int = Field(
        365,
        ge=1,
        description="Days before the index date in which an outcome is a baseline value: in the baseline table, and as "
        "the covariate `baseline_<outcome>` of analyses and of `balance_on`.",
    )
    additional_conditions: list[str] = Field(
        [], description="Code lists counted as additional long-term conditions."
    )

    @model_validator(mode="after")
    def _ages(self) -> Self:
        if self.age[0] > self.age[1]:
            raise ValueError(f"age: {list(self.age)} has the older age first")
        if self.cases != "all" and not self.conditions:
            raise ValueError(f"cases: {self.cases} needs conditions, since a case is a case of them")
        return self


class Exposure(Section):
    straddling: Literal["drop", "treated", "untreated"] = Field(
        "drop", description="A period in which a practice starts inside the period: what becomes of it."
    )
    washout_days: int = Field(0, ge=0, description="Days after a start that are left out.")
    moves: Literal["censor", "censor_starts", "keep"] = Field(
        "censor",
        description="censor: patients who move to a practice of the other arm are followed to the day before; "
        "censor_starts: also those who move to a practice that started on another day (staggered roll-outs); "
        "keep: everybody is followed on.",
    )


class Comparison(Section):
    label: str = Field("", description="What the group is, in words.")
    primary: bool = Field(False, description="The group of the main result; one and only one is primary.")
    kind: Literal["never_treated", "not_yet_treated", "not_referred"] = Field(
        "never_treated",
        description="never_treated: practices without the programme; not_yet_treated: all practices, later "
        "starters serve until they start; not_referred: eligible patients of programme practices who were not "
        "referred, beside those who were (selected, descriptive only: never primary, no subgroups, no claims).",
    )
    referrals: str | None = Field(
        None,
        description="not_referred: the code list of referrals; blank = every list whose name ends in referral. Entries "
        "from the index date on count, whatever the outcome did before.",
    )
    areas: list[str] | None = Field(
        None, description="Only comparison practices of these areas; blank = all."
    )
    balance: Literal["none", "propensity", "entropy"] = Field(
        "none", description="Weights that balance the arms' baseline."
    )
    balance_on: list[str] = Field(
        ["age", "sex", "imd_quintile"],
        description="Baseline variables that the weights balance; `baseline_<outcome>` is one for every outcome.",
    )


class Outcome(Section):
    label: str = Field(
        "",
        description="Name in figures, tables and sentences, as within a sentence: systolic blood pressure.",
    )
    codelist: str = Field("", description="Code list of its records; blank = the outcome's own name.")
    unit: str = Field(description="Unit of the panel and the estimates.")
    quantity: str = Field(
        "", description="Named conversion between units (hba1c: % and mmol/mol); blank = the outcome's name."
    )
    plausible: tuple[float, float] = Field(description="Lowest and highest plausible value, both included.")
    per_period: Literal["mean", "last", "nearest_middle"] = Field(
        "mean",
        description="How a patient's values of one period become one. Not given: the last for a yes/no outcome, whose "
        "mean would be the share of records that say yes.",
    )
    same_day_spread: float | None = Field(
        None,
        ge=0,
        description="A day whose values differ by more is set aside; blank = `cleaning`'s, and 0 for a yes/no outcome, "
        "so that yes and no on one day are never averaged.",
    )
    same_day_twin: float | None = Field(
        None,
        ge=0,
        description="Two values of a day this close, in two units, are one; blank = `cleaning`'s.",
    )
    better: Literal["lower", "higher", "neither"] = Field("lower", description="Which way is better.")
    placebo: bool = Field(False, description="An outcome that the programme should not change.")
    binary: bool = Field(
        False,
        description="Coded yes/no instead of measured: the column `value` of its code list says what each code means "
        "(1 or 0); `unit: proportion, plausible: [0, 1]`, and effects are differences in proportions.",
    )

    @model_validator(mode="before")
    @classmethod
    def _last_status(cls, said: Any) -> Any:
        if isinstance(said, dict) and said.get("binary") is True:
            return {"per_period": "last", **said}
        return said

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.plausible[0] >= self.plausible[1]:
            raise ValueError(f"plausible: {list(self.plausible)} is no range; give the lowest value first")
        if self.binary and not self.plausible[0] <= 0 < 1 <= self.plausible[1]:
            raise ValueError(
                f"plausible: {list(self.plausible)} leaves out 0 or 1 of a yes/no outcome; write [0, 1]"
            )
        return self

    def spread(self, cleaning: Cleaning) -> float:
        """Return by how much the values of a day may differ before the day is set aside."""
        if self.same_day_spread is not None:
            return self.same_day_spread
        return 0.0 if self.binary else cleaning.same_day_spread

    def twin(self, cleaning: Cleaning) -> float:
        """Return how far two values of a day in two units may lie apart and be one."""
        return cleaning.same_day_twin if self.same_day_twin is None else self.same_day_twin


class Cleaning(Section):
    """One switch per rule; the order is fixed."""

    gap_days: int = Field(
        0, ge=0, description="Gaps of up to this many days between registrations are no gaps."
    )
    acceptable_patient: bool = Field(
        True, description="Set aside patients whom the supplier flags unacceptable."
    )
    sex_and_birth_year: bool = Field(True, description="Set aside patients without sex or year of birth.")
    before_registration: bool = Field(
        True, description="Set aside outcome records from before the registration (transferred history)."
    )
    comparators: Literal["set_aside", "keep_at_bound"] = Field(
        "set_aside", description="Values such as <20 or >=180: set aside, or kept at the bound."
    )
    unit_by_range: bool = Field(True, description="Decide a missing unit by the value's range.")
    same_day_twin: float = Field(
        1.0, ge=0, description="Two values of a day this close in the outcome's unit, in two units, are one."
    )
    same_day_spread: float = Field(
        22.0,
        ge=0,
        description="A day whose values differ by more (in the outcome's unit) is set aside; outcomes may have their own.",
    )
    filler_dates: list[dt.date] = Field(
        [
            dt.date(1800, 1, 1), dt.date(1801, 1, 1), dt.date(1860, 1, 1), dt.date(1899, 12, 30),
            dt.date(1899, 12, 31), dt.date(1900, 1, 1),
        ],
        description="Dates that mean 'unknown'; years from 2999 on always do.",
    )  # fmt: skip


class AnalysisOptions(Section):
    """What `fit` knows of an analysis; the study file adds outcome and comparison."""

    name: Name = Field(description="Unique name of the analysis.")
    estimator: Estimator = Field(description=f"One of {', '.join(ESTIMATORS)}.")
    engine: Literal["evalweave", "linearmodels"] = Field(
        "evalweave", description="Who solves the least squares of twfe; linearmodels is the cross-check."
    )
    inference: list[Inference] = Field(["cr1"], min_length=1, description=f"Any of {', '.join(INFERENCES)}.")
    draws: int = Field(9999, ge=99, description="Draws of bootstraps and randomisation.")
    seed: int = Field(1, ge=0, description="Seed of the draws.")
    level: float = Field(0.95, gt=0.5, lt=1, description="Level of the intervals.")
    bootstrap_weights: Literal["auto", "rademacher", "webb", "mammen"] = Field(
        "auto", description="Weights of the wild bootstrap; auto = Webb below 12 practices, else Rademacher."
    )
    subgroup: str | None = Field(None, description="Column whose levels are compared in one joint model.")
    covariates: list[str] = Field(
        [],
        description="Columns to adjust for; in a study also `baseline_<outcome>`, of any outcome that is declared "
        "(declare BMI as an outcome without an analysis of its own to adjust for it).",
    )
    reference: int = Field(-1, description="Event time to which an event study refers.")
    bins: tuple[int, int] | None = Field(
        None, description="First and last event time; farther ones are binned into them."
    )
    method: Literal["reg", "ipw", "dr"] = Field("dr", description="Callaway–Sant'Anna: how covariates enter.")
    control: Literal["never_treated", "not_yet_treated"] = Field(
        "never_treated", description="Callaway–Sant'Anna: the comparison patients of each 2×2."
    )
    base: Literal["varying", "universal"] = Field(
        "varying", description="Callaway–Sant'Anna: the base period before treatment."
    )
    unbalanced: Literal["pairwise", "balanced", "repeated_cross_section"] = Field(
        "pairwise", description="Callaway–Sant'Anna: who counts when patients are not seen in every period."
    )
    anticipation: int = Field(0, ge=0, description="Periods before the start in which effects may show.")
    aggregate: list[Literal["simple", "group", "dynamic", "calendar"]] = Field(
        ["simple", "group", "dynamic", "calendar"], description="Callaway–Sant'Anna: which averages."
    )
    balance: int | None = Field(
        None,
        ge=0,
        description="Callaway–Sant'Anna dynamic: only cohorts seen this many periods after starting.",
    )
    bands: Literal["pointwise", "simultaneous"] = Field(
        "pointwise", description="Intervals of each term alone, or a band for all (sup-t)."
    )
    collapse: Literal["none", "practice"] = Field("none", description="did_2x2: one mean change a practice.")
    uptake: str | None = Field(None, description="dose: column with the uptake (1 = referred or engaged).")
    uptake_complete: bool = Field(
        False, description="dose: declare that the source of uptake is complete; it is refused otherwise."
    )
    diagnostics: bool = Field(True, description="Compute the diagnostics that apply to the estimator.")

    @field_validator("inference")
    @classmethod
    def _no_repeats(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("each inference method once")
        return value

    @model_validator(mode="after")
    def _bins_around_reference(self) -> Self:
        if self.bins is not None and not self.bins[0] < self.reference < self.bins[1]:
            raise ValueError(f"bins {list(self.bins)} must lie around the reference {self.reference}")
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
        description="Where the report shows it; guessed from estimator, subgroup and outcome when blank.",
    )


class Qualitative(Section):
    project: str = Field(description="The coded project.")
    format: Literal["refi_qda", "taguette", "qualcoder", "segments", "counts"] = Field(
        "refi_qda", description="Format of the project."
    )
    participants: str = Field(description="CSV or XLSX of participants.")
    themes: str = Field(description="CSV: theme_id, label, definition, code (full path), descendants.")
    eligibility: str | None = Field(None, description="CSV: participant_id, theme_id, eligible, reason.")
    source_participants: str | None = Field(
        None, description="CSV source,participant[,start,end]: overrides the links of the project."
    )
    sources: str | None = Field(None, description="CSV source,kind,phase,date: what each source is.")
    columns: dict[str, str] = Field({}, description="segments and counts: our column → the name in the file.")
    counts_are: Literal["participants", "references", "sources", "words"] | None = Field(
        None, description="counts: what a cell of the matrix counts; must be declared."
    )
    stance_prefix: str = Field(
        "claim", description="Codes claim::<claim_id>::supports|contradicts are stances."
    )
    attributes: list[str] = Field(
        [], description="Participant attributes to cross themes with, one at a time."
    )
    observation_kinds: list[str] = Field(
        ["field_note", "observation"], description="Kinds of source that belong to no participant."
    )
    min_cell: int = Field(
        3,
        ge=1,
        description="Counts of participants below this are hidden, and so are all but fewer than this of those asked; "
        "none and all stay.",
    )
    quote_k: int = Field(
        3, ge=1, description="Attributes beside a quote are shared by at least this many people."
    )
    percent_from: int = Field(20, ge=1, description="No percentages below this many eligible people.")


class Report(Section):
    formats: list[Literal["html", "docx", "pdf"]] = Field(["html"], description="Files to write.")
    question: str = Field("", description="The question in one sentence.")
    margin: float | None = Field(
        None, gt=0, description="Smallest difference in the primary outcome that matters, in its unit."
    )
    margin_reason: str = Field("", description="Where the margin comes from.")
    checklist: dict[str, str] = Field(
        {}, description="Answers to RECORD and GRAMMS items, by item; blanks print as not stated."
    )


class Simulation(Section):
    """Only for demonstrations and tests: how the extract is made up."""

    seed: int = Field(20150401, ge=0, description="Seed; fixed beforehand, never chosen for its answer.")
    eligible_programme: int = Field(4752, ge=1, description="Eligible patients of programme practices.")
    eligible_comparison: int = Field(3334, ge=1, description="Eligible patients of comparison practices.")
    effect: float = Field(-1.0931, description="Mean planted effect on HbA1c in mmol/mol.")
    practice_sd: float = Field(1.0, ge=0, description="SD of practice-by-year shocks in mmol/mol.")
    dirt: bool = Field(True, description="Plant the dirt that real extracts have.")


class Study(Section):
    """Everything that defines a study."""

    study: About
    extract: Extract
    engine: Literal["duckdb", "pyspark"] = Field(
        "duckdb", description="What cleaning, cohort building and the panel run on; the tables are the same."
    )
    practices: str = Field(description="CSV: practice_id, programme_start (blank = never), area, …")
    codelists: dict[Name, str] = Field(description="Code lists by name.")
    window: Window
    eligibility: Eligibility
    exposure: Exposure = Exposure()
    comparisons: dict[Name, Comparison] = Field(description="Comparison groups by name; one is primary.")
    outcomes: dict[Name, Outcome] = Field(min_length=1, description="Outcomes by name; the first is primary.")
    cleaning: Cleaning = Cleaning()
    analyses: list[Analysis] = Field(min_length=1, description="The analyses; one is primary.")
    qualitative: Qualitative | None = Field(None, description="The qualitative strand, if there is one.")
    claims: str | None = Field(None, description="CSV of claims declared before results.")
    estimates_first_seen: dt.date | None = Field(
        None, description="Claims declared after this date are marked post hoc."
    )
    family: list[Name] = Field(
        [], description="Analyses whose subgroup differences are one family for Holm's adjustment."
    )
    disclosure: Literal["nhs_england", "opensafely", "sacro", "none"] = Field(
        "nhs_england", description="Disclosure profile of everything in reports/."
    )
    report: Report = Report()
    simulation: Simulation | None = Field(None, description="Simulate the inputs first (demonstrations).")

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        wrong: list[str] = []
        primary = [name for name, group in self.comparisons.items() if group.primary]
        if len(primary) != 1 and len(self.comparisons) > 1:
            wrong.append(f"comparisons: {len(primary)} are primary; mark exactly one with primary: true")
        if not self.comparisons:
            wrong.append("comparisons: there is none; declare at least one")
        names = [analysis.name for analysis in self.analyses]
        wrong += [
            f'analyses: the name "{n}" stands twice' for n in sorted({n for n in names if names.count(n) > 1})
        ]
        mains = [analysis.name for analysis in self.analyses if analysis.primary]
        if len(mains) > 1:
            wrong.append(f"analyses: {', '.join(mains)} are all primary; mark one")
        wrong += _wrong_selection(self)
        for analysis in self.analyses:
            wrong += _unknown(f"analyses, {analysis.name}, outcome", analysis.outcome, self.outcomes)
            if analysis.comparison is not None:
                wrong += _unknown(
                    f"analyses, {analysis.name}, comparison", analysis.comparison, self.comparisons
                )
        for name, outcome in self.outcomes.items():
            wrong += _unknown(f"outcomes, {name}, codelist", outcome.codelist or name, self.codelists)
        wrong += _shared_lists(self.outcomes)
        for key in ("conditions", "without", "additional_conditions"):
            for label in getattr(self.eligibility, key):
                wrong += _unknown(f"eligibility, {key}", list_of(label), self.codelists)
        wrong += _wrong_counting(self.eligibility, self.codelists)
        for analysis_name in self.family:
            wrong += _unknown("family", analysis_name, names)
        if not self.window.first <= self.eligibility.index_date <= self.window.last:
            wrong.append(
                f"eligibility, index_date: {self.eligibility.index_date} lies outside the window "
                f"{self.window.first} to {self.window.last}"
            )
        if self.claims and not self.qualitative:
            wrong.append("claims: they need a qualitative section to be joined with")
        if self.simulation and not self.study.synthetic:
            wrong.append("study, synthetic: must be true when the inputs are simulated")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def primary_comparison(self) -> str:
        return next(
            (n for n, group in self.comparisons.items() if group.primary), next(iter(self.comparisons))
        )

    @property
    def primary_analysis(self) -> Analysis:
        return next((a for a in self.analyses if a.primary), self.analyses[0])

    def reading_from(self, folder: str) -> Self:
        """Return the study with its extract in another folder; nothing is simulated then."""
        return self.model_copy(
            update={"extract": self.extract.model_copy(update={"path": folder}), "simulation": None}
        )

    def with_paths_from(self, folder: Path) -> Self:
        """Return the study with every path joined on the study file's `folder`."""

        def here(path: str | None) -> str | None:
            return None if path is None else os.path.normpath(folder / path)

        def among(section: Qualitative) -> Qualitative:
            keys = ("project", "participants", "themes", "eligibility", "source_participants", "sources")
            return section.model_copy(update={key: here(getattr(section, key)) for key in keys})

        return self.model_copy(
            update={
                "extract": self.extract.model_copy(update={"path": here(self.extract.path)}),
                "practices": here(self.practices),
                "codelists": {name: here(path) for name, path in self.codelists.items()},
                "qualitative": among(self.qualitative) if self.qualitative else None,
                "claims": here(self.claims),
            }
        )


def _shared_lists(outcomes: dict[str, Outcome]) -> list[str]:
    owner: dict[str, str] = {}
    return [
        f"outcomes, {name}: its code list {codelist} is that of {before} too, and a record can be of one outcome only. "
        "For another way to make one value of a period, write a second study file"
        for name, outcome in outcomes.items()
        if (codelist := outcome.codelist or name) and (before := owner.setdefault(codelist, name)) != name
    ]


def _wrong_selection(study: Study) -> list[str]:
    """Return what is wrong with comparisons of people who chose, or were chosen: they describe, and show no effect."""
    wrong: list[str] = []
    if not study.comparisons:
        return wrong  # told already
    for name, group in study.comparisons.items():
        if group.referrals is not None:
            wrong += _unknown(f"comparisons, {name}, referrals", list_of(group.referrals), study.codelists)
            if group.kind != "not_referred":
                wrong.append(f"comparisons, {name}, referrals: only kind: not_referred asks who was referred")
        elif group.kind == "not_referred" and not any(each.endswith("referral") for each in study.codelists):
            wrong.append(
                f"comparisons, {name}: kind: not_referred needs to know who was referred, and no code list is called "
                "…referral. Name the list under referrals"
            )
        if group.kind == "not_referred" and name == study.primary_comparison:
            wrong.append(
                f"comparisons, {name}: people who were not referred are selected, so this comparison describes and "
                "cannot be the primary one. Mark one of kind never_treated or not_yet_treated as primary"
            )
    for analysis in study.analyses:
        name = analysis.comparison or study.primary_comparison
        if name not in study.comparisons or study.comparisons[name].kind != "not_referred":
            continue
        asked = {
            "primary: true": analysis.primary,
            "role: main": analysis.role == "main",
            "a subgroup": analysis.subgroup is not None,
            "estimator: dose": analysis.estimator == "dose",
            "inference: randomisation, which permutes practices": "randomisation" in analysis.inference,
        }
        wrong += [
            f"analyses, {analysis.name}: the comparison {name} is of people who were selected (kind: not_referred) and "
            f"descriptive only, so {words} is not possible. Remove it, or choose another comparison"
            for words, there in asked.items()
            if there
        ]
        if analysis.name in study.family:
            wrong.append(f"family: {analysis.name} compares people who were selected, which tests nothing")
    return wrong


def descriptive(analyses: list[Analysis], comparisons: dict[str, Comparison]) -> set[str]:
    """Return the analyses that compare people who were selected: they describe, and no claim may rest on them."""
    return {
        each.name
        for each in analyses
        if each.comparison in comparisons and comparisons[each.comparison].kind == "not_referred"
    }  # the primary comparison is never of that kind


def listed(eligibility: Eligibility) -> list[str]:
    """Return every code list (or category of one) that decides eligibility, each once."""
    others = [rule.more_than for rule in eligibility.counting.values() if rule.more_than]
    return list(dict.fromkeys([*eligibility.conditions, *eligibility.without, *others]))


def list_of(label: str) -> str:
    """Return the code list of a label: `diabetes` of `diabetes[type_2]`."""
    return label.partition("[")[0] if label.endswith("]") else label


def _wrong_counting(eligibility: Eligibility, codelists: dict[str, str]) -> list[str]:
    wrong = []
    used = [*eligibility.conditions, *eligibility.without]
    for label, rule in eligibility.counting.items():
        wrong += _unknown("eligibility, counting", label, used)
        if rule.more_than is not None:
            wrong += _unknown(
                f"eligibility, counting, {label}, more_than", list_of(rule.more_than), codelists
            )
            if eligibility.cohort == "open" and label in eligibility.conditions:
                wrong.append(
                    f"eligibility, counting, {label}, more_than: in an open cohort the day on which it holds is not "
                    "fixed; use at_least, or cohort: closed"
                )
            if rule.more_than == label:
                wrong.append(f"eligibility, counting, {label}, more_than: a list cannot outnumber itself")
    return wrong


def _unknown(place: str, name: str, known: Any) -> list[str]:
    from evalweave.errors import nearest

    return [] if name in known else [f'{place}: "{name}" is not declared. {nearest(name, known)}']


def role_of(analysis: Analysis, outcomes: dict[str, Outcome]) -> str:
    """Return where the report shows an analysis: main, event_study, subgroup, placebo or sensitivity."""
    if analysis.role:
        return analysis.role
    if outcomes[analysis.outcome].placebo:
        return "placebo"
    if analysis.subgroup:
        return "subgroup"
    if analysis.estimator in ("event_study", "sun_abraham"):
        return "event_study"
    return "main" if analysis.primary else "sensitivity"


def period_start(day: dt.date, period: str) -> dt.date:
    """Return the first day of the period that contains `day`."""
    if period == "financial_year":
        return dt.date(day.year if day.month >= 4 else day.year - 1, 4, 1)
    months = {"month": 1, "quarter": 3, "half_year": 6, "calendar_year": 12}[period]
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def period_number(day: dt.date, period: str) -> int:
    """Return the consecutive integer of the period that contains `day` (2015 = financial year 2015/16)."""
    start = period_start(day, period)
    if period in ("financial_year", "calendar_year"):
        return start.year
    months = {"month": 1, "quarter": 3, "half_year": 6}[period]
    return start.year * (12 // months) + (start.month - 1) // months


def period_label(number: int, period: str) -> str:
    """Return a period as people write it: 2015/16, 2015, 2015 H1, 2015 Q2, 2015-04."""
    if period == "financial_year":
        return f"{number}/{(number + 1) % 100:02d}"
    if period == "calendar_year":
        return str(number)
    per_year = {"month": 12, "quarter": 4, "half_year": 2}[period]
    year, part = divmod(number, per_year)
    return {
        "month": f"{year}-{part + 1:02d}",
        "quarter": f"{year} Q{part + 1}",
        "half_year": f"{year} H{part + 1}",
    }[period]


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


def spec_of(study: Study, analysis: str) -> dict[str, Any]:
    """Return the SPEC of one of a study's analyses, for `evalweave fit` on its comparison's panel."""
    declared = next(each for each in study.analyses if each.name == analysis)
    group = study.comparisons[declared.comparison or study.primary_comparison]
    columns = Columns(outcome=declared.outcome, weight="weight" if group.balance != "none" else None)
    options = declared.model_dump(mode="json", include=set(AnalysisOptions.model_fields))
    return {"columns": columns.model_dump(mode="json"), "analyses": [options]}


class IngestSettings(Section):
    extract: Extract
    engine: Literal["duckdb", "pyspark"]


class CleanSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    extract: Extract
    practices: str
    window: Window
    outcomes: dict[str, Outcome]
    codelists: dict[str, str]
    cleaning: Cleaning


class CohortSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    practices: str
    window: Window
    eligibility: Eligibility
    exposure: Exposure
    comparisons: dict[str, Comparison]
    outcomes: dict[str, Outcome]
    cleaning: Cleaning


class PanelSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    window: Window
    exposure: Exposure
    outcomes: dict[str, Outcome]


class CodeSettings(Section):
    qualitative: Qualitative


class JoinSettings(Section):
    qualitative: Qualitative
    claims: str
    analyses: list[Analysis]
    comparisons: dict[str, Comparison] = {}
    outcomes: dict[str, Outcome]
    estimates_first_seen: dt.date | None


class EstimatesSettings(Section):
    analyses: list[Analysis]
    comparisons: dict[str, Comparison]
    outcomes: dict[str, Outcome]
    family: list[str]


class SimulateSettings(Section):
    simulation: Simulation
    practices: str
    qualitative: Qualitative | None
    claims: str | None
    window: Window
    eligibility: Eligibility


def settings_for(study: Study, kind: type[Section]) -> dict[str, Any]:
    """Return the part of a study that `kind` (such as `CleanSettings`) holds, ready for JSON."""
    dumped = study.model_dump(mode="json")
    return {name: dumped[name] for name in kind.model_fields}
