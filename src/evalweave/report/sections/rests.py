"""What the label of a claim rests on: each input of the rule, as declared or as found."""

from __future__ import annotations

from typing import Any

from evalweave.release.numbers import missing, number, percent, plain, sentence, size
from evalweave.report.blocks import Column, Line, Table, Text, text
from evalweave.report.claimed import QUALITATIVE, QUANTITATIVE
from evalweave.report.data import ReportData
from evalweave.report.sentences import method
from evalweave.report.terms import in_words


def rests(data: ReportData, record: dict[Any, Any], shown: dict[Any, Any]) -> Table:
    """Return what the label of a claim rests on."""
    return Table(
        str(record["proposition"]),
        (Column("What it rests on"), Column("As declared, or as found")),
        tuple(Line(pair) for pair in _inputs(data, record, shown)),
        id=f"rests-{record['claim_id']}",
    )


def _inputs(
    data: ReportData, record: dict[Any, Any], shown: dict[Any, Any]
) -> list[tuple[Text, Text]]:
    unit = record["outcome_unit"]
    rows: list[tuple[Text, Text]] = [
        ("Estimate", _estimate(data, str(record["analysis"]), str(record["term"]))),
        (
            "Inference",
            method(str(record["inference"])) if not missing(record["inference"]) else "none",
        ),
        ("Margin", f"{size(record['margin'])} {unit}"),
        ("Expected sign", str(record["expected_sign"])),
        (
            "Numbers",
            f"{record['quantitative_state']}: "
            f"{QUANTITATIVE.get(str(record['quantitative_state']), '')}",
        ),
        (
            "Voices",
            f"{record['qualitative_state']}: "
            f"{QUALITATIVE.get(str(record['qualitative_state']), '')}",
        ),
    ]
    rows.append(("Prominence", _prominence(data, record, shown)))
    if not missing(record["family_ci_low"]):
        low, high = number(record["family_ci_low"]), number(record["family_ci_high"])
        rows.append(
            (
                "Adjusted interval",
                f"{low} to {high} {unit}: for the declared family of comparisons together; it "
                "decides what the numbers say here",
            )
        )
    if not missing(record["label_stability"]):
        rows.append(
            (
                "Label stability",
                f"{percent(record['label_stability'])} of shifted intervals, margins and coder "
                "choices give the same label "
                "(not a probability)",
            )
        )
    detail = (data.joint_detail.get("claims") or {}).get(str(record["claim_id"])) or {}
    stability = detail.get("stability") or {}
    if stability.get("labels") and not missing(record["label_stability"]):
        total = sum(stability["labels"].values())
        rows.append(
            (
                "Labels under shifts",
                "; ".join(f"{k}: {percent(n / total)}" for k, n in stability["labels"].items()),
            )
        )
    rows.extend(_declared(data, str(record["claim_id"])))
    rows.append(("Rule", f"version {record['rule_version']}"))
    return rows


def _estimate(data: ReportData, name: str, term: str) -> str:
    """Return which estimate a claim speaks to: its analysis and, where the term says more, the term
    in words."""
    analysis = next((analysis for analysis in data.study.analyses if analysis.name == name), None)
    if analysis is None:
        return f"{plain(name)}, {term}"
    label, words = analysis.label or sentence(plain(name)), in_words(data, analysis, term)
    return words if words.startswith(label) else f"{label}: {words[0].lower()}{words[1:]}"


def _prominence(data: ReportData, record: dict[Any, Any], shown: dict[Any, Any]) -> Text:
    """Return k of N of both sides, and how many the rule asks for."""
    if missing(record["n_eligible"]) or int(record["n_eligible"]) == 0:
        return "nobody was asked"
    if shown["n_eligible"] == "*":
        return "not shown: too few people were asked"
    total = data.profile.mark(record["n_eligible"], "participants")
    return text(
        "{} of {} support, {} of {} contradict; a label needs {}",
        mark(data, record["n_supports"], shown["n_supports"]),
        total,
        mark(data, record["n_contradicts"], shown["n_contradicts"]),
        total,
        "the smaller of three people and a third of those asked"
        if missing(record["minimum"]) or float(record["minimum"]) <= 3
        else "the number that the claim declares",
    )


def _declared(data: ReportData, claim: str) -> list[tuple[Text, Text]]:
    if data.claims is None or "claim_id" not in data.claims:
        return []
    own = data.claims[data.claims["claim_id"] == claim]
    rows: list[tuple[Text, Text]] = []
    if len(own):
        record = own.iloc[0]
        for name, label in (
            ("rationale", "Why"),
            ("author", "Declared by"),
            ("declared_on", "Declared on"),
        ):
            if name in own and not missing(record[name]):
                rows.append((label, str(record[name])))
    return rows


def mark(data: ReportData, exact: Any, shown: Any) -> Text:
    """Return a count in words ("1 to 2" where it is small); * where only the secondary rule hides
    it."""
    from evalweave.release.disclosure import HIDDEN, Released

    if shown == HIDDEN and not data.profile.hides(int(exact), "participants"):
        return data.profile.mark_released(Released(HIDDEN, None, True), "participants")
    return data.profile.about(exact, "participants")
