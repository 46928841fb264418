"""Those who were not measured: weighting, imputation, bounds, and how far they would have to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.methods import IMPUTATIONS
from evalweave.release.numbers import confidence, estimate, interval, number, sentence
from evalweave.report.blocks import Column, Drawing, Figure, Heading, Line, Prose, Section, Table
from evalweave.report.data import ReportData
from evalweave.report.figures.delta import delta_curve
from evalweave.report.planted import planted
from evalweave.study.analyses import Analysis
from evalweave.study.periods import period_label

PRESENT = (
    "Whether being measured depended on the present value beyond what is known of a person: cannot "
    "tell. No data show it; what follows says how far those not measured would have to be from "
    "what stands in for them."
)


WEIGHTED, IMPUTED = "weighted for who was measured", "with values imputed for the others"


def section(data: ReportData) -> Section | None:
    """Return what analyses of those not measured say; None where there are none."""
    blocks: list[Any] = []
    for analysis in data.study.analyses:
        row = data.row(analysis, data.main_term(analysis))
        told = [
            *_composition(data, analysis),
            *_beside(data, analysis),
            *_bounds(data, analysis),
            *_delta(data, analysis),
        ]
        if row is None or not told:
            continue
        label = analysis.label or sentence(analysis.name.replace("_", " "))
        blocks += [Heading(label), *told]
    if not blocks:
        return None
    return Section("unmeasured", "Those who were not measured", (Prose(PRESENT), *blocks))


def _composition(data: ReportData, analysis: Analysis) -> list[Any]:
    found = data.diagnostic(analysis.name, "composition")
    if not isinstance(found, Mapping):
        return []
    places = _places(data, analysis)
    low, high = float(found["ci_low"]), float(found["ci_high"])
    return [
        Prose(
            "What the programme did to the past values of those measured, less those of everybody "
            "in follow-up: "
            f"{estimate(float(found['estimate']), low, high, analysis.level, places)}. "
            "That the same kind of people were measured: "
            f"{found['verdict']}."
        )
    ]


def _beside(data: ReportData, analysis: Analysis) -> list[Any]:
    """Set the estimate of those measured beside the one that lets them stand for all, and, of
    simulated data, what was planted beside both."""
    plain, whole = (data.row(analysis, term) for term in ("att_unweighted", "att"))
    if plain is None or whole is None:
        return []
    words = [
        f"{number(row.estimate, row.places)} {row.unit} ({confidence(row.level)} CI "
        f"{interval(row.low, row.high, row.places)})"
        for row in (plain, whole)
    ]
    how = IMPUTED if IMPUTATIONS in ESTIMATORS[analysis.estimator].gives else WEIGHTED
    said = f"Those measured, as they are: {words[0]}; {how}: {words[1]}."
    truth = planted(data, analysis, "att", whole.unit)
    if truth is None:
        return [Prose(said)]
    holds = ["holds it" if row.low <= truth <= row.high else "misses it" for row in (plain, whole)]
    return [
        Prose(
            f"{said} These data are simulated, and {number(truth, whole.places)} {whole.unit} was "
            f"planted: the first interval {holds[0]}, the second {holds[1]}."
        )
    ]


def _bounds(data: ReportData, analysis: Analysis) -> list[Any]:
    found = data.diagnostic(analysis.name, "lee")
    if not isinstance(found, Mapping):
        return []
    low, high = float(found["ci_low"]), float(found["ci_high"])
    return [
        Prose(
            "Of the people who are measured with and without the programme, whatever the others "
            f"were: {found['verdict']} (Imbens and Manski's interval of the effect "
            f"{interval(low, high, _places(data, analysis))})."
        )
    ]


def _delta(data: ReportData, analysis: Analysis) -> list[Any]:
    lines = data.diagnostic(analysis.name, "delta")
    if not lines:
        return []
    unit = data.study.outcomes[analysis.outcome].difference_unit
    places = _places(data, analysis)
    shown = [
        Line(
            (
                sentence(str(line["arm"])),
                "all since the start" if line["period"] is None else _period(data, line["period"]),
                _reached(line["estimate_is_zero_at"], places),
                _reached(line["interval_reaches_zero_at"], places),
            )
        )
        for line in lines
    ]
    table = Table(
        "By how much those not measured would have to differ from what was imputed for them, in "
        f"{unit}, for the estimate to be nothing and for its interval to reach nothing.",
        (
            Column("Arm"),
            Column("Period"),
            Column("Estimate is zero", number=True),
            Column("Interval reaches zero", number=True),
        ),
        tuple(shown),
        id=f"delta-{analysis.name}",
    )
    return [_figure(data, analysis, lines, unit), table]


def _figure(data: ReportData, analysis: Analysis, lines: Any, unit: str) -> Figure:
    frame = pd.DataFrame(
        [
            {
                "arm": line["arm"],
                "period": line["period"],
                **moved,
                **{k: line[k] for k in ("estimate_is_zero_at", "interval_reaches_zero_at")},
            }
            for line in lines
            for moved in line["moved"]
        ]
    ).astype({"period": "Int64"})
    name = f"delta_{analysis.name}"
    whole = frame[frame["period"].isna()]
    svg = delta_curve(whole, name, unit, data.study.study.synthetic)
    return Figure(
        name,
        "The estimate if those not measured differ",
        f"The estimate when imputed values of an arm are moved, in {unit}.",
        "The estimate when imputed values of one arm since the start are moved: where the line "
        "crosses zero those not measured would have to be for the estimate to be nothing.",
        (Drawing(svg),),
        frame,
    )


def _places(data: ReportData, analysis: Analysis) -> int:
    row = data.row(analysis, data.main_term(analysis))
    return 2 if row is None else row.places


def _reached(value: Any, places: int) -> str:
    if value is None:
        return "nowhere"
    return "holds it" if value == 0 else number(float(value), places)


def _period(data: ReportData, period: Any) -> str:
    return period_label(int(period), data.study.window.cut)
