"""Items of RECORD, GRAMMS, SRQR and COREQ, each in our own few words, with what answers them.

RECORD extends STROBE for routinely collected data (Benchimol et al., PLoS Med 2015;12:e1001885);
GRAMMS is for mixed methods (O'Cathain et al., J Health Serv Res Policy 2008;13:92). `section` is
the report section that answers an item by itself; blank where only the authors can. `keys` are the
study keys (`qualitative: reporting:`) in which the authors answer it: items of the qualitative
checklists are answered from what is stated there, and nowhere else.

SRQR: O'Brien et al., Acad Med 2014;89:1245; COREQ: Tong, Sainsbury & Craig, Int J Qual Health Care
2007;19:349.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    number: str
    asks: str
    section: str = ""
    keys: tuple[str, ...] = ()


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
    Item("1", "Why a mixed-methods approach", keys=("rationale",)),
    Item("2", "Purpose, priority and sequence of the methods", keys=("priority",)),
    Item(
        "3",
        "Each method: sampling, data collection, analysis",
        keys=("sampling", "data_collection", "analysis"),
    ),
    Item("4", "Where and how the strands were integrated, and by whom", keys=("integration",)),
    Item("5", "Limits of one method that come with the other", keys=("limitations",)),
    Item("6", "Insights from mixing the methods", keys=("insights",)),
)

SRQR = (
    Item("S1", "Title that names the study as qualitative or its approach"),
    Item("S2", "Abstract"),
    Item("S3", "The problem and its significance", keys=("rationale",)),
    Item("S4", "Purpose or research question"),
    Item("S5", "Qualitative approach and paradigm", keys=("approach",)),
    Item("S6", "Researchers’ characteristics and reflexivity", keys=("researchers", "reflexivity")),
    Item("S7", "Context", keys=("setting",)),
    Item("S8", "Sampling strategy, and when sampling ended", keys=("sampling", "saturation")),
    Item("S9", "Ethical issues", keys=("ethics",)),
    Item("S10", "Methods of data collection", keys=("data_collection",)),
    Item("S11", "Instruments and technologies", keys=("instruments", "recording")),
    Item("S12", "Units of study: who and what", keys=("participants",)),
    Item("S13", "How data were processed", keys=("recording",)),
    Item("S14", "How data were analysed", keys=("analysis",)),
    Item("S15", "Techniques for trustworthiness", keys=("trustworthiness",)),
    Item("S16", "Synthesis and interpretation", keys=("insights",)),
    Item("S17", "Links to empirical data"),
    Item("S18", "Prior work, implications, transferability", keys=("transferability",)),
    Item("S19", "Limitations", keys=("limitations",)),
    Item("S20", "Conflicts of interest", keys=("interests",)),
    Item("S21", "Funding", keys=("funding",)),
)

COREQ = (
    *(
        Item(number, asks, keys=("researchers",))
        for number, asks in (
            ("1", "Who interviewed"),
            ("2", "Their credentials"),
            ("3", "Their occupation"),
            ("4", "Their gender"),
            ("5", "Their experience and training"),
        )
    ),
    Item("6", "Relationship before the study", keys=("relationship",)),
    Item("7", "What participants knew of the interviewer", keys=("relationship",)),
    Item("8", "Interviewer’s assumptions and interests", keys=("reflexivity",)),
    Item("9", "Methodological orientation and theory", keys=("approach",)),
    Item("10", "Sampling", keys=("sampling",)),
    Item("11", "How participants were approached", keys=("recruitment",)),
    Item("12", "Sample size", keys=("sampling",)),
    Item("13", "Who refused or dropped out, and why", keys=("recruitment",)),
    Item("14", "Where data were collected", keys=("setting",)),
    Item("15", "Who else was present", keys=("data_collection",)),
    Item("16", "Description of the sample", keys=("participants",)),
    Item("17", "Interview guide, piloted or not", keys=("instruments",)),
    Item("18", "Repeat interviews", keys=("data_collection",)),
    Item("19", "Audio or visual recording", keys=("recording",)),
    Item("20", "Field notes", keys=("recording",)),
    Item("21", "Duration", keys=("recording",)),
    Item("22", "Saturation", keys=("saturation",)),
    Item("23", "Transcripts returned", keys=("trustworthiness",)),
    Item("24", "Number of coders", keys=("analysis",)),
    Item("25", "Coding tree", keys=("analysis",)),
    Item("26", "How themes were derived", keys=("analysis",)),
    Item("27", "Software", keys=("software",)),
    Item("28", "Participants’ feedback on findings", keys=("trustworthiness",)),
    Item("29", "Quotations presented, each identified"),
    Item("30", "Data and findings consistent"),
    Item("31", "Major themes clearly presented"),
    Item("32", "Minor themes and diverse cases discussed"),
)
