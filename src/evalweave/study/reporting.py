"""What the authors state about the qualitative strand, for the checklists that ask for it."""

from __future__ import annotations

from pydantic import Field

from evalweave.study.section import Section


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
