"""What the answer is about, and its limits: each a sentence that the run wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.words import number_of
from evalweave.release.notes import released_note
from evalweave.release.numbers import in_unit, joined, missing, number, percent, size
from evalweave.report.blocks import Listing, Section, Text, in_units, text
from evalweave.report.data import ARMS, ReportData, Row
from evalweave.report.outcome_words import deaths
from evalweave.report.sections.measured import deaths_since
from evalweave.report.terms import AVERAGES, variable

MOVES = {
    "censor": "whoever moves to a practice of the other arm counts until the move",
    "censor_starts": "whoever moves to a practice of the other arm, or of another start, counts "
    "until the move",
    "keep": "whoever moves to a practice of the other arm counts in the arm where they began",
}


def section(data: ReportData) -> Section | None:
    """Return the estimand and the limits in words; None without a main estimate."""
    main = data.main()
    if main is None:
        return None
    sentences: list[Text] = [
        estimand(data, main),
        allocated(data),
        detectable(data, main),
        _diluted(data, main),
        adjusted(data),
        _baseline_difference(data, main),
        followed(data),
        _multiplicity(data),
    ]
    return Section(
        "scope",
        "What it is about, and its limits",
        (Listing(tuple(words for words in sentences if words)),),
        short="Limits",
    )


def _both(data: ReportData, say: Any) -> Text:
    """Return what `say` makes of the main row, in one or two units."""
    units = data.units(data.primary.name)[:2]
    words = [say(row) for unit in units if (row := data.main(unit))]
    return in_units(words[0], words[1] if len(words) > 1 else None) if words else ""


def estimand(data: ReportData, main: Row) -> str:
    """Say whose average it is, over which time, and what becomes of movers and deaths."""
    study = data.study
    over = AVERAGES.get(main.term, "patients' periods with a measurement after the start")
    if ESTIMATORS[data.primary.estimator].role != "event_study" and main.term == "att":
        over = "all periods after the start, each patient counting as often as they were measured"
    outcome = data.outcome
    if outcome.counted and over.endswith("measured"):
        over = "all person-time in follow-up after the start"
    while_counted = "registered and alive" if outcome.counted else "registered, alive and measured"
    dead = deaths(outcome)
    composite = f"; {dead}, so that the effect is one on a composite" if dead else ""
    return (
        f"The estimate is of people registered with practices that had {study.study.programme}, "
        f"whether or not they used it, averaged over {over}; a person counts while "
        f"{while_counted}{composite}, and {MOVES[study.exposure.moves]}."
    )


def allocated(data: ReportData) -> Text:
    words = data.diagnostic(data.primary.name, "allocation")
    if words:
        return released_note(data.profile, str(words))
    if data.study.allocation is None:
        return "Intervals take it that the programme was given out practice by practice."
    level = data.study.allocation.level
    return f"The programme was given out {level} by {level}, and intervals are by {level}."


def detectable(data: ReportData, main: Row) -> Text:
    found = data.diagnostic(data.primary.name, "minimum_detectable_effect")
    effect = found.get("effects", {}).get(main.term) if isinstance(found, Mapping) else None
    if effect is None or missing(effect):
        return ""

    def say(row: Row) -> str:
        ratio = data.ratio(row.unit)
        if ratio is None:
            return ""
        smallest, margin = ratio * float(effect), data.margin(row.unit)
        least = in_unit(number(smallest, row.places), row.unit)
        words = (
            f"With these practices a true difference of {least} "
            f"would have been told from none in {percent(found['power'])} of studies"
        )
        if margin is None:
            return f"{words}."
        if smallest <= margin:
            return f"{words}; so one that matters would hardly have been missed."
        return f"{words}; so one that matters could well have been missed."

    return _both(data, say)


def _diluted(data: ReportData, main: Row) -> Text:
    """Say that a margin for one person is not one for an average over people who were not
    reached."""
    report = data.study.report
    if report.margin is None:
        return "No smallest difference that matters was declared for this average."
    reason = report.margin_reason.strip().rstrip(".")
    why = f"it comes from: {reason}" if reason else "where it comes from was not stated"
    return _both(
        data,
        lambda row: (
            f"The average is over everybody eligible, used or not: if few took part, those who did "
            f"may have changed by much more. The smallest difference that matters, "
            f"{in_unit(size(data.margin(row.unit), row.places), row.unit)}, is applied to this "
            f"average; "
            f"{why}. A threshold for one person's treatment would be too wide for it."
        ),
    )


def adjusted(data: ReportData) -> str:
    entered = data.diagnostic(data.primary.name, "adjusted for")
    if entered:
        listed = joined([variable(str(name)) for name in entered])
        return f"The main estimate is adjusted for {listed}, beside period and who the person is."
    return (
        "The main estimate is not adjusted for covariates: what does not change about a person "
        "falls out of it, and what changed differently in the arms does not."
    )


def _baseline_difference(data: ReportData, main: Row) -> Text:
    """Set the arms' difference at baseline beside the effect: regression to the mean."""
    frame = data.released_baseline
    if frame is None:
        return ""
    mine = frame[
        (frame["comparison"] == data.described)
        & (frame["variable"] == data.primary.outcome)
        & (frame["statistic"] == "mean_sd")
    ]
    if len(mine) != 1:
        return ""
    one = mine.iloc[0]
    if missing(one["programme"]) or missing(one["comparison_value"]):
        return ""
    gap = float(one["programme"]) - float(one["comparison_value"])

    def say(row: Row) -> str:
        ratio = data.ratio(row.unit)
        if ratio is None:
            return ""
        size = number(abs(ratio * gap), row.places)
        if not any(digit in size for digit in "123456789"):
            return "Before the start the arms' means were alike, so that both return alike."
        towards = (gap > 0) == (row.estimate < 0)
        words = (
            f"Before the start the programme arm's mean was {size} {row.unit} "
            f"{'higher' if gap > 0 else 'lower'}, the estimate is "
            f"{number(row.estimate, row.places)}"
        )
        if towards:
            return (
                f"{words}: it points to where extreme values return by themselves (regression to "
                "the mean), which may be a part of it."
            )
        return f"{words}: extreme values returning by themselves would have pointed the other way."

    return _both(data, say)


def followed(data: ReportData) -> Text:
    """Say by arm how much of the time was lost to death, leaving or moving."""
    if data.ledger is None:
        return ""
    lines = data.ledger[
        (data.ledger["stage"] == "panel")
        & (data.ledger["unit"] == "person-periods")
        & (data.ledger["outcome"].fillna(data.primary.outcome) == data.primary.outcome)
    ]
    shares = []
    for arm in ARMS:
        part = lines[lines["arm"] == arm]
        whole = part.loc[part["entry"] == "received", "n"].sum()
        lost = part.loc[part["reason"].str.startswith("after the end of follow-up"), "n"].sum()
        share = data.profile.rate(float(lost), float(whole), "records") if whole else None
        if share is None:
            return ""
        shares.append(percent(share, 1))
    return text(
        "Follow-up ended (death, leaving, moving to the other arm) for {} of person-periods in the "
        "programme arm and {} in the comparison arm. {}",
        *shares,
        deaths_since(data),
    )


def _multiplicity(data: ReportData) -> str:
    n = len(data.study.analyses) - 1
    if n < 1:
        return "One analysis was declared, so nothing had to be adjusted for several."
    family = len(data.study.family)
    words = f"One main analysis was declared beforehand and {n} more"
    if family:
        return (
            f"{words}; p-values are adjusted by Holm's method within the family of "
            f"{number_of(family, 'analysis', 'analyses')}, those of the others are not."
        )
    return f"{words}; p-values are not adjusted for that."
