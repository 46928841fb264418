"""What Typst sets: pages of text and drawings as PDF, drawings as pictures.

Every text arrives in Typst as a string, never as markup, so that nothing in it can be a command.
The only fonts are DejaVu Sans, which matplotlib carries, and those inside Typst: with a fixed date
the same report is the same bytes on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from evalweave.report.blocks import BOX, Text, plain

CREATED = 315_532_800  # 1980-01-01, as the members of the Word file
STANDARDS = ["ua-1"]
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf")
STYLES = (  # of drawings whose style stands in the page
    ".strip text{font-size:11px;fill:#5f6469}.strip .shade{fill:#ececea}"
    ".strip .axis{stroke:#5f6469;stroke-width:.8;fill:none}"
    ".strip .interval{stroke:#0072B2;stroke-width:3}.strip .point,.strip .head{fill:#0072B2}"
    ".drawing text{font-family:'DejaVu Sans'}"
)
DPI = 300  # of pictures


def pdf(source: str, drawings: dict[str, bytes]) -> bytes:
    """Return a tagged PDF of a Typst source; `drawings` by the names that it uses.

    Raises:
        typst.TypstError: what cannot be set.
    """
    (made,) = _set(source, drawings, format="pdf", pdf_standards=STANDARDS, timestamp=CREATED)
    return made


def page(svg: str, millimetres: int, title: str, description: str) -> bytes:
    """Return a figure as a PDF page of its own size, as wide as a journal prints it."""
    drawings: dict[str, bytes] = {}
    drawing = image(svg, description, drawings)
    source = (
        f"#set document(title: {string(title)})\n"
        f"#set page(width: {millimetres}mm, height: auto, margin: 0pt)\n"
        f'#set text(font: "DejaVu Sans", lang: "en")\n#{drawing}'
    )
    return pdf(source, drawings)


def pictures(svgs: Sequence[str], millimetres: int) -> list[bytes]:
    """Return drawings as PNG on white, of so many millimetres' width at `DPI`, for documents that
    cannot hold SVG."""
    drawings: dict[str, bytes] = {}
    pages = [f"#{image(svg, '', drawings)}" for svg in svgs]
    source = f"#set page(width: {millimetres}mm, height: auto, margin: 0pt, fill: white)\n"
    whole = source + "\n#pagebreak()\n".join(pages)
    return _set(whole, drawings, format="png", ppi=DPI) if svgs else []


def _set(source: str, drawings: dict[str, bytes], **how: Any) -> list[bytes]:
    import typst

    compile_: Any = typst.compile  # takes several files, which its types do not say
    made = compile_({"main.typ": source.encode(), **drawings}, font_paths=_fonts(), **how)
    return [bytes(each) for each in made] if isinstance(made, list) else [bytes(made)]


@cache
def _fonts() -> Any:
    """Return the fonts, read once: finding them takes longer than setting a figure."""
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[_folder()])


def _folder() -> str:
    import matplotlib

    return f"{matplotlib.get_data_path()}/fonts/ttf"


@cache
def _drawn() -> frozenset[int]:
    """Return the characters that all our faces have: PDF/UA allows no others."""
    from matplotlib.ft2font import FT2Font

    return frozenset.intersection(
        *(frozenset(FT2Font(f"{_folder()}/{face}").get_charmap()) for face in FACES)
    )


def string(text: Text) -> str:
    """Return a text as a Typst string, with a box for each character that our fonts lack."""
    kept = "".join(c if ord(c) in _drawn() or c in "\n\t" else BOX for c in plain(text))
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _svg(svg: str) -> bytes:
    """Return an SVG of ours that needs no page around it: colours and fonts by value."""
    whole = re.sub(r"var\(--[\w-]+, ?([^()]+)\)", r"\1", svg)
    whole = re.sub(r"font-family: ?[^;\"]+", "font-family: DejaVu Sans", whole)
    return re.sub(r">", f"><style>{STYLES}</style>", whole, count=1).encode()


def image(svg: str, alt: str, drawings: dict[str, bytes], width: str = "100%") -> str:
    """Return an SVG of ours as a Typst image, kept among `drawings`."""
    name = f"drawing-{len(drawings) + 1}.svg"
    drawings[name] = _svg(svg)
    return f"image({string(name)}, alt: {string(alt)}, width: {width})"


def ratio(svg: str) -> float:
    """Return height over width of an SVG of ours."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    return float(box[2]) / float(box[1]) if box else 1.0
