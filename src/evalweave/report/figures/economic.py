"""The pictures of an economic evaluation: plane, acceptability and net-benefit curve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from evalweave.release.economics import COST, EFFECT, MAIN, Valued
from evalweave.release.numbers import confidence, number
from evalweave.report.blocks import Drawing, Figure
from evalweave.report.data import ReportData
from evalweave.report.figures.style import (
    BAND,
    INK,
    PROGRAMME,
    QUIET,
    describe,
    drawing,
    drawn,
    narrow,
    sign,
    to_svg,
)

HEIGHT = 300


@dataclass(frozen=True)
class Drawn:
    """A picture with its title and its text alternative."""

    title: str
    words: str
    drawing: Drawing


LABELLED = 18  # the point of a border where its level is written


def net_benefit_figure(data: ReportData, valued: Valued) -> Figure:
    """Return the net benefit by what a unit of effect is worth, as released."""
    unit, currency, level, synthetic = _asked(data)
    shown = net_benefit_curve(valued.curve, unit, currency, level, synthetic)
    table = valued.curve[["threshold", "net_benefit", "ci_low", "ci_high"]]
    caption = (
        "Net benefit: what the effect is worth less what it costs, by what one unit of effect is "
        f"taken to be worth. The band is the {confidence(level)} interval over practices; where it "
        "holds zero, the data cannot tell."
    )
    return _figure("net-benefit", shown, caption, table.assign(unit=currency))


def acceptability_figure(data: ReportData, valued: Valued) -> Figure:
    """Return the acceptability curve as released."""
    unit, currency, _, synthetic = _asked(data)
    shown = acceptability(valued.curve, unit, currency, synthetic)
    table = valued.curve[["threshold", "acceptability", "acceptability_bootstrap"]]
    caption = (
        "Probability that the net benefit is above zero, by the t distribution and by a bootstrap "
        "over practices; 0.5 is a toss-up."
    )
    return _figure("acceptability", shown, caption, table.assign(unit=currency))


def plane_figure(data: ReportData, valued: Valued) -> Figure:
    """Return the cost-effectiveness plane as released."""
    unit, currency, _, synthetic = _asked(data)
    table = valued.table
    main = table[(table["scenario"] == MAIN) & table["subgroup"].isna()].set_index("item")
    effect, cost = (float(main.loc[item, "estimate"]) for item in (EFFECT, COST))
    shown = plane(valued.plane, (effect, cost), unit, currency, synthetic)
    point = pd.DataFrame({"region": [float("nan")], "place": [0], "effect": effect, "cost": cost})
    borders = valued.plane.rename(columns={"level": "region"})
    caption = (
        "Each point is an effect and a cost; below the line it saves, right of it people are "
        "better off. The ellipses hold both together with the confidence written on them."
    )
    rows = pd.concat([point, borders[list(point)]], ignore_index=True)
    return _figure("plane", shown, caption, rows)


def _asked(data: ReportData) -> tuple[str, str, float, bool]:
    """Return unit of effect, currency, level, and whether the data are simulated."""
    economics = data.study.economics
    assert economics is not None
    synthetic = data.study.study.synthetic
    return economics.effect.unit, economics.cost.unit, economics.level, synthetic


def _figure(name: str, shown: Drawn, caption: str, table: pd.DataFrame) -> Figure:
    return Figure(name, shown.title, shown.words, caption, (shown.drawing,), table)


def plane(
    borders: pd.DataFrame,
    point: tuple[float, float],
    effect_unit: str,
    currency: str,
    synthetic: bool = False,
) -> Drawn:
    """Return the cost-effectiveness plane: the estimate with its joint regions (level, effect,
    cost)."""
    title = "Incremental cost and effect"
    levels = ", ".join(confidence(level) for level in borders["level"].unique())
    words = (
        f"Estimate {point[0]:.4g} {effect_unit} and {point[1]:.4g} {currency}; "
        f"ellipses hold both with {levels} confidence."
    )
    words = describe(words, synthetic)
    draw = partial(_plane, borders, point, (effect_unit, currency), (title, words), synthetic)
    return Drawn(title, words, drawn(draw))


def _plane(
    borders: pd.DataFrame,
    point: tuple[float, float],
    units: tuple[str, str],
    told: tuple[str, str],
    synthetic: bool,
) -> str:
    with drawing("plane", HEIGHT) as (figure, axes):
        axes.axhline(0, color=QUIET, linewidth=0.6)
        axes.axvline(0, color=QUIET, linewidth=0.6)
        for level, border in borders.groupby("level"):
            x, y = border["effect"].to_numpy(), border["cost"].to_numpy()
            axes.plot(x, y, color=PROGRAMME, linewidth=1.0)
            where = x[LABELLED % len(x)], y[LABELLED % len(y)]
            axes.annotate(
                confidence(level), where, color=QUIET, fontsize=8, ha="center", va="bottom"
            )
        axes.plot([point[0]], [point[1]], "o", color=INK, markersize=5)
        axes.set_xlabel(f"Effect, {units[0]} (more is better)")
        axes.set_ylabel(f"Cost, {units[1]} (less is better)")
        _ticks(axes)
        sign(figure, synthetic)
        return to_svg(figure, "plane", *told)


def acceptability(
    curve: pd.DataFrame, effect_unit: str, currency: str, synthetic: bool = False
) -> Drawn:
    """Return the acceptability curve, and the bootstrap's beside it."""
    title = "Probability that the programme is worth its cost"
    last = curve.iloc[-1]
    words = (
        f"At {last['threshold']:g} {currency} a {effect_unit} the probability of a positive net "
        f"benefit is {last['acceptability']:.2f} (t), {last['acceptability_bootstrap']:.2f} "
        "(bootstrap over practices)."
    )
    words = describe(words, synthetic)
    asked = _worth(effect_unit, currency)
    return Drawn(
        title, words, drawn(partial(_acceptability, curve, asked, (title, words), synthetic))
    )


def _acceptability(curve: pd.DataFrame, asked: str, told: tuple[str, str], synthetic: bool) -> str:
    with drawing("acceptability", HEIGHT) as (figure, axes):
        axes.axhline(0.5, color=QUIET, linewidth=0.6)
        axes.plot(curve["threshold"], curve["acceptability"], color=PROGRAMME, label="t(G − 1)")
        axes.plot(
            curve["threshold"],
            curve["acceptability_bootstrap"],
            color=QUIET,
            linestyle=(0, (4, 2)),
            label="bootstrap over practices",
        )
        axes.set_ylim(0, 1)
        axes.set_xlabel(asked)
        axes.set_ylabel("Probability")
        axes.legend(frameon=False, loc="best")
        _ticks(axes)
        sign(figure, synthetic)
        return to_svg(figure, "acceptability", *told)


def net_benefit_curve(
    curve: pd.DataFrame,
    effect_unit: str,
    currency: str,
    level: float,
    synthetic: bool = False,
) -> Drawn:
    """Return incremental net benefit by threshold with its practice-level interval."""
    title = "Incremental net benefit"
    first, last = curve.iloc[0], curve.iloc[-1]
    words = (
        f"From {first['net_benefit']:.4g} {currency} where a {effect_unit} is worth "
        f"{first['threshold']:g} to {last['net_benefit']:.4g} where it is worth "
        f"{last['threshold']:g}, with {confidence(level)} intervals over practices."
    )
    words = describe(words, synthetic)
    units = _worth(effect_unit, currency), currency
    return Drawn(
        title, words, drawn(partial(_net_benefit, curve, units, (title, words), synthetic))
    )


def _net_benefit(
    curve: pd.DataFrame, units: tuple[str, str], told: tuple[str, str], synthetic: bool
) -> str:
    with drawing("net-benefit", HEIGHT) as (figure, axes):
        axes.axhline(0, color=QUIET, linewidth=0.8)
        axes.fill_between(
            curve["threshold"], curve["ci_low"], curve["ci_high"], color=BAND, linewidth=0
        )
        axes.plot(curve["threshold"], curve["net_benefit"], color=PROGRAMME)
        low, high = axes.get_ylim()
        for end, said, va in ((0.98, "↑ worth its cost", "top"), (0.02, "↓ not", "bottom")):
            if (high if va == "top" else -low) > 0.1 * (high - low):
                place = {"transform": axes.transAxes, "va": va, "fontsize": 8.5}
                axes.text(0.01, end, said, color=QUIET, **place)
        axes.set_xlabel(units[0])
        axes.set_ylabel(f"Net benefit, {units[1]}")
        _ticks(axes)
        sign(figure, synthetic)
        return to_svg(figure, "net-benefit", *told)


def _worth(effect_unit: str, currency: str) -> str:
    """Return the title of the axis of what a unit of effect may be worth."""
    return f"Worth of a unit of effect, {currency} a {effect_unit}"


def _ticks(axes: Any) -> None:
    """Write true minus signs and thousands, on both axes; fewer numbers on a phone."""
    if narrow():
        axes.locator_params(axis="x", nbins=4)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda x, _: number(x, 6).rstrip("0").rstrip("."))
