"""The estimate under each delta: how far those not measured would have to be from what was
imputed."""

from __future__ import annotations

import pandas as pd

from evalweave.release.numbers import number
from evalweave.report.figures.style import (
    COLOURS,
    DASHES,
    QUIET,
    describe,
    drawing,
    sign,
    to_svg,
)

HEIGHT = 300
ALPHA = 0.15


def delta_curve(lines: pd.DataFrame, name: str, unit: str = "", synthetic: bool = False) -> str:
    """Return the picture of an analysis' deltas (arm, delta, estimate, ci_low, ci_high of all
    periods from the first start on together): a line an arm, its interval around it."""
    title = "The estimate if those not measured differ"
    of = f", {unit}" if unit else ""
    spoken = "; ".join(
        f"{arm} moved by {number(row['delta'], 1)}: {number(row['estimate'], 2)}"
        for arm, own in lines.groupby("arm", sort=False)
        for row in (own.iloc[0], own.iloc[-1])
    )
    with drawing(name, HEIGHT) as (figure, axes):
        axes.axhline(0, color=QUIET, linewidth=0.6)
        axes.axvline(0, color=QUIET, linewidth=0.6)
        for arm, own in lines.groupby("arm", sort=False):
            colour = COLOURS[str(arm)]
            axes.fill_between(
                own["delta"], own["ci_low"], own["ci_high"], color=colour, alpha=ALPHA, linewidth=0
            )
            dashes = (0, DASHES[str(arm)])
            axes.plot(own["delta"], own["estimate"], color=colour, linestyle=dashes, label=arm)
        axes.set_xlabel(f"Added to what was imputed for an arm{of}")
        axes.set_ylabel(f"Estimate{of}")
        axes.legend(frameon=False, loc="best")
        sign(figure, synthetic)
        return to_svg(figure, name, title, describe(spoken, synthetic))
