"""Methods, written by the run: each sentence from the study file or from what was run, with formula
and reference."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from typing import Any

from evalweave.catalogue import references
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.catalogue.projects import PROJECTS
from evalweave.quantities import unit_of_differences
from evalweave.release.numbers import confidence, joined, p_value, plain, sentence
from evalweave.report import criteria
from evalweave.report.blocks import Details, Heading, Listing, Prose, Section, Text
from evalweave.report.data import ReportData, methods_used, primary_inference
from evalweave.report.formulas import formula
from evalweave.report.outcome_words import deaths, made
from evalweave.report.sections.balanced import METHODS as BALANCING
from evalweave.report.sentences import method
from evalweave.report.terms import in_words, variable
from evalweave.study.analyses import Analysis
from evalweave.study.periods import Window
from evalweave.study.whole import Study

KINDS = {
    "never_treated": "practices that never had the programme",
    "not_yet_treated": "practices that did not have the programme yet",
    "not_referred": "eligible people of programme practices who were not referred (selected; "
    "descriptive only)",
}
ALLOCATED = {
    "": [],
    "practice": ["The programme was given out practice by practice."],
    "area": [
        "The programme was given to whole areas, so that areas are what a design-based interval "
        "would compare."
    ],
}
STRADDLING = {
    "drop": "left out",
    "treated": "counted as with the programme",
    "untreated": "counted as without the programme",
}


def section(data: ReportData) -> Section:
    """Return the methods of this run."""
    study = data.study
    blocks: list[Any] = [
        Prose("Every sentence below is written from the study file and from what was run.", "note")
    ]
    blocks += [
        Heading("Design"),
        *_prose(design(study)),
        Heading("People and outcomes"),
        *_prose(_people(data)),
    ]
    blocks += [Heading("Estimation"), *_estimation(data)]
    blocks += [Heading("Inference"), *_inference(data)]
    if study.qualitative:
        blocks += [Heading("The qualitative strand"), *_prose(_qualitative(data))]
    blocks += [Heading("Disclosure control"), Prose(_disclosure(data))]
    if study.study.builds_on:
        blocks += [Heading("What the study builds on"), Listing(tuple(study.study.builds_on))]
    cited = _cited(data)
    if cited:
        blocks += [Heading("References"), Listing(tuple(cited))]
    return Section("methods", "Methods", tuple(blocks))


def _prose(sentences: list[str]) -> list[Prose]:
    return [Prose(" ".join(sentences))]


def _anchor(window: Window) -> str:
    """Return with which month periods begin, where it is not the usual one."""
    if not isinstance(window.anchor, int):
        return ""
    return f" (counted from the beginning of {calendar.month_name[window.anchor]})"


def design(study: Study) -> list[str]:
    window, exposure, eligibility = study.window, study.exposure, study.eligibility
    when = f"on {criteria.day(eligibility)}"
    comparison = study.comparisons[study.primary_comparison]
    sentences = [
        f"Difference-in-differences over {window.first.isoformat()} to {window.last.isoformat()} "
        "in periods of one "
        f"{plain(window.period)}{_anchor(window)}, by intention to treat: a person belongs to "
        "the arm of the practice where they were "
        f"registered {when}, whether or not they used the programme.",
        criteria.kind(eligibility)
        if eligibility.cohort == "open"
        else "The cohort is closed: it was fixed on that day.",
        f"The comparison group is {KINDS[comparison.kind]}"
        + (f" ({comparison.label})" if comparison.label not in ("", KINDS[comparison.kind]) else "")
        + ".",
        "A period in which a programme starts part of the way through is "
        f"{STRADDLING[exposure.straddling]}.",
    ]
    sentences += ALLOCATED[study.allocation.level if study.allocation else ""]
    if exposure.washout_days:
        sentences.append(f"The first {exposure.washout_days} days after a start are left out.")
    sentences.append(
        "People who move to a practice of the other arm are followed until the move."
        if exposure.moves == "censor"
        else "People who move to a practice of the other arm, or one that started on another day, "
        "are followed until the move."
        if exposure.moves == "censor_starts"
        else "People who move to a practice of the other arm are followed on in the arm where they "
        "began."
    )
    if len(study.comparisons) > 1:
        others = [
            c.label or plain(n)
            for n, c in study.comparisons.items()
            if n != study.primary_comparison
        ]
        sentences.append(f"Other comparison groups: {joined(others)}.")
    for name, group in study.comparisons.items():
        if group.balance != "none":
            sentences.append(
                f"Comparison patients of “{group.label or plain(name)}” are weighted by "
                f"{BALANCING[group.balance]} to resemble the "
                f"programme arm in {joined([variable(n) for n in group.balance_on])}."
            )
    return sentences


def _people(data: ReportData) -> list[str]:
    study = data.study
    e = study.eligibility
    sentences = [f"Eligible were people {criteria.people(e)}.", *criteria.rules(e)]
    if e.additional_conditions:
        sentences.append(
            f"Additional conditions counted: {joined([plain(n) for n in e.additional_conditions])}."
        )
    return [*sentences, *outcomes_in_words(data, study.outcomes)]


def outcomes_in_words(data: ReportData, names: Iterable[str]) -> list[str]:
    """Return a sentence an outcome, and how differences came into other units."""
    sentences: list[str] = []
    names = list(names)
    for name in names:
        outcome = data.study.outcomes[name]
        dead = deaths(outcome)
        sentences.append(
            f"{sentence(data.outcome_label(name))}: {made(data, name)}"
            + (f"; {dead}." if dead else ".")
            + (" It is a placebo outcome." if outcome.placebo else "")
        )
    sentences += dict.fromkeys(sentence for name in names for sentence in _conversions(data, name))
    return sentences


def _conversions(data: ReportData, name: str) -> list[str]:
    """Return how differences of an outcome came into the other units of the report."""
    quantity, outcome = data.quantity(name), data.study.outcomes[name]
    own = quantity.unit(outcome.unit)
    described = quantity.meaning.partition(",")[0]
    return [
        f"Differences in {quantity.label} ({described}) are converted from "
        f"{outcome.difference_unit} to {unit_of_differences(unit)} by the slope of the "
        f"{quantity.conversion}, {(own if own.slope != 1 else quantity.unit(unit)).slope:g}; a "
        "difference has no intercept."
        for unit in quantity.reported_in
        if quantity.unit(unit) != own
    ]


def _estimation(data: ReportData) -> list[Any]:
    blocks: list[Any] = []
    done: set[str] = set()
    for analysis in data.study.analyses:
        if analysis.estimator in done:
            continue
        done.add(analysis.estimator)
        declared = ESTIMATORS[analysis.estimator]
        mine = [a for a in data.study.analyses if a.estimator == analysis.estimator]
        blocks.append(Prose(f"{declared.words} Used for: {joined([_named(a) for a in mine])}."))
        blocks += formula(declared.formula)
    blocks.append(
        Details(
            "What each analysis was told",
            (Listing(tuple(_options(data, a) for a in data.study.analyses)),),
        )
    )
    return blocks


def _named(analysis: Analysis) -> str:
    label = analysis.label or sentence(plain(analysis.name))
    return f"“{label}”"


def _options(data: ReportData, analysis: Analysis) -> str:
    parts = [
        f"{data.outcome_label(analysis.outcome)}",
        f"compared with {data.comparison_label(analysis.comparison)}",
        f"shown as {data.role(analysis).replace('_', ' ')}",
    ]
    if analysis.subgroup:
        parts.append(f"by {variable(analysis.subgroup)}")
    parts += _adjusted(data, analysis)
    told = ESTIMATORS[analysis.estimator].told
    if told:
        options = analysis.model_dump()
        parts.append(
            told.format(**{key: plain(str(v)).replace("-", "−") for key, v in options.items()})
        )
    parts.append(f"inference {joined([method(n) for n in methods_used(data, analysis)])}")
    if any(INFERENCES[name].draws for name in methods_used(data, analysis)):
        parts.append(f"{analysis.draws:,} draws, seed {analysis.seed}")
    return f"{_named(analysis)}: {'; '.join(parts)}."


def _adjusted(data: ReportData, analysis: Analysis) -> list[str]:
    """Return what was adjusted for, from the columns that entered and not from what was asked."""
    if not analysis.covariates:
        return []
    found = data.diagnostics.get(analysis.name) or {}
    parts = []
    if entered := found.get("adjusted for"):
        parts.append(f"adjusted for {joined([plain(name) for name in entered])}")
    left_out = found.get("not adjusted for", [] if entered else analysis.covariates)
    if left_out:
        names = joined([plain(name) for name in left_out])
        parts.append(f"{names} left out, so that nothing is adjusted for it")
    return parts


def _inference(data: ReportData) -> list[Any]:
    names = list(dict.fromkeys(name for a in data.study.analyses for name in methods_used(data, a)))
    first = primary_inference(data, data.primary)
    paragraphs = [
        Prose(
            "Practices, not people, were allocated, so every interval is clustered by practice. "
            "The declared primary method "
            f"of the main result is {method(first)}, at a level of "
            f"{confidence(data.primary.level)}."
        )
    ]
    items: list[Text] = [f"{sentence(method(name))}: {INFERENCES[name].words}" for name in names]
    said_more: list[Any] = [*paragraphs, Listing(tuple(items))]
    printed = next((name for name in names if INFERENCES[name].formula), None)
    said_more += formula(INFERENCES[printed].formula) if printed else []
    if data.study.family:
        said_more.append(Prose(_family(data)))
    return said_more


def _family(data: ReportData) -> str:
    """Say what is adjusted over the declared family, with what stands in no table of its own."""
    said = (
        "P-values of the declared family (differences between groups, else the main term of an "
        "analysis) are adjusted by Holm’s method."
    )
    rows = [] if data.holm is None else data.holm.to_dict("records")
    adjusted = {str(r["analysis"]): (str(r["term"]), p_value(r["p_holm"])) for r in rows}
    elsewhere = {a.name for role in ("subgroup", "secondary") for a in data.analyses(role)}
    parts = [
        f"{in_words(data, analysis, adjusted[analysis.name][0])} {adjusted[analysis.name][1]}"
        for analysis in data.study.analyses
        if analysis.name in adjusted and analysis.name not in elsewhere
    ]
    return f"{said} Adjusted: {'; '.join(parts)}." if parts else said


def _qualitative(data: ReportData) -> list[str]:
    strand = data.study.qualitative
    assert strand is not None
    written_as = PROJECTS[strand.format].words
    sentences = [
        f"The coded project was read from {written_as}; "
        "participants, not references, are counted, out of those who were asked about the theme. "
        "Codes are rolled up to "
        "themes by set union, so that nobody counts twice; voices (clients, link workers, family) "
        "are never pooled.",
        f"No percentages below {strand.percent_from} people, no p-values on counts; counts of "
        "participants below "
        f"{strand.min_cell} are hidden, and attributes beside a quotation are shared by at least "
        f"{strand.quote_k} people.",
    ]
    if data.joint is not None and len(data.joint):
        sentences.append(
            "Claims were declared with a sign and a smallest difference that matters; a fixed rule "
            "compares the 95 % interval "
            "with the margin and people’s stances with each other (rule version "
            f"{data.joint['rule_version'].iloc[0]})."
        )
    return sentences


def _disclosure(data: ReportData) -> str:
    return (
        f"Released under the profile {data.profile.name}: {data.profile.note} Numbers of practices "
        "are exact; practices are "
        "not named. A last step read every released file again and looked for identifiers and "
        "small or unrounded counts."
    )


def _cited(data: ReportData) -> list[str]:
    cited = {references.RECORD, *([references.GRAMMS] if data.study.qualitative else [])}
    for analysis in data.study.analyses:
        cited.update(ESTIMATORS[analysis.estimator].references)
        for name in methods_used(data, analysis):
            cited.update(INFERENCES[name].references)
    if any(data.diagnostic(a.name, "pretrend") for a in data.study.analyses):
        cited.add(references.ROTH_2022)
    if data.joint is not None:
        cited |= {references.FARMER_2006, references.OCATHAIN_2010}
    return sorted(cited)
