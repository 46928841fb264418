"""What the run can say for a guideline: one sentence a function, from the study file or from what
was computed; None where that is not part of the study."""

from __future__ import annotations

from collections.abc import Iterable

from evalweave.catalogue.calls import assumed
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.words import number_of
from evalweave.release.numbers import confidence, joined, plain, sentence
from evalweave.report import criteria, flowchart
from evalweave.report.blocks import Text, text
from evalweave.report.checks import checks
from evalweave.report.checks.evidence import Judged
from evalweave.report.data import ReportData, primary_inference
from evalweave.report.sections import limits, methods
from evalweave.report.sentences import main_sentence, method
from evalweave.report.terms import variable
from evalweave.report.verdict import verdict
from evalweave.report.whom import released_measured
from evalweave.study.analyses import Analysis

DESIGNS = ("difference-in-difference", "difference in difference", "cohort", "quasi-experiment")
QUALITATIVE = ("qualitative", "mixed-method", "mixed method", "interview", "ethnograph", "focus")


# Title, question, design


def _named(data: ReportData, words: tuple[str, ...]) -> str | None:
    """Return that title or abstract has one of these words, quoting the title."""
    about = data.study.study
    if any(word in about.title.casefold() for word in words):
        return f"The title says so: “{about.title}”."
    if any(word in about.reporting.abstract.casefold() for word in words):
        return "The abstract says so."
    return None


def design_named(data: ReportData) -> str | None:
    return _named(data, DESIGNS)


def approach_named(data: ReportData) -> str | None:
    return _named(data, QUALITATIVE)


def question(data: ReportData) -> str | None:
    return data.study.report.question.strip() or None


def design(data: ReportData) -> str:
    return " ".join(methods.design(data.study)[:3])


def dates(data: ReportData) -> str:
    window, starts = data.study.window, data.starts
    when = {0: "", 1: f"; the programme began on {starts[0]}" if starts else ""}.get(
        len(starts),
        f"; the programme began on {len(starts)} dates, from {starts[0] if starts else ''} to "
        f"{starts[-1] if starts else ''}",
    )
    return (
        f"Records of {window.first.isoformat()} to {window.last.isoformat()} were studied; "
        f"eligibility was fixed on {criteria.day(data.study.eligibility)}{when}."
    )


# People and variables


def eligible(data: ReportData) -> str:
    e = data.study.eligibility
    return " ".join([f"Eligible were people {criteria.people(e)}.", *criteria.rules(e)])


def weighted(data: ReportData) -> str:
    weights = [words for words in methods.design(data.study) if " are weighted by " in words]
    for_measurement = [
        analysis.label or analysis.name
        for analysis in data.study.analyses
        if ESTIMATORS[analysis.estimator].blank_outcomes == "weights"
    ]
    if for_measurement:
        named = joined([f"“{label}”" for label in for_measurement])
        weights.append(f"In {named}, people measured are weighted for those who were not.")
    return " ".join(weights) or "Nobody was matched, and nobody weighted."


def code_lists(data: ReportData) -> str | None:
    if data.codelists is None or data.codelists.empty:
        return None
    read = [
        f"{plain(str(row.codelist))} ({row.file}, {number_of(int(row.n_codes), 'code')})"
        for row in data.codelists.itertuples()
    ]
    return f"Entries were found by these code lists: {joined(read)}."


def exposure(data: ReportData) -> str:
    return (
        "Exposed is who was registered with a practice that had "
        f"{data.study.study.programme}, by the practice on "
        f"{criteria.day(data.study.eligibility)}."
    )


def outcomes(data: ReportData) -> str:
    asked = dict.fromkeys(a.outcome for a in data.study.analyses)
    return " ".join(methods.outcomes_in_words(data, asked))


def adjusted(data: ReportData) -> str:
    return limits.adjusted(data)


def subgroups(data: ReportData) -> str:
    by = dict.fromkeys(variable(a.subgroup) for a in data.study.analyses if a.subgroup)
    if not by:
        return "No subgroups were analysed."
    return f"Subgroups were looked at by {joined(list(by))}."


# Analysis


def size(data: ReportData) -> Text | None:
    row = data.main()
    if row is None:
        return None
    return text(
        "Everybody who met the criteria was studied; the main estimate rests on {} people of {} "
        "practices.",
        data.profile.about(row.n_patients, "patients"),
        data.profile.mark(row.n_practices, "practices"),
    )


def detectable(data: ReportData) -> Text | None:
    row = data.main()
    return (limits.detectable(data, row) or None) if row else None


def estimation(data: ReportData) -> str:
    return ESTIMATORS[data.primary.estimator].words


def inference(data: ReportData) -> str | None:
    if data.main() is None:
        return None
    return (
        f"The main interval is {method(primary_inference(data, data.primary))}, at a level of "
        f"{confidence(data.primary.level)}."
    )


def complete_cases(data: ReportData) -> str:
    """Return which analyses imputed missing values, and that no other did."""
    asked = [(a, [o.name for o in ESTIMATORS[a.estimator].options]) for a in data.study.analyses]
    imputing = [a for a, options in asked if "imputations" in options]
    if not imputing:
        return "A person-period without a value does not enter the estimate; nothing was imputed."
    return (
        f"Missing values were imputed in {_labels(imputing)}; in other analyses a person-period "
        "without a value does not enter the estimate."
    )


def assumption(data: ReportData) -> str:
    return assumed(data.primary)


def movers(data: ReportData) -> str:
    return next(words for words in methods.design(data.study) if "People who move" in words)


def contrast(data: ReportData) -> str | None:
    row = data.main()
    return limits.estimand(data, row) if row else None


def _of_role(data: ReportData, *roles: str) -> list[Analysis]:
    """Return the analyses of these roles that gave an estimate."""
    return [a for role in roles for a in data.analyses(role) if data.rows(a.name)]


def _labels(analyses: list[Analysis]) -> str:
    return joined([f"“{a.label or sentence(plain(a.name))}”" for a in analyses])


def sensitivity(data: ReportData) -> str | None:
    run = _of_role(data, "sensitivity", "placebo", "event_study")
    asked = [j for j in checks(data) if j.finding.measures]
    parts = [f"Beside the main analysis: {_labels(run)}."] if run else []
    if asked:
        parts.append(f"Checks that were made: {' '.join(j.finding.question for j in asked)}")
    return " ".join(parts) or None


# What was found


def _ledger_reasons(data: ReportData, *stages: str) -> list[str]:
    if data.ledger is None:
        return []
    lines = data.ledger[
        data.ledger["stage"].isin(stages)
        & (data.ledger["entry"] == "set_aside")
        & (data.ledger["n"] > 0)
    ]
    return list(dict.fromkeys(plain(reason) for reason in lines["reason"].dropna().astype(str)))


def cleaning(data: ReportData) -> str | None:
    reasons = _ledger_reasons(data, "ingest", "clean")
    return f"Records were set aside for these reasons: {'; '.join(reasons)}." if reasons else None


def reasons(data: ReportData) -> str | None:
    found = _ledger_reasons(data, "cohort")
    return f"People were left out for these reasons: {'; '.join(found)}." if found else None


def numbers(data: ReportData) -> str | None:
    if data.ledger is None:
        return None
    drawn = joined([data.outcome_label(name) for name in flowchart.outcomes(data)])
    return (
        f"A flow diagram counts people and records at each step for {drawn}, and flow.csv has "
        "every box with its number."
    )


def _characteristics(data: ReportData, names: Iterable[object]) -> list[str]:
    """Return the rows of the baseline table in words, each once, without those that only count."""
    known = data.study.outcomes
    words = [
        data.outcome_label(str(name)) if name in known else variable(str(name))
        for name in names
        if name not in ("patients", "practices")
    ]
    return list(dict.fromkeys(words))


def baseline(data: ReportData) -> str | None:
    frame = data.released_baseline
    if frame is None or frame.empty:
        return None
    names = _characteristics(data, frame["variable"])
    return f"Both arms are described at the index date by {joined(names)} (baseline.csv)."


def unknown_values(data: ReportData) -> str | None:
    frame = data.released_baseline
    if frame is None:
        return None
    rows = frame[frame["category"].astype("string").str.casefold().isin(["unknown", "missing"])]
    names = _characteristics(data, rows["variable"])
    return f"Unknown values are counted as such, by arm, for {joined(names)}." if names else None


def who_measured(data: ReportData) -> str | None:
    frame = released_measured(data)
    if frame is None or frame.empty:
        return None
    names = joined([data.outcome_label(str(name)) for name in frame["outcome"].unique()])
    return (
        f"measured.csv says by arm and period how many people in follow-up had a value of {names}, "
        "and what their earlier values were."
    )


def followed(data: ReportData) -> Text | None:
    return limits.followed(data) or None


def means(data: ReportData) -> str | None:
    frame = data.released_trends
    if frame is None or frame.empty:
        return None
    return (
        f"Means of {data.outcome_label()} are shown by arm for "
        f"{frame['period'].nunique()} periods (figures/raw-means.csv)."
    )


def main(data: ReportData) -> str | None:
    row = data.main()
    return main_sentence(data, row) if row else None


def absolute(data: ReportData) -> str | None:
    row = data.main(data.outcome.difference_unit)
    if row is None:
        return None
    return f"The estimate is an absolute difference, in {row.unit}; no ratio is reported."


def other_results(data: ReportData) -> str | None:
    run = _of_role(data, "event_study", "subgroup", "secondary", "sensitivity", "placebo")
    if not run:
        return None
    return f"Estimates with intervals are given of {_labels(run)} (estimates.csv)."


def called(data: ReportData) -> str | None:
    return verdict(data).sentence if data.main() else None


def judged(data: ReportData) -> str | None:
    return verdict(data).meter if data.main() else None


def objection(data: ReportData) -> str | None:
    if data.main() is None:
        return None
    said = verdict(data)
    return said.before or said.objection or None


def _check(data: ReportData, key: str) -> Judged | None:
    return next(
        (j for j in checks(data) if j.finding.key == key and j.finding.measures),
        None,
    )


def measured(data: ReportData) -> Text | None:
    found = _check(data, "measurement")
    return found.finding.words if found else None


def parallel(data: ReportData) -> str | None:
    found = _check(data, "pre_trends")
    return (
        f"{found.finding.question} The check of the paths before the start: {found.state}."
        if found
        else None
    )


# The qualitative strand


def quotations(data: ReportData) -> str | None:
    if data.quotes is None or data.quotes.empty:
        return None
    return "Quotations stand beside the claims, each with the full path of its code."


def themes(data: ReportData) -> str | None:
    if data.themes is None or data.themes.empty:
        return None
    return f"The themes: {joined([str(label) for label in data.themes['label']])}."
