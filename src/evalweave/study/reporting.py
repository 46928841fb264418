"""What the authors state for the checklists that ask for it: of the study, of the trial that it
emulates, of the qualitative strand."""

from __future__ import annotations

from pydantic import Field

from evalweave.study.section import Section


class Statements(Section):
    """Of the whole study, in the authors' own words; a blank prints as not stated."""

    abstract: str = Field("", description="The abstract: what was done and what was found.")
    background: str = Field("", description="What is known, what is not, and why it matters.")
    hypotheses: str = Field("", description="What was expected beforehand.")
    databases: str = Field(
        "", description="Type of data and names of the databases: whose records, made for what."
    )
    setting: str = Field("", description="Where: region, kind of care.")
    linkage: str = Field(
        "",
        description="Whether records were linked with others, at what level, how, and how well.",
    )
    data_access: str = Field("", description="How much of the database the authors could see.")
    validation: str = Field(
        "", description="Studies that validated the code lists, or that there are none."
    )
    study_size: str = Field("", description="Whether a size was set beforehand, and how.")
    limitations: str = Field("", description="Limits of the study, and where they point.")
    record_limitations: str = Field(
        "",
        description="Limits of records not made for this question: misclassification, unmeasured "
        "confounding, missing values, changes over time.",
    )
    interpretation: str = Field("", description="What it means beside other evidence.")
    generalisability: str = Field("", description="To whom it may carry over, and to whom not.")
    protocol: str = Field("", description="Where the protocol or analysis plan stands.")
    registration: str = Field("", description="Register, number and date; or not registered.")
    funders_role: str = Field("", description="What part the funders had in the study.")
    interests: str = Field("", description="Competing interests of each author, or none.")
    data_availability: str = Field("", description="Who may have the data, and how.")
    code_availability: str = Field("", description="Where code and code lists can be had.")


class TargetTrial(Section):
    """The trial that the study would have been, in the authors' own words."""

    rationale: str = Field("", description="Why a trial is emulated; trials it follows.")
    eligibility: str = Field("", description="Who would be eligible.")
    strategies: str = Field("", description="What would be compared, in detail.")
    assignment: str = Field("", description="How arms would be assigned, and who would know.")
    follow_up: str = Field("", description="When follow-up would begin and end.")
    outcomes: str = Field("", description="What would be measured, how and when.")
    contrasts: str = Field("", description="Which effects, of what on whom, in which measure.")
    assumptions: str = Field("", description="What would have to hold to identify them.")
    analysis: str = Field("", description="How the trial would be analysed.")


class Reporting(Section):
    """In the authors' own words; a blank prints as not stated in every checklist that asks."""

    rationale: str = Field("", description="Why mixed methods.")
    priority: str = Field("", description="Purpose, priority and sequence of the methods.")
    approach: str = Field("", description="Methodological orientation and paradigm.")
    researchers: str = Field("", description="Who collected the data: training, experience, role.")
    reflexivity: str = Field(
        "", description="What the researchers brought with them, and how it was reflected on."
    )
    relationship: str = Field("", description="What researchers and participants knew of another.")
    setting: str = Field("", description="Where, and in what context.")
    sampling: str = Field("", description="How participants were sampled, and how many.")
    recruitment: str = Field("", description="How they were approached, and who declined and why.")
    participants: str = Field("", description="Who took part.")
    data_collection: str = Field("", description="How data were collected, when, who was present.")
    instruments: str = Field("", description="Topic guides, prompts, whether they were piloted.")
    recording: str = Field("", description="Recording, field notes, transcription, duration.")
    saturation: str = Field("", description="Whether and how saturation was judged.")
    analysis: str = Field("", description="How data were coded and themes derived, by whom.")
    software: str = Field("", description="The program in which data were coded.")
    trustworthiness: str = Field(
        "", description="Checks: returned transcripts, participants' comments, audit trail."
    )
    integration: str = Field("", description="Where and how the strands were integrated, by whom.")
    insights: str = Field("", description="What only the mixing of methods showed.")
    limitations: str = Field("", description="Limits, and of one method those brought by another.")
    transferability: str = Field("", description="Prior work, implications, transferability.")
    ethics: str = Field("", description="Ethical approval and consent.")
    interests: str = Field("", description="Conflicts of interest.")
    funding: str = Field("", description="Funding and the role of funders.")
