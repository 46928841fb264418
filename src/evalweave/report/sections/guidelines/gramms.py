"""GRAMMS, for mixed methods, answered by what the authors state and by nothing else."""

from __future__ import annotations

from evalweave.report.sections.guidelines.guideline import Guideline, Item, stated

GRAMMS = Guideline(
    "GRAMMS",
    "mixed-methods studies",
    "O’Cathain A, Murphy E, Nicholl J. Journal of Health Services Research & Policy "
    "2008;13:92–98. doi:10.1258/jhsrp.2007.007074",
    (
        Item("1", "Why a mixed-methods approach", stated("qualitative.reporting.rationale")),
        Item(
            "2",
            "Purpose, priority and sequence of the methods",
            stated("qualitative.reporting.priority"),
        ),
        Item(
            "3",
            "Each method: sampling, data collection, analysis",
            stated(
                "qualitative.reporting.sampling",
                "qualitative.reporting.data_collection",
                "qualitative.reporting.analysis",
            ),
        ),
        Item(
            "4",
            "Where and how the strands were integrated, and by whom",
            stated("qualitative.reporting.integration"),
        ),
        Item(
            "5",
            "Limits of one method that come with the other",
            stated("qualitative.reporting.limitations"),
        ),
        Item("6", "Insights from mixing the methods", stated("qualitative.reporting.insights")),
    ),
    applies=lambda data: data.study.qualitative is not None,
)
