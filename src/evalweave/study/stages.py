"""The part of a study that each stage uses, so that a changed key reruns only what depends on
it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field

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
    columns = Columns(
        outcome=declared.outcome, weight="weight" if group.balance != "none" else None
    )
    options = declared.model_dump(mode="json", include=set(AnalysisOptions.model_fields))
    spec = {"columns": columns.model_dump(mode="json"), "analyses": [options]}
    if study.allocation is not None:
        spec["allocation"] = study.allocation.model_dump(mode="json")
    return spec


class IngestSettings(Section):
    extract: Extract
    vocabulary: Vocabulary = Vocabulary()
    engine: Literal["duckdb", "pyspark"]


class CleanSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    extract: Extract
    practices: str
    window: Window
    outcomes: dict[str, Outcome]
    codelists: dict[str, str]
    cleaning: Cleaning
    vocabulary: Vocabulary = Vocabulary()


class CohortSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    window: Window
    eligibility: Eligibility
    exposure: Exposure
    comparisons: dict[str, Comparison]
    outcomes: dict[str, Outcome]
    cleaning: Cleaning
    vocabulary: Vocabulary = Vocabulary()


class PanelSettings(Section):
    engine: Literal["duckdb", "pyspark"]
    window: Window
    exposure: Exposure
    outcomes: dict[str, Outcome]


class UsesSettings(PanelSettings):
    resource_use: ResourceUse


class ValueSettings(Section):
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


def settings_for(study: Study, kind: type[Section]) -> dict[str, Any]:
    """Return the part of a study that `kind` (such as `CleanSettings`) holds, ready for JSON."""
    dumped = study.model_dump(mode="json")
    return {name: dumped[name] for name in kind.model_fields if name in dumped}
