"""How alike the arms were: a love plot of the baseline, and of each comparison that was weighted
what weighting did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from evalweave.release.numbers import joined, missing, number, sentence
from evalweave.report.blocks import Column, Details, Figure, Heading, Line, Prose, Table, Text, text
from evalweave.report.data import ReportData
from evalweave.report.figures.love import IMBALANCE, Pair, love_plot
from evalweave.report.people import released_count
from evalweave.report.terms import level, variable

COARSER = {
    "white": "ethnicity",
    "fewer_conditions": "n_conditions",
}  # the same fact, said again in fewer words
METHODS = {"entropy": "entropy balancing", "propensity": "the odds of a propensity score"}
NAMES = {
    "patients": "People",
    "practices": "Practices",
    "age": "Age at the index date",
    "sex": "Sex",
    "n_conditions": "Number of additional conditions",
}


def counted(data: ReportData, name: str) -> bool:
    """Is a characteristic part of the study? Additional conditions are only where the study names
    some."""
    return name not in ("n_conditions", "fewer_conditions") or bool(
        data.study.eligibility.additional_conditions
    )


def title(data: ReportData, name: str) -> str:
    """Return a characteristic in words."""
    outcome = data.study.outcomes.get(name)
    return (
        f"{sentence(data.outcome_label(name))}, year before"
        if outcome
        else NAMES.get(name, sentence(variable(name)))
    )


def blocks(data: ReportData) -> list[Any]:
    """Return a love plot of the primary comparison, and of every weighted one what weighting did to
    it."""
    primary = data.primary.comparison or data.study.primary_comparison
    weighted = [name for name, group in data.study.comparisons.items() if group.balance != "none"]
    weighted.sort(key=lambda name: name != primary)
    shown: list[Any] = [] if primary in weighted else _unweighted(data, primary)
    for name in weighted:
        shown += _weighted(data, name)
    return shown


def _unweighted(data: ReportData, comparison: str) -> list[Any]:
    """Return the baseline's differences as a picture, largest first."""
    frame = data.released_baseline
    if frame is None:
        return []
    lines = _lines(data, frame[frame["comparison"] == comparison])
    pairs = _largest_first([Pair(_label(data, line), _real(line["smd"])) for line in lines])
    figure = love_plot(
        "baseline-differences",
        "How far apart the arms were at baseline",
        text(
            "How far apart the arms were at baseline, largest difference first. {}",
            _beyond([p.before for p in pairs]),
        ),
        pairs,
        _data(lines, ("smd",)),
        data.study.study.synthetic,
    )
    return [figure] if figure else []


def _weighted(data: ReportData, comparison: str) -> list[Any]:
    """Return what the weights of one comparison did: in words, as a picture and as a table."""
    frame, group = data.released_balance, data.study.comparisons[comparison]
    label = data.comparison_label(comparison)
    if frame is None or not (frame["comparison"] == comparison).any():
        return []
    mine = frame[frame["comparison"] == comparison]
    lines = _lines(data, mine, set(group.balance_on))
    on = [line for line in lines if line["balanced"]]
    others = [line for line in lines if not line["balanced"]]
    pairs: list[Pair] = []
    for heading, part in (("Balanced by the weights", on), ("Not used for the weights", others)):
        made = [
            Pair(_label(data, line), _real(line["smd_before"]), _real(line["smd_after"]))
            for line in part
        ]
        if made:
            pairs += [Pair(heading, heading=True), *_largest_first(made)]
    variables = joined([variable(name) for name in group.balance_on])
    sentences: list[Text] = [
        f"Comparison patients were weighted by {METHODS[group.balance]} so that they resemble the "
        "programme arm in "
        f"{variables}.",
        _largest(data, lines),
        _worth(data, mine, comparison),
    ]
    figure = love_plot(
        f"balance-{comparison}",
        f"Differences between the arms before and after weighting: {label}",
        "Differences between the arms at baseline, before (diamonds) and after weighting (dots). "
        "Weights can only balance "
        "what was recorded; what they were not made for may move either way.",
        pairs,
        _data(lines, ("smd_before", "smd_after")),
        data.study.study.synthetic,
    )
    table = _table(data, lines)
    return [
        Heading(f"Before and after weighting: {label}", f"balance-{comparison}"),
        Prose(text(" ".join("{}" for _ in sentences), *sentences)),
        *([figure] if isinstance(figure, Figure) else []),
        Details("The numbers of this figure", (table,)),
    ]


def _lines(
    data: ReportData, frame: pd.DataFrame, wanted: set[str] | None = None
) -> list[dict[Any, Any]]:
    """Return the lines with a difference; of two levels that mirror each other the first, of a fact
    its finer form."""
    names = set(frame["variable"])
    records = []
    for name, part in frame.groupby("variable", sort=False):
        coarser = COARSER.get(str(name)) in names and str(name) not in (wanted or ())
        if str(name) in ("patients", "practices") or coarser or not counted(data, str(name)):
            continue
        levels = part[part["category"].fillna("") != ""]
        mirrored = len(levels) == 2 and len(part) == 2
        records += (part.drop(levels.index[1]) if mirrored else part).to_dict("records")
    return records


def _label(data: ReportData, line: dict[Any, Any]) -> str:
    name = str(line["variable"])
    whole = title(data, name)
    if missing(line["category"]):
        return whole
    words = level(name, str(line["category"]))
    return f"{whole}: not measured" if name in data.study.outcomes else f"{whole}: {words}"


def _real(value: Any) -> float:
    return float("nan") if missing(value) else float(value)


def _largest_first(pairs: Sequence[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda p: -1.0 if missing(p.before) else abs(p.before), reverse=True)


def _data(lines: list[dict[Any, Any]], values: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [{name: line[name] for name in ("variable", "category", *values)} for line in lines]
    )


def _beyond(sizes: list[float]) -> str:
    """Return how many differences lie beyond 0.1, in words."""
    known = [abs(x) for x in sizes if not missing(x)]
    beyond = sum(x > IMBALANCE for x in known)
    if not beyond:
        return "All lie within 0.1; beyond it arms are commonly called different."
    many = "One" if beyond == 1 else f"{beyond}"
    verb = "lies" if beyond == 1 else "lie"
    return f"{many} of {len(known)} {verb} beyond 0.1, where arms are commonly called different."


def _largest(data: ReportData, lines: list[dict[Any, Any]]) -> Text:
    """Return the largest difference before and after weighting, apart for what the weights were not
    made for."""
    known = [
        line for line in lines if not missing(line["smd_after"]) and not missing(line["smd_before"])
    ]
    if not known:
        return "No difference may be shown: each rests on too few people."

    def most(of: list[dict[Any, Any]], name: str) -> tuple[str, str]:
        line = max(of, key=lambda line: abs(line[name]))
        return number(abs(line[name])), _label(data, line)

    on, others = (
        [line for line in known if bool(line["balanced"]) is side] for side in (True, False)
    )
    sentences = []
    if on:
        size, name = most(on, "smd_before")
        after, where = most(on, "smd_after")
        at = "" if where == name or float(after) == 0 else f" ({where})"
        sentences.append(
            f"Among these the largest standardised mean difference was {size} before weighting "
            f"({name}) and is {after} "
            f"after{at}."
        )
    if others:
        size, name = most(others, "smd_before")
        after, where = most(others, "smd_after")
        at = "" if where == name else f" ({where})"
        sentences.append(
            f"Among what the weights were not made for it was {size} before ({name}) and is "
            f"{after} after{at}."
        )
    sentences.append(
        "After weighting: " + _lower_first(_beyond([line["smd_after"] for line in known]))
    )
    return " ".join(sentences)


def _lower_first(words: str) -> str:
    return words[0].lower() + words[1:]


def _worth(data: ReportData, mine: pd.DataFrame, comparison: str) -> Text:
    """Return the effective sample size in words."""
    effective = mine["effective_comparison_n"].iloc[0]
    if missing(effective):
        return ""
    everyone = None
    if data.baseline is not None:
        people = data.baseline[
            (data.baseline["comparison"] == comparison) & (data.baseline["variable"] == "patients")
        ]
        everyone = people["comparison_value"].iloc[0] if len(people) else None
    about = "about " if data.profile.base > 1 and str(effective) not in ("*", "0") else ""
    worth = text("{}{} of equal weight", about, released_count(data.profile, effective, "patients"))
    if everyone is None or missing(everyone):
        return text(
            "Once weighted, the comparison patients tell as much as {} (effective sample size).",
            worth,
        )
    return text(
        "The price is precision: the comparison patients ({}) tell as much, once weighted, as {} "
        "(effective sample size).",
        data.profile.about(everyone),
        worth,
    )


def _table(data: ReportData, lines: list[dict[Any, Any]]) -> Table:
    def signed(value: Any) -> str:
        return "" if missing(value) else number(value)

    return Table(
        "Standardised mean differences (programme minus comparison) before and after weighting. "
        "balance.csv holds them "
        "for every weighted comparison.",
        (
            Column("At the index date"),
            Column("Balanced by the weights"),
            Column("Before", number=True),
            Column("After", number=True),
        ),
        tuple(
            Line(
                (
                    _label(data, line),
                    "yes" if line["balanced"] else "no",
                    signed(line["smd_before"]),
                    signed(line["smd_after"]),
                )
            )
            for line in lines
        ),
        ("Blank: the arms do not vary, or the difference would give a small count away.",),
    )
