"""CHEERS 2022: economic evaluations. It applies where costs are studied, and leaves no trace
elsewhere."""

from __future__ import annotations

from evalweave.report.sections.guidelines import said, said_costs
from evalweave.report.sections.guidelines.guideline import Guideline, Item, in_either, stated

CHEERS = Guideline(
    "CHEERS",
    "economic evaluations",
    "Husereau D, Drummond M, Augustovski F, et al. BMJ 2022;376:e067975. "
    "doi:10.1136/bmj-2021-067975",
    (
        Item("1", "Title that names an economic evaluation and what is compared"),
        Item("2", "Structured summary", stated("study.reporting.abstract")),
        Item(
            "3",
            "Context, question, relevance for decisions",
            (*stated("study.reporting.background"), said.question),
        ),
        Item(
            "4", "Whether there was an analysis plan, and where", stated("study.reporting.protocol")
        ),
        Item("5", "Who was studied", (said.eligible, said.baseline)),
        Item("6", "Setting and place", stated("study.reporting.setting")),
        Item("7", "What is compared, and why", (said_costs.comparators,)),
        Item("8", "Perspective, and why", (said_costs.perspective,)),
        Item("9", "Time horizon, and why", (said.dates,)),
        Item("10", "Discount rates, and why", (said_costs.discounting,)),
        Item("11", "Outcomes that measure benefit and harm", (said_costs.outcomes,)),
        Item("12", "How they were measured", (said_costs.measured,)),
        Item("13", "How they were valued, and by whom", (said_costs.valuation,)),
        Item("14", "How resources and costs were measured and valued", (said_costs.resources,)),
        Item("15", "Currency, dates of prices, conversion", (said_costs.currency,)),
        Item("16", "Any model, why, and where it can be had", (said_costs.no_model,)),
        Item("17", "Analysis, and what it assumes", (said_costs.analysis,)),
        Item("18", "How results may vary between groups", (said_costs.heterogeneity,)),
        Item("19", "How impacts are distributed, priority groups", (said_costs.distribution,)),
        Item("20", "How uncertainty was looked at", (said_costs.uncertainty,)),
        Item("21", "Whether and how the public and others who are concerned took part"),
        Item("22", "All inputs, with their uncertainty", (said_costs.parameters,)),
        Item("23", "Mean costs and outcomes, and the summary measure", (said_costs.results,)),
        Item("24", "What uncertainty does to the findings", (said_costs.sensitivity,)),
        Item("25", "What their part changed"),
        Item(
            "26",
            "Findings, limits, ethics and equity, what they mean for policy",
            stated(
                "study.reporting.interpretation",
                "study.reporting.limitations",
                "study.reporting.generalisability",
            ),
        ),
        Item(
            "27",
            "Funding and the role of funders",
            (
                in_either("funding"),
                *stated("study.reporting.funders_role"),
            ),
        ),
        Item(
            "28",
            "Conflicts of interest",
            (in_either("interests"),),
        ),
    ),
    applies=said_costs.studied,
)
