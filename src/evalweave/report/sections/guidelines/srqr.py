"""SRQR, for qualitative research."""

from __future__ import annotations

from evalweave.report.sections.guidelines import said
from evalweave.report.sections.guidelines.guideline import (
    Guideline,
    Item,
    either,
    in_either,
    stated,
)

SRQR = Guideline(
    "SRQR",
    "qualitative research",
    "O’Brien BC, et al. Academic Medicine 2014;89:1245–1251. doi:10.1097/ACM.0000000000000388",
    (
        Item(
            "S1",
            "Title that names the study as qualitative or its approach",
            (said.approach_named,),
        ),
        Item("S2", "Abstract", stated("study.reporting.abstract")),
        Item(
            "S3",
            "The problem and its significance",
            (either("qualitative.reporting.rationale", "study.reporting.background"),),
        ),
        Item("S4", "Purpose or research question", (said.question,)),
        Item("S5", "Qualitative approach and paradigm", stated("qualitative.reporting.approach")),
        Item(
            "S6",
            "Researchers’ characteristics and reflexivity",
            stated("qualitative.reporting.researchers", "qualitative.reporting.reflexivity"),
        ),
        Item("S7", "Context", stated("qualitative.reporting.setting")),
        Item(
            "S8",
            "Sampling strategy, and when sampling ended",
            stated("qualitative.reporting.sampling", "qualitative.reporting.saturation"),
        ),
        Item(
            "S9",
            "Ethical issues",
            (in_either("approval", "qualitative"),),
        ),
        Item("S10", "Methods of data collection", stated("qualitative.reporting.data_collection")),
        Item(
            "S11",
            "Instruments and technologies",
            stated("qualitative.reporting.instruments", "qualitative.reporting.recording"),
        ),
        Item("S12", "Units of study: who and what", stated("qualitative.reporting.participants")),
        Item("S13", "How data were processed", stated("qualitative.reporting.recording")),
        Item("S14", "How data were analysed", stated("qualitative.reporting.analysis")),
        Item(
            "S15", "Techniques for trustworthiness", stated("qualitative.reporting.trustworthiness")
        ),
        Item(
            "S16",
            "Synthesis and interpretation",
            (said.themes, *stated("qualitative.reporting.insights")),
        ),
        Item("S17", "Links to empirical data", (said.quotations,)),
        Item(
            "S18",
            "Prior work, implications, transferability",
            stated("qualitative.reporting.transferability"),
        ),
        Item("S19", "Limitations", stated("qualitative.reporting.limitations")),
        Item(
            "S20",
            "Conflicts of interest",
            (in_either("interests", "qualitative"),),
        ),
        Item("S21", "Funding", (in_either("funding", "qualitative"),)),
    ),
    applies=lambda data: data.study.qualitative is not None,
)
