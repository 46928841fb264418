"""How figures look, and how a matplotlib figure becomes SVG that a page can hold and a reader can
hear.

Colours are the Okabe–Ito set (Okabe & Ito, Color Universal Design, 2008). In the SVG every colour
is a CSS variable with the colour itself as fall-back: inside the report it follows the reader's
light or dark mode, alone it is on white. Text stays text, ids carry the figure's name (several
figures stand in one page), and nothing depends on the date.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from evalweave.report.blocks import Drawing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PROGRAMME, COMPARISON = "#0072B2", "#E69F00"
INK, QUIET, RULE, PAPER = "#1b1d1f", "#6b6f73", "#d5d8da", "#fefefe"
BEFORE, AFTER = "#D55E00", "#009E73"  # of weighting
BAND = "#dce9f2"  # pale band: simultaneous interval
SHADE = "#ececea"  # the margin: differences too small to matter
MARKERS = {"programme": "o", "comparison": "s"}
DASHES = {"programme": (1, 0), "comparison": (4, 2)}
COLOURS = {"programme": PROGRAMME, "comparison": COMPARISON}
VARIABLES = {
    PROGRAMME: "programme",
    COMPARISON: "comparison",
    INK: "ink",
    QUIET: "quiet",
    RULE: "rule",
    PAPER: "paper",
    BAND: "band",
    SHADE: "shade",
    BEFORE: "before",
    AFTER: "after",
}
WIDTH = 400 / 72  # inches; one point of the figure is one SVG unit
NARROW, LEAST = 340, 11  # of a phone's drawing: points, and its smallest letters, which are 11
# pixels high where a screen of 360 pixels leaves it 342
SIZES = ("font.size", "labelsize", "titlesize")
WRAP = 44  # letters of a title that fit
SIMULATED = "Simulated data."

RC: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label is read as it stands: $ is a sign, no formula
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.solid_capstyle": "round",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.grid": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
}


@contextmanager
def drawing(
    name: str, height: float, width: float = WIDTH, layout: str | None = None, **subplots: Any
) -> Iterator[tuple[Any, Any]]:
    """Yield a figure and its axes in our style; `height` in SVG units (points). Without pyplot,
    which takes as long to load as three figures to draw."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {**RC, "svg.hashsalt": name}
    if narrow():
        width = NARROW / 72
        settings |= dict.fromkeys((key for key in RC if key.endswith(SIZES)), LEAST)
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(width, height / 72), layout=layout)  # type: ignore[arg-type]
        FigureCanvasSVG(figure)
        yield figure, figure.subplots(**subplots)


_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)


def narrow() -> bool:
    """Is a figure being drawn for a phone?"""
    return _NARROW.get()


def drawn(draw: Callable[[], str], unit: str = "") -> Drawing:
    """Return a drawing: as `draw` makes it, and once more for a phone."""
    wide = draw()
    token = _NARROW.set(True)
    try:
        return Drawing(wide, unit, draw())
    finally:
        _NARROW.reset(token)


def _enlarged(figure: Any) -> None:
    """Make every text large enough for a phone, and break long titles."""
    from matplotlib.text import Text

    for words in figure.findobj(Text):
        words.set_fontsize(max(words.get_fontsize(), LEAST))
    for axes in figure.axes:
        for title in (axes.title, axes._left_title, axes._right_title, axes.xaxis.label):
            lines = title.get_text().splitlines()
            title.set_text("\n".join(part for line in lines for part in wrap(line, WRAP)))


def to_svg(figure: Any, name: str, title: str, description: str) -> str:
    """Return a matplotlib figure as SVG for the page: see `finish`."""
    if narrow():
        name = f"{name}-narrow"
        _enlarged(figure)
    target = io.StringIO()
    with warnings.catch_warnings():  # the reader's fonts draw the letters, not matplotlib's
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from font", category=UserWarning
        )
        figure.savefig(
            target,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return finish(target.getvalue(), name, title, description)


def finish(svg: str, name: str, title: str, description: str) -> str:
    """Return SVG with title and description, unique ids, colours as CSS variables and the page's
    font."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"font-family: [^;\"]+", "font-family: var(--sans, system-ui, sans-serif)", body)
    body = re.sub(
        r'style="font: ([\d.]+)px [^";]*',
        r'style="font-size: \1px; font-family: var(--sans, system-ui, sans-serif)',
        body,
    )
    body = body.replace("stroke: #000000; stroke-opacity: 0", "stroke: none")
    for colour, variable in VARIABLES.items():
        body = re.sub(re.escape(colour), f"var(--{variable}, {colour})", body, flags=re.IGNORECASE)
    body = re.sub(r"<style type=\"text/css\">.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>\s*", "", body)
    body = re.sub(r" \n", "\n", body)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)
    assert box, "an SVG of ours has a viewBox"
    head = (
        f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="{box[0][9:-1]}" '
        f'width="{box[1]}" '
        f'height="{box[2]}" role="img" aria-labelledby="{name}-title {name}-desc" '
        'stroke-linejoin="round">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n<desc '
        f'id="{name}-desc">{escape(description)}</desc>\n'
    )
    return head + body[body.index(">") + 1 :].strip() + "\n"


def standalone(svg: str, millimetres: int) -> str:
    """Return an SVG as a file of its own, on white, as wide as a journal prints it."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box, "an SVG of ours has a viewBox"
    tall = round(millimetres * float(box[2]) / float(box[1]), 1)
    svg = re.sub(
        r'\bwidth="[\d.]+"\s+height="[\d.]+"',
        f'width="{millimetres}mm" height="{tall}mm"',
        svg,
        count=1,
    )
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg.replace(
        'class="drawing',
        'style="background:#fff;font-family:system-ui,sans-serif" class="drawing',
        1,
    )


def describe(text: str, synthetic: bool) -> str:
    """Return a description that begins with saying that the data are simulated, where they are."""
    return f"{SIMULATED} {text}" if synthetic else text


def sign(figure: Any, synthetic: bool) -> None:
    """Write "Simulated data" into the figure itself, in a strip of its own, so that it says so
    wherever it is pasted."""
    if not synthetic:
        return
    height = figure.get_size_inches()[1] * 72
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 11 / height, 1, 1 - 11 / height))
    figure.text(
        0.998, 1.5 / height, "Simulated data", ha="right", va="bottom", fontsize=7.5, color=QUIET
    )


def better_way(better: str) -> str:
    """Return which way is better, for the end of an axis' title."""
    return {"lower": "; lower is better", "higher": "; higher is better"}.get(better, "")


def slug(text: str) -> str:
    """Return a text as part of a file name or an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def arm_lines(axes: Axes, frame: pd.DataFrame, column: str) -> None:
    """Draw a line of `column` over the periods for each arm of `frame` (arm, period, column).

    As seaborn's lineplot draws it, to the byte; importing seaborn takes longer than all figures.
    """
    for arm, line in frame.groupby("arm"):
        axes.plot(
            line["period"],
            line[column],
            color=COLOURS[str(arm)],
            marker=MARKERS[str(arm)],
            dashes=DASHES[str(arm)],
            markersize=5.5,
            markeredgewidth=0,
            markeredgecolor="w",
            linewidth=1.8,
        )
