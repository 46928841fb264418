"""The part of a study that each stage uses, so that a changed key reruns only what depends on
it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Literal

from pydantic import Field

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.study.about import Simulation
from evalweave.study.allocation import Allocation
from evalweave.study.analyses import Analysis, AnalysisOptions, Columns
from evalweave.study.economics import Economics
from evalweave.study.outcomes import Outcome
from evalweave.study.people import Comparison, Eligibility, Exposure
from evalweave.study.periods import Window
from evalweave.study.qualitative import Qualitative
from evalweave.study.records import Cleaning, Extract
from evalweave.study.section import Section
from evalweave.study.uses import ResourceUse
from evalweave.study.vocabulary import Vocabulary
from evalweave.study.whole import Study


def spec_of(study: Study, analysis: str) -> dict[str, Any]:
    """Return the SPEC of one of a study's analyses, for `evalweave fit` on its comparison's
    panel."""
    declared = next(each for each in study.analyses if each.name == analysis)
    group = study.comparisons[declared.comparison or study.primary_comparison]
    outcome = study.outcomes[declared.outcome]
    columns = Columns(
        outcome=outcome.column(declared.outcome),
        weight="weight" if group.balance != "none" else None,
        exposure="exposure" if outcome.counted else None,
        kind=outcome.kind,
    )
    options = declared.model_dump(mode="json", include=set(AnalysisOptions.model_fields))
    spec = {"columns": columns.model_dump(mode="json"), "analyses": [options]}
    if study.allocation is not None:
        spec["allocation"] = study.allocation.model_dump(mode="json")
    return spec


def table_of(study: Study, analysis: str) -> str:
    """Return the folder of results/<study>/ with the table that an analysis is fitted on."""
    return "uses" if _outcome(study, analysis).counted else "panel"


def followed_with(study: Study, analysis: str) -> bool:
    """Return whether a fit is told who was in follow-up without a measurement: the primary one,
    and those of estimators that need such person-periods."""
    declared = next(each for each in study.analyses if each.name == analysis)
    if _outcome(study, analysis).counted:
        return False  # everybody in follow-up has a row
    needed = bool(ESTIMATORS[declared.estimator].blank_outcomes)
    return needed or analysis == study.primary_analysis.name


def dead_value(study: Study, analysis: str) -> float | None:
    """Return the value that an analysis' outcome gives the dead; None = it is one while alive."""
    return _outcome(study, analysis).dead_value


def _outcome(study: Study, analysis: str) -> Outcome:
    declared = next(each for each in study.analyses if each.name == analysis)
    return study.outcomes[declared.outcome]


class IngestSettings(Section):
    extract: Extract
    vocabulary: Vocabulary = Vocabulary()
    engine: Literal["duckdb", "pyspark"]


class CleanSettings(Section):
    sees: ClassVar[str] = "recorded"
    engine: Literal["duckdb", "pyspark"]
    extract: Extract
    practices: str
    window: Window
    outcomes: dict[str, Outcome]
    codelists: dict[str, str]
    cleaning: Cleaning
    vocabulary: Vocabulary = Vocabulary()


class CohortSettings(Section):
    sees: ClassVar[str] = "recorded"
    engine: Literal["duckdb", "pyspark"]
    window: Window
    eligibility: Eligibility
    exposure: Exposure
    comparisons: dict[str, Comparison]
    outcomes: dict[str, Outcome]
    cleaning: Cleaning
    vocabulary: Vocabulary = Vocabulary()


class PanelSettings(Section):
    sees: ClassVar[str] = "values"
    engine: Literal["duckdb", "pyspark"]
    window: Window
    exposure: Exposure
    outcomes: dict[str, Outcome]


class UsesSettings(PanelSettings):
    sees: ClassVar[str] = "counted"
    resource_use: ResourceUse


class ValueSettings(Section):
    window: Window
    economics: Economics
    resource_use: ResourceUse
    comparisons: dict[str, Comparison]
    allocation: Allocation | None = None


class CodeSettings(Section):
    qualitative: Qualitative


class JoinSettings(Section):
    qualitative: Qualitative
    claims: str
    analyses: list[Analysis]
    comparisons: dict[str, Comparison] = Field({})  # says which analyses are descriptive only
    outcomes: dict[str, Outcome]
    estimates_first_seen: dt.date | None = None
    family: list[str] = Field([])


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
    resource_use: ResourceUse | None = None


def outcomes_of(study: Study, kind: type[Any]) -> dict[str, Outcome]:
    """Return the outcomes that a stage sees: those with records, those with values, or those that
    are counted.

    The settings say so themselves: named here, each would be a part of what every stage uses.
    """
    sees = getattr(kind, "sees", "")
    if sees == "recorded":
        return study.recorded
    if sees:
        counted = sees == "counted"
        return {name: each for name, each in study.outcomes.items() if each.counted == counted}
    return study.outcomes


def settings_for(study: Study, kind: type[Section]) -> dict[str, Any]:
    """Return the part of a study that `kind` (such as `CleanSettings`) holds, ready for JSON."""
    dumped = study.model_dump(mode="json")
    known = outcomes_of(study, kind)
    dumped["outcomes"] = {name: dumped["outcomes"][name] for name in known}
    return {name: dumped[name] for name in kind.model_fields if name in dumped}
