"""Items of RECORD and GRAMMS, each in our own few words, with where the report answers it.

RECORD extends STROBE for routinely collected data (Benchimol et al., PLoS Med 2015;12:e1001885);
GRAMMS is for mixed methods (O'Cathain et al., J Health Serv Res Policy 2008;13:92). `section` is
the report section that answers an item by itself; blank where only the authors can.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    number: str
    asks: str
    section: str = ""


RECORD = (
    Item("1.1", "Type of data, and names of databases, in title or abstract"),
    Item("1.2", "Region and time span in title or abstract"),
    Item("1.3", "Linkage between databases stated in title or abstract"),
    Item("2", "Background and rationale"),
    Item("3", "Objectives, with hypotheses", "answer"),
    Item("4", "Design, early in the paper", "methods"),
    Item("5", "Setting, places and dates", "methods"),
    Item("6.1", "Codes and algorithms that selected people", "studied"),
    Item("6.2", "Validation of these codes and algorithms"),
    Item("6.3", "Linkage of data, as a flow diagram", "studied"),
    Item("7.1", "Full code lists of exposure, outcome and confounders", "quality"),
    Item("8", "Sources of data and how things were measured", "methods"),
    Item("9", "Efforts against bias", "believed"),
    Item("10", "How the study size came about", "studied"),
    Item("11", "How quantities were handled", "methods"),
    Item("12", "Statistical methods", "methods"),
    Item("12.1", "Access of the authors to the database"),
    Item("12.2", "How data were cleaned", "quality"),
    Item("12.3", "Linkage: level, method and quality"),
    Item("13.1", "Selection of people, with filters, in a flow diagram", "studied"),
    Item("14", "Characteristics of people and missing data", "studied"),
    Item("15", "Numbers of outcome measurements over time", "quality"),
    Item("16", "Main results with precision", "happened"),
    Item("17", "Other analyses: subgroups, sensitivity", "happened"),
    Item("18", "Key results", "answer"),
    Item(
        "19.1",
        "Limits of data not made for this question: misclassification, unmeasured confounding, "
        "missing data, change of eligibility over time",
        "believed",
    ),
    Item("20", "Cautious overall interpretation", "answer"),
    Item("21", "Whether results carry over to others"),
    Item("22", "Funding and the role of funders"),
    Item("22.1", "Access to protocol, raw data and code", "provenance"),
)

GRAMMS = (
    Item("1", "Why a mixed-methods approach"),
    Item("2", "Purpose, priority and sequence of the methods"),
    Item("3", "Each method: sampling, data collection, analysis", "methods"),
    Item("4", "Where and how the strands were integrated, and by whom", "together"),
    Item("5", "Limits of one method that come with the other"),
    Item("6", "Insights from mixing the methods", "together"),
)
