"""TARGET: observational studies that emulate a target trial.

The trial itself (items 6) is only what the authors state; the emulation (items 7) is what was run.
"""

from __future__ import annotations

from evalweave.report.sections.guidelines import said
from evalweave.report.sections.guidelines.guideline import Guideline, Item, in_either, stated

TARGET = Guideline(
    "TARGET",
    "studies that emulate a target trial",
    "Cashin AG, Hansford HJ, Hernán MA, et al. JAMA 2025;334:1084–1093. "
    "doi:10.1001/jama.2025.13350; BMJ 2025;390:e087179. doi:10.1136/bmj-2025-087179",
    (
        Item("1a", "That a trial is emulated, and which", stated("study.reporting.abstract")),
        Item("1b", "Data sources of the emulation", stated("study.reporting.databases")),
        Item(
            "1c",
            "Assumptions, methods, findings, conclusion in short",
            (said.assumption, said.estimation, said.main, said.called),
        ),
        Item("2", "Background and gap", stated("study.reporting.background")),
        Item("3", "The causal question", (said.question,)),
        Item(
            "4", "Why a trial is emulated with these data", stated("study.target_trial.rationale")
        ),
        Item(
            "5",
            "Data sources: purpose, type, place, setting, time, linkage",
            (
                *stated(
                    "study.reporting.databases",
                    "study.reporting.setting",
                    "study.reporting.linkage",
                ),
                said.dates,
            ),
        ),
        Item("6a", "Trial: who is eligible", stated("study.target_trial.eligibility")),
        Item("6b", "Trial: strategies compared", stated("study.target_trial.strategies")),
        Item("6c", "Trial: assignment", stated("study.target_trial.assignment")),
        Item("6d", "Trial: start and end of follow-up", stated("study.target_trial.follow_up")),
        Item("6e", "Trial: outcomes", stated("study.target_trial.outcomes")),
        Item("6f", "Trial: causal contrasts", stated("study.target_trial.contrasts")),
        Item("6g", "Trial: identifying assumptions", stated("study.target_trial.assumptions")),
        Item("6h", "Trial: analysis", stated("study.target_trial.analysis")),
        Item("7a", "Emulation: eligibility", (said.eligible,)),
        Item("7b", "Emulation: strategies", (said.exposure,)),
        Item("7c", "Emulation: assignment", (said.design, said.weighted)),
        Item("7d", "Emulation: follow-up", (said.dates, said.movers)),
        Item("7e", "Emulation: outcomes", (said.outcomes,)),
        Item("7f", "Emulation: causal contrasts", (said.contrast, said.absolute)),
        Item("7g(i)", "Emulation: assumptions", (said.assumption, said.parallel)),
        Item("7g(ii)", "Emulation: variables of the assumptions", (said.adjusted, said.weighted)),
        Item(
            "7h(i)",
            "Emulation: analysis, with missing data",
            (said.estimation, said.inference, said.complete_cases),
        ),
        Item("7h(ii)", "Emulation: sensitivity to its choices", (said.sensitivity,)),
        Item("8", "Numbers assessed, eligible, in each arm", (said.numbers, said.size)),
        Item("9", "Characteristics by arm", (said.baseline,)),
        Item("10", "Length and end of follow-up by arm", (said.followed,)),
        Item("11", "Missing data by arm", (said.unknown_values, said.who_measured, said.measured)),
        Item("12", "Outcomes by arm", (said.means,)),
        Item("13", "Effect estimates with precision", (said.main, said.absolute)),
        Item("14", "Results of sensitivity analyses", (said.other_results, said.judged)),
        Item(
            "15",
            "Interpretation for the causal question",
            (said.called, *stated("study.reporting.interpretation")),
        ),
        Item(
            "16",
            "Limits: trial and emulation, plausibility of the assumptions",
            (said.objection, *stated("study.reporting.limitations")),
        ),
        Item(
            "17",
            "Ethical approval",
            (in_either("approval"),),
        ),
        Item("18", "Registration", stated("study.reporting.registration")),
        Item(
            "19",
            "Access to data, code and materials",
            stated("study.reporting.data_availability", "study.reporting.code_availability"),
        ),
        Item(
            "20",
            "Funding and the role of funders",
            (
                in_either("funding"),
                *stated("study.reporting.funders_role"),
            ),
        ),
        Item(
            "21",
            "Conflicts of interest",
            (in_either("interests"),),
        ),
    ),
)
