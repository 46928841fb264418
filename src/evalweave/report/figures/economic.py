"""The pictures of an economic evaluation: plane, acceptability and net-benefit curve."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.economics.joint import Joint
from evalweave.economics.net_benefit import ellipse
from evalweave.report.figures.style import COLOURS, INK, QUIET, drawing, to_svg

LEVELS = (0.5, 0.8, 0.95)
HEIGHT = 300


def plane(both: Joint, effect_unit: str, currency: str) -> str:
    """Return the cost-effectiveness plane: the estimate with its joint regions."""
    title = "Incremental cost and effect"
    words = (
        f"Estimate {both.effect:.4g} {effect_unit} and {both.cost:.4g} {currency}; "
        f"ellipses hold both with {', '.join(f'{100 * level:g} %' for level in LEVELS)} confidence."
    )
    with drawing("plane", HEIGHT) as (figure, axes):
        _cross(axes)
        for level in LEVELS:
            border = ellipse(both, level)
            axes.plot(border[:, 0], border[:, 1], color=_line(), linewidth=1.0)
            axes.annotate(
                f"{100 * level:g} %", border[18], color=QUIET, fontsize=8, ha="center", va="bottom"
            )
        axes.plot([both.effect], [both.cost], "o", color=INK, markersize=5)
        axes.set_xlabel(f"Effect, {effect_unit} (more is better)")
        axes.set_ylabel(f"Cost, {currency}")
        return to_svg(figure, "plane", title, words)


def acceptability(table: pd.DataFrame, effect_unit: str, currency: str) -> str:
    """Return the acceptability curve, and the bootstrap's beside it."""
    title = "Probability that the programme is worth its cost"
    last = table.iloc[-1]
    words = (
        f"At {last['threshold']:g} {currency} a {effect_unit} the probability of a positive net "
        f"benefit is {last['acceptability']:.2f} (t), {last['acceptability_bootstrap']:.2f} "
        "(bootstrap over practices)."
    )
    with drawing("acceptability", HEIGHT) as (figure, axes):
        axes.axhline(0.5, color=QUIET, linewidth=0.6)
        axes.plot(table["threshold"], table["acceptability"], color=_line(), label="t(G − 1)")
        axes.plot(
            table["threshold"],
            table["acceptability_bootstrap"],
            color=QUIET,
            linestyle=(0, (4, 2)),
            label="bootstrap over practices",
        )
        axes.set_ylim(0, 1)
        axes.set_xlabel(f"Worth of a unit of effect, {currency} a {effect_unit}")
        axes.set_ylabel("Probability")
        axes.legend(frameon=False, loc="best")
        return to_svg(figure, "acceptability", title, words)


def net_benefit_curve(table: pd.DataFrame, effect_unit: str, currency: str, level: float) -> str:
    """Return incremental net benefit by threshold with its practice-level interval."""
    title = "Incremental net benefit"
    first, last = table.iloc[0], table.iloc[-1]
    words = (
        f"From {first['net_benefit']:.4g} {currency} where a {effect_unit} is worth "
        f"{first['threshold']:g} to {last['net_benefit']:.4g} where it is worth "
        f"{last['threshold']:g}, with {100 * level:g} % intervals over practices."
    )
    with drawing("net-benefit", HEIGHT) as (figure, axes):
        axes.axhline(0, color=QUIET, linewidth=0.6)
        axes.fill_between(
            table["threshold"], table["ci_low"], table["ci_high"], color=_line(), alpha=0.18
        )
        axes.plot(table["threshold"], table["net_benefit"], color=_line())
        axes.set_xlabel(f"Worth of a unit of effect, {currency} a {effect_unit}")
        axes.set_ylabel(f"Net benefit, {currency}")
        return to_svg(figure, "net-benefit", title, words)


def _cross(axes: Any) -> None:
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.axvline(0, color=QUIET, linewidth=0.6)


def _line() -> str:
    return str(next(iter(COLOURS.values())))
