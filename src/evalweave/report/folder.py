"""The report folder: every file written whole, the manifest last, nothing left from an earlier
report."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from evalweave import files
from evalweave.release import manifest
from evalweave.report import formats, journal
from evalweave.report.blocks import Figure, Section, boxed, figures_in
from evalweave.report.data import ReportData
from evalweave.report.documents import REPORT, SUPPLEMENT
from evalweave.report.figures.style import slug, standalone
from evalweave.report.html import pages
from evalweave.report.released_tables import neutral, released_tables
from evalweave.report.sections import guidelines, sections


class Written(NamedTuple):
    """The names of the report's files, and a sentence for each that could not be written."""

    files: list[str]
    unwritten: list[str]


def write_report(data: ReportData, study_file: Path, results: Path, out: Path) -> Written:
    """Write the report folder.

    The manifest of an earlier report goes first and comes last: a folder with a manifest is
    complete.
    """
    (out / manifest.NAME).unlink(missing_ok=True)
    made = [boxed(section) for section in sections(data)]
    tables = released_tables(data) | {"checklists": neutral(guidelines.table(data))}
    written = [_text(out, name, html) for name, html in pages(data, made).items()]
    for name, frame in tables.items():
        files.write_csv(frame, out / f"{name}.csv")
        written.append(f"{name}.csv")
    for figure in all_figures(made):
        written += _figure(out, figure)
    written += [_text(out, name, text) for name, text in journal.files(data, made).items()]
    more, unwritten = formats.write(data, made, out)
    written += more
    _remove_stale(out, written)
    manifest.write(study_file, tables, out, results)
    return Written([*written, manifest.NAME], unwritten)


def all_figures(made: list[Section]) -> list[Figure]:
    """Return every figure of the report."""
    return [figure for section in made for figure in figures_in(section.blocks)]


def _figure(out: Path, figure: Figure) -> list[str]:
    written = [
        _text(out, f"{name}.svg", standalone(svg, width))
        for name, svg, width in formats.in_print(figure)
    ]
    name = f"figures/{slug(figure.name)}.csv"
    files.write_csv(neutral(figure.data), out / name)
    return [*written, name]


def _text(out: Path, name: str, text: str) -> str:
    files.write_text(text, out / name)
    return name


TABLES = (
    "estimates",
    "checks",
    "checklists",
    "regression",
    "flow",
    "baseline",
    "balance",
    "measured",
    "death_rates",
    "incidence_rates",
    "theme_counts",
    "theme_numbers",
    "joint_display",
    "economics",
)
OURS = (
    *(f"{name}.{suffix}" for name in (REPORT, SUPPLEMENT) for suffix in ("html", *formats.FORMATS)),
    *(f"{name}.csv" for name in TABLES),
)


DRAWN = ("figures/*.svg", "figures/*.pdf", "figures/*.csv", "tables/*.tex")


def _remove_stale(out: Path, written: list[str]) -> None:
    """Remove files of an earlier report; only names that a report has, so that a mistaken folder
    loses nothing."""
    current = {out / name for name in written}
    ours = [*(out / name for name in OURS), *(path for kind in DRAWN for path in out.glob(kind))]
    for path in ours:
        if path.is_file() and path not in current:
            path.unlink()
