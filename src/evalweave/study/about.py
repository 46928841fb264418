"""What the study is called, how its report speaks, and how a demonstration is made up."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from evalweave.study.governance import Governance, Person, Project
from evalweave.study.reporting import Statements, TargetTrial
from evalweave.study.section import Name, Section


class About(Section):
    name: Name = Field(description="Short name; the folder of results/ and reports/.")
    title: str = Field(description="Title of the report.")
    programme: str = Field(
        "the programme", description="What was rolled out, as it reads in a sentence."
    )
    synthetic: bool = Field(False, description="Simulated data: a banner stands on every page.")
    wording: Literal["association", "effect"] = Field(
        "association", description="How the report speaks of the estimate; `effect` needs a reason."
    )
    wording_reason: str = Field(
        "", description="Why the design and its checks allow the word effect."
    )
    authors: list[str] = Field(
        [], description="Who answers for the analysis; blank = the names of `people`."
    )
    people: list[Person] = Field(
        [], description="The same with affiliation, for `release.zip`; blank = `authors`."
    )
    builds_on: list[str] = Field(
        [],
        description="References that the study copies or builds on, as they shall be printed: with "
        "a DOI.",
    )
    project: Project = Project()
    governance: Governance = Governance()
    reporting: Statements = Statements()
    target_trial: TargetTrial = TargetTrial()
    licence: str = Field("", description="Under which the released files may be used.")
    published: dt.date | None = Field(
        None, description="Day of publication, for `release.zip`; blank = the window's last day."
    )

    @property
    def names(self) -> list[str]:
        """Who answers for the analysis, wherever the study file states it."""
        return self.authors or [person.name for person in self.people]

    @model_validator(mode="after")
    def _effect_needs_reason(self) -> Self:
        if self.wording == "effect" and not self.wording_reason.strip():
            raise ValueError("wording: effect needs a wording_reason: say why the design allows it")
        return self


class Report(Section):
    formats: list[Literal["html", "docx", "pdf"]] = Field(["html"], description="Files to write.")
    question: str = Field("", description="The question in one sentence.")
    unit: str = Field(
        "",
        description="Unit that the page shows first, where differences stand in two: such as "
        "mmol/mol, or % (percentage points); blank = percentage points, where there are any.",
    )
    margin: float | None = Field(
        None,
        gt=0,
        description="Smallest difference in the primary outcome that matters, in its unit.",
    )
    margin_reason: str = Field("", description="Where the margin comes from.")
    checklist: dict[str, str] = Field(
        {},
        description="Answers to items of the checklists, by item, such as `RECORD 16b`; they go "
        "before what the run would say.",
    )


class Simulation(Section):
    """Only for demonstrations and tests: how the extract is made up."""

    seed: int = Field(
        20150401, ge=0, description="Seed; fixed beforehand, never chosen for its answer."
    )
    eligible_programme: int = Field(
        4752, ge=1, description="Eligible patients of programme practices."
    )
    eligible_comparison: int = Field(
        3334, ge=1, description="Eligible patients of comparison practices."
    )
    effect: float = Field(-1.0931, description="Mean planted effect on HbA1c in mmol/mol.")
    practice_sd: float = Field(1.0, ge=0, description="SD of practice-by-year shocks in mmol/mol.")
    dirt: bool = Field(True, description="Plant the dirt that real extracts have.")
    selective_measurement: bool = Field(
        False,
        description="Add total cholesterol, of which the programme changes who is tested, by a "
        "known rule.",
    )
