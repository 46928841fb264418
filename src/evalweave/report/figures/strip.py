"""The interval of one claim on a scale that all claims of a unit share; the margin is shaded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.sax.saxutils import escape

from evalweave.release.numbers import estimate, missing, number, size

WIDE, HIGH, EDGE = 260, 64, 8
LINE = 30  # where the interval lies


def reach(values: Iterable[float]) -> float:
    """Return the common half-width of a scale: a round number beyond every finite value."""
    largest = (
        max((abs(x) for x in values if not missing(x) and math.isfinite(x)), default=1.0) or 1.0
    )
    unit = 10.0 ** math.floor(math.log10(largest))
    return float(
        next(
            step * unit
            for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12)
            if step * unit >= largest * 1.02
        )
    )


def strip(
    name: str,
    value: float,
    low: float,
    high: float,
    margin: float,
    unit: str,
    scale: float,
    places: int = 2,
) -> str:
    """Return the interval as SVG, `scale` being the largest value on the axis; blank without an
    interval."""
    if missing(value) or missing(low) or missing(high):
        return ""

    def at(x: float) -> float:
        inside = min(max(x, -scale), scale)
        return round(EDGE + (inside + scale) / (2 * scale) * (WIDE - 2 * EDGE), 2)

    title = f"Interval of {estimate(value, low, high, places=places)} {unit}"
    description = (
        f"{title}, on a scale from {number(-scale, places)} to {number(scale, places)}; the "
        f"margin is ±{size(margin, places)}."
    )
    parts = [
        f'<svg class="drawing strip" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} '
        f'{HIGH}" width="{WIDE}" '
        f'height="{HIGH}" role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{escape(title)}</title><desc '
        f'id="{name}-desc">{escape(description)}</desc>',
    ]
    if margin > 0:
        left, right = at(-margin), at(margin)
        parts.append(
            f'<rect class="shade" x="{left}" y="8" width="{round(right - left, 2)}" height="36"/>'
        )
    zero = at(0)
    parts.append(
        f'<path class="axis" d="M{EDGE} 44H{WIDE - EDGE}M{zero} 8V47M{EDGE} 44v3M{WIDE - EDGE} '
        '44v3"/>'
    )
    left, right = at(low), at(high)
    parts.append(f'<path class="interval" d="M{left} {LINE}H{right}"/>')
    if low < -scale:
        parts.append(f'<path class="head" d="M{EDGE - 6} {LINE}l8 -5v10z"/>')
    if high > scale:
        parts.append(f'<path class="head" d="M{WIDE - EDGE + 6} {LINE}l-8 -5v10z"/>')
    parts.append(f'<circle class="point" cx="{at(value)}" cy="{LINE}" r="5"/>')
    ends = "%g"
    for x, anchor, words in (
        (EDGE, "start", f"−{ends % scale}"),
        (zero, "middle", "0"),
        (WIDE - EDGE, "end", ends % scale),
    ):
        parts.append(f'<text x="{x}" y="59" text-anchor="{anchor}">{words}</text>')
    return "".join(parts) + "</svg>"
