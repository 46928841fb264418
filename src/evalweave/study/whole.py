"""The whole study file, and what must agree between its sections."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from evalweave.catalogue import calls
from evalweave.study import connections
from evalweave.study.about import About, Report, Simulation
from evalweave.study.allocation import AREA, Allocation
from evalweave.study.analyses import Analysis
from evalweave.study.economics import Economics
from evalweave.study.outcome_kinds import in_person_time, wrong_kinds, wrong_names
from evalweave.study.outcomes import (
    Outcome,
    as_the_quantity_is,
    not_shown_in,
    shared_lists,
    wrong_limits,
)
from evalweave.study.people import Comparison, Eligibility, Exposure, wrong_counting
from evalweave.study.periods import Window
from evalweave.study.qualitative import Qualitative
from evalweave.study.records import Cleaning, Extract
from evalweave.study.section import Name, Section, list_of, undeclared
from evalweave.study.uses import ResourceUse
from evalweave.study.valuing import wrong_discounts, wrong_economics
from evalweave.study.vocabulary import Vocabulary


class Study(Section):
    """Everything that defines a study."""

    study: About
    extract: Extract
    engine: Literal["duckdb", "pyspark"] = Field(
        "duckdb",
        description="What cleaning, cohort building and the panel run on; the tables are the same.",
    )
    practices: str = Field(description="CSV: practice_id, programme_start (blank = never), area, …")
    codelists: dict[Name, str] = Field(description="Code lists by name.")
    window: Window
    eligibility: Eligibility
    exposure: Exposure = Exposure()
    allocation: Allocation | None = Field(
        None, description="How the programme was given out; blank = practice by practice."
    )
    comparisons: dict[Name, Comparison] = Field(
        description="Comparison groups by name; one is primary."
    )
    outcomes: dict[Name, Outcome] = Field(
        min_length=1, description="Outcomes by name; the first is primary."
    )
    resource_use: ResourceUse | None = Field(
        None, description="Care that was used, counted and priced; blank = none is looked at."
    )
    economics: Economics | None = Field(
        None, description="What the programme costs against what it does; blank = not asked."
    )
    cleaning: Cleaning = Cleaning()
    vocabulary: Vocabulary = Vocabulary()
    analyses: list[Analysis] = Field(min_length=1, description="The analyses; one is primary.")
    qualitative: Qualitative | None = Field(
        None, description="The qualitative strand, if there is one."
    )
    claims: str | None = Field(None, description="CSV of claims declared before results.")
    estimates_first_seen: dt.date | None = Field(
        None, description="Claims declared after this date are marked post hoc."
    )
    family: list[Name] = Field(
        [],
        description="Analyses that are one family for Holm's adjustment: with a subgroup by their "
        "differences between levels, else by their main term.",
    )
    disclosure: Literal["nhs_england", "opensafely", "sacro", "none"] = Field(
        "nhs_england", description="Disclosure profile of everything in reports/."
    )
    report: Report = Report()
    simulation: Simulation | None = Field(
        None, description="Simulate the inputs first (demonstrations)."
    )

    @model_validator(mode="before")
    @classmethod
    def _outcomes_as_their_quantities_are(cls, said: Any) -> Any:
        outcomes = said.get("outcomes") if isinstance(said, dict) else None
        if not isinstance(outcomes, dict):
            return said
        window = said.get("window")
        period = str(window.get("period", "")) if isinstance(window, dict) else ""
        filled = {
            name: in_person_time(as_the_quantity_is(str(name), each), period)
            for name, each in outcomes.items()
        }
        return {**said, "outcomes": filled}

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        wrong: list[str] = []
        primary = [name for name, group in self.comparisons.items() if group.primary]
        if len(primary) != 1 and len(self.comparisons) > 1:
            wrong.append(
                f"comparisons: {len(primary)} are primary; mark exactly one with primary: true"
            )
        if not self.comparisons:
            wrong.append("comparisons: there is none; declare at least one")
        names = [analysis.name for analysis in self.analyses]
        wrong += [
            f'analyses: the name "{n}" stands twice'
            for n in sorted({n for n in names if names.count(n) > 1})
        ]
        mains = [analysis.name for analysis in self.analyses if analysis.primary]
        if len(mains) > 1:
            wrong.append(f"analyses: {', '.join(mains)} are all primary; mark one")
        wrong += _wrong_selection(self)
        for analysis in self.analyses:
            wrong += undeclared(
                f"analyses, {analysis.name}, outcome", analysis.outcome, self.outcomes
            )
            if analysis.comparison is not None:
                wrong += undeclared(
                    f"analyses, {analysis.name}, comparison", analysis.comparison, self.comparisons
                )
        for name, outcome in self.recorded.items():
            wrong += undeclared(
                f"outcomes, {name}, codelist", outcome.codelist or name, self.codelists
            )
        if not self.recorded:
            wrong.append(
                "outcomes: there is none with records of its own; declare one that is measured, "
                "coded or a utility beside what is counted"
            )
        wrong += wrong_kinds(self.outcomes, self.resource_use)
        wrong += wrong_names(self.outcomes, self.resource_use)
        wrong += shared_lists(self.outcomes)
        if self.resource_use is not None:
            of_outcomes = {each.codelist or name for name, each in self.recorded.items()}
            for item, used in self.resource_use.items.items():
                place, own = f"resource_use, items, {item}, codelist", list_of(used.codelist)
                wrong += undeclared(place, own, self.codelists)
                if own in of_outcomes:
                    wrong.append(f"{place}: {own} is measured as an outcome and cannot be counted")
        wrong += wrong_economics(self.economics, self.resource_use, self.outcomes, self.comparisons)
        if self.economics is not None:
            wrong += wrong_discounts(self.economics, self.window)
        if self.allocation is not None:
            for column in {self.allocation.area, *self.allocation.restrict} - {AREA}:
                wrong.append(
                    f"allocation: the table of practices has no strata called {column}; in a study "
                    f"area and restrict can only name its column {AREA}"
                )
        wrong += wrong_limits(self.outcomes, self.cleaning)
        for key in ("conditions", "without", "additional_conditions"):
            for label in getattr(self.eligibility, key):
                wrong += undeclared(f"eligibility, {key}", list_of(label), self.codelists)
        wrong += wrong_counting(self.eligibility, self.codelists)
        main = self.primary_analysis.outcome
        if main in self.outcomes:
            wrong += not_shown_in(main, self.outcomes[main], self.report.unit)
        for analysis_name in self.family:
            wrong += undeclared("family", analysis_name, names)
        if not self.window.first <= self.eligibility.index_date <= self.window.last:
            wrong.append(
                f"eligibility, index_date: {self.eligibility.index_date} lies outside the window "
                f"{self.window.first} to {self.window.last}"
            )
        if self.claims and not self.qualitative:
            wrong.append("claims: they need a qualitative section to be joined with")
        if self.simulation and self.extract.connection:
            wrong.append("extract, connection: a simulation writes files; give extract, path")
        if self.simulation and not self.study.synthetic:
            wrong.append("study, synthetic: must be true when the inputs are simulated")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @model_serializer(mode="wrap")
    def _without_a_trace(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what a study does not look at: its manifest says nothing of it."""
        dumped: dict[str, Any] = handler(self)
        for part in ("resource_use", "economics"):
            if getattr(self, part) is None:
                dumped.pop(part, None)
        return dumped

    @property
    def recorded(self) -> dict[str, Outcome]:
        """The outcomes with records of their own, which cleaning reads."""
        return {name: each for name, each in self.outcomes.items() if each.recorded}

    @property
    def primary_comparison(self) -> str:
        return next(
            (n for n, group in self.comparisons.items() if group.primary),
            next(iter(self.comparisons)),
        )

    @property
    def primary_analysis(self) -> Analysis:
        return next((a for a in self.analyses if a.primary), self.analyses[0])

    def reading_from(self, folder: str) -> Self:
        """Return the study with its extract in another folder; nothing is simulated then."""
        return self.model_copy(update={"extract": self.extract.located(folder), "simulation": None})

    def with_paths_from(self, folder: Path) -> Self:
        """Return the study with every path joined on the study file's `folder`, and the month with
        which periods begin."""

        def here(path: str | None) -> str | None:
            return None if path is None else os.path.normpath(folder / path)

        def joined(key: str, path: str) -> str:
            return os.path.normpath(folder / path)

        return self.model_copy(
            update={
                "extract": self.extract.model_copy(update=self._extract_from(folder)),
                "practices": here(self.practices),
                "window": self.window.anchored(self.eligibility.index_date),
                "codelists": {name: here(path) for name, path in self.codelists.items()},
                "qualitative": self.qualitative.with_files(joined) if self.qualitative else None,
                "claims": here(self.claims),
                "resource_use": self.resource_use
                and self.resource_use.model_copy(
                    update={
                        key: here(getattr(self.resource_use, key))
                        for key in ("unit_costs", "price_index")
                    }
                ),
            }
        )

    def _extract_from(self, folder: Path) -> dict[str, str]:
        """Return the extract's place, joined on the study file's `folder`."""
        if self.extract.connection:
            return {"connection": connections.joined(self.extract.connection, folder)}
        return {"path": os.path.normpath(folder / self.extract.path)}


def _wrong_selection(study: Study) -> list[str]:
    """Return what is wrong with comparisons of people who chose, or were chosen: they describe, and
    show no effect."""
    wrong: list[str] = []
    if not study.comparisons:
        return wrong  # told already
    for name, group in study.comparisons.items():
        if group.referrals is not None:
            wrong += undeclared(
                f"comparisons, {name}, referrals", list_of(group.referrals), study.codelists
            )
            if group.kind != "not_referred":
                wrong.append(
                    f"comparisons, {name}, referrals: only kind: not_referred asks who was referred"
                )
        elif group.kind == "not_referred" and not any(
            each.endswith("referral") for each in study.codelists
        ):
            wrong.append(
                f"comparisons, {name}: kind: not_referred needs to know who was referred, and no "
                "code list is called "
                "…referral. Name the list under referrals"
            )
        if group.kind == "not_referred" and name == study.primary_comparison:
            wrong.append(
                f"comparisons, {name}: people who were not referred are selected, so this "
                "comparison describes and "
                "cannot be the primary one. Mark one of kind never_treated or not_yet_treated as "
                "primary"
            )
    for analysis in study.analyses:
        name = analysis.comparison or study.primary_comparison
        if name not in study.comparisons or study.comparisons[name].kind != "not_referred":
            continue
        asked = {
            "primary: true": analysis.primary,
            "role: main": analysis.role == "main",
            "a subgroup": analysis.subgroup is not None,
            **calls.resting_on_allocation(analysis),
        }
        wrong += [
            f"analyses, {analysis.name}: the comparison {name} is of people who were selected "
            "(kind: not_referred) and "
            f"descriptive only, so {words} is not possible. Remove it, or choose another comparison"
            for words, there in asked.items()
            if there
        ]
        if analysis.name in study.family:
            wrong.append(
                f"family: {analysis.name} compares people who were selected, which tests nothing"
            )
    return wrong
