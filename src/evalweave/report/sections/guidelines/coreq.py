"""COREQ, for interviews and focus groups; only where the authors state anything of what it asks."""

from __future__ import annotations

from evalweave.report.data import ReportData
from evalweave.report.sections.guidelines import said
from evalweave.report.sections.guidelines.guideline import Guideline, Item, stated


def declared(data: ReportData) -> bool:
    """Return whether anything is stated of the qualitative strand, or by COREQ's own items."""
    strand = data.study.qualitative
    own = any(key.casefold().startswith("coreq") for key in data.study.report.checklist)
    return strand is not None and (own or any(strand.reporting.model_dump().values()))


COREQ = Guideline(
    "COREQ",
    "interviews and focus groups",
    "Tong A, Sainsbury P, Craig J. International Journal for Quality in Health Care "
    "2007;19:349–357. doi:10.1093/intqhc/mzm042",
    (
        Item("1", "Who interviewed", stated("qualitative.reporting.researchers")),
        Item("2", "Their credentials", stated("qualitative.reporting.researchers")),
        Item("3", "Their occupation", stated("qualitative.reporting.researchers")),
        Item("4", "Their gender", stated("qualitative.reporting.researchers")),
        Item("5", "Their experience and training", stated("qualitative.reporting.researchers")),
        Item("6", "Relationship before the study", stated("qualitative.reporting.relationship")),
        Item(
            "7",
            "What participants knew of the interviewer",
            stated("qualitative.reporting.relationship"),
        ),
        Item(
            "8",
            "Interviewer’s assumptions and interests",
            stated("qualitative.reporting.reflexivity"),
        ),
        Item(
            "9", "Methodological orientation and theory", stated("qualitative.reporting.approach")
        ),
        Item("10", "Sampling", stated("qualitative.reporting.sampling")),
        Item("11", "How participants were approached", stated("qualitative.reporting.recruitment")),
        Item("12", "Sample size", stated("qualitative.reporting.sampling")),
        Item(
            "13", "Who refused or dropped out, and why", stated("qualitative.reporting.recruitment")
        ),
        Item("14", "Where data were collected", stated("qualitative.reporting.setting")),
        Item("15", "Who else was present", stated("qualitative.reporting.data_collection")),
        Item("16", "Description of the sample", stated("qualitative.reporting.participants")),
        Item("17", "Interview guide, piloted or not", stated("qualitative.reporting.instruments")),
        Item("18", "Repeat interviews", stated("qualitative.reporting.data_collection")),
        Item("19", "Audio or visual recording", stated("qualitative.reporting.recording")),
        Item("20", "Field notes", stated("qualitative.reporting.recording")),
        Item("21", "Duration", stated("qualitative.reporting.recording")),
        Item("22", "Saturation", stated("qualitative.reporting.saturation")),
        Item("23", "Transcripts returned", stated("qualitative.reporting.trustworthiness")),
        Item("24", "Number of coders", stated("qualitative.reporting.analysis")),
        Item("25", "Coding tree", stated("qualitative.reporting.analysis")),
        Item("26", "How themes were derived", stated("qualitative.reporting.analysis")),
        Item("27", "Software", stated("qualitative.reporting.software")),
        Item(
            "28",
            "Participants’ feedback on findings",
            stated("qualitative.reporting.trustworthiness"),
        ),
        Item("29", "Quotations presented, each identified"),
        Item("30", "Data and findings consistent"),
        Item("31", "Major themes clearly presented", (said.themes,)),
        Item("32", "Minor themes and diverse cases discussed"),
    ),
    applies=declared,
)
