"""RECORD with the items of STROBE (cohort studies) that it extends."""

from __future__ import annotations

from evalweave.report.sections.guidelines import said
from evalweave.report.sections.guidelines.guideline import Guideline, Item, in_either, stated

RECORD = Guideline(
    "RECORD",
    "routinely collected health data, with STROBE",
    "Benchimol EI, et al. PLoS Medicine 2015;12:e1001885. doi:10.1371/journal.pmed.1001885. "
    "STROBE: von Elm E, et al. PLoS Medicine 2007;4:e296. doi:10.1371/journal.pmed.0040296",
    (
        Item("1a", "Design named in title or abstract", (said.design_named,)),
        Item("1b", "Abstract: what was done and found", stated("study.reporting.abstract")),
        Item("1.1", "Type of data, and names of databases", stated("study.reporting.databases")),
        Item("1.2", "Region and time span", (*stated("study.reporting.setting"), said.dates)),
        Item("1.3", "Whether databases were linked", stated("study.reporting.linkage")),
        Item("2", "Background and rationale", stated("study.reporting.background")),
        Item(
            "3",
            "Objectives, with hypotheses",
            (said.question, *stated("study.reporting.hypotheses")),
        ),
        Item("4", "Design", (said.design,)),
        Item("5", "Setting, places and dates", (*stated("study.reporting.setting"), said.dates)),
        Item("6a", "Eligibility, and how people were followed", (said.eligible, said.movers)),
        Item("6b", "Matching: criteria and numbers", (said.weighted,)),
        Item("6.1", "Codes that selected people", (said.eligible, said.code_lists)),
        Item("6.2", "Validation of these codes", stated("study.reporting.validation")),
        Item("6.3", "Linkage of data, step by step", stated("study.reporting.linkage")),
        Item(
            "7",
            "Exposure, outcomes, confounders, what may modify",
            (said.exposure, said.outcomes, said.adjusted, said.subgroups),
        ),
        Item(
            "7.1",
            "Full code lists",
            (said.code_lists, *stated("study.reporting.code_availability")),
        ),
        Item("8", "Sources of data and how things were measured", (said.outcomes,)),
        Item("9", "Efforts against bias", (said.sensitivity,)),
        Item(
            "10",
            "How the study size came about",
            (said.size, said.detectable, *stated("study.reporting.study_size")),
        ),
        Item("11", "How quantities were handled", (said.outcomes,)),
        Item(
            "12a",
            "Statistical methods, with control of confounding",
            (said.estimation, said.inference, said.adjusted),
        ),
        Item("12b", "Methods for subgroups", (said.subgroups,)),
        Item("12c", "How missing data were handled", (said.complete_cases, said.measured)),
        Item("12d", "How loss to follow-up was handled", (said.movers,)),
        Item("12e", "Sensitivity analyses", (said.sensitivity,)),
        Item(
            "12.1", "Access of the authors to the database", stated("study.reporting.data_access")
        ),
        Item("12.2", "How data were cleaned", (said.cleaning,)),
        Item("12.3", "Linkage: level, method and quality", stated("study.reporting.linkage")),
        Item("13a", "Numbers at each stage", (said.numbers, said.size)),
        Item("13b", "Why people were left out", (said.reasons,)),
        Item("13c", "A flow diagram", (said.numbers,)),
        Item("13.1", "How people were selected, with filters", (said.eligible, said.reasons)),
        Item("14a", "Characteristics of people", (said.baseline,)),
        Item("14b", "Missing values of each variable", (said.unknown_values, said.who_measured)),
        Item("14c", "Follow-up time", (said.followed,)),
        Item("15", "Outcomes over time", (said.means,)),
        Item("16a", "Main result, with precision and adjustment", (said.main, said.adjusted)),
        Item("16b", "Boundaries of categories"),
        Item("16c", "Absolute beside relative risk", (said.absolute,)),
        Item("17", "Other analyses", (said.other_results,)),
        Item("18", "Key results", (said.main, said.called)),
        Item(
            "19",
            "Limitations, with direction of bias",
            (said.objection, *stated("study.reporting.limitations")),
        ),
        Item(
            "19.1",
            "Limits of data not made for this question: misclassification, unmeasured "
            "confounding, missing data, changing eligibility",
            stated("study.reporting.record_limitations"),
        ),
        Item(
            "20",
            "Cautious overall interpretation",
            (said.called, *stated("study.reporting.interpretation")),
        ),
        Item(
            "21",
            "Whether results carry over to others",
            stated("study.reporting.generalisability"),
        ),
        Item(
            "22",
            "Funding and the role of funders",
            (
                in_either("funding"),
                *stated("study.reporting.funders_role"),
            ),
        ),
        Item(
            "22.1",
            "Access to protocol, raw data and code",
            stated(
                "study.reporting.protocol",
                "study.reporting.data_availability",
                "study.reporting.code_availability",
            ),
        ),
    ),
)
