"""A report written from invented results, and what its reader reads."""

from __future__ import annotations

import atexit
import copy
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import IO, Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text

from evalweave.report.data import ReportData
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file

KEPT = Path(tempfile.mkdtemp(prefix="reports-"))  # of this process: what several tests ask for
atexit.register(shutil.rmtree, KEPT, ignore_errors=True)


def data(folder: Path, **options: Any) -> ReportData:
    """Return gathered invented results, and leave what they were gathered from in a folder."""
    made = Made(**options)
    name = repr(made)
    if name not in GATHERED:
        where = KEPT / hashlib.sha256(name.encode()).hexdigest()
        file = study_file(where, made)
        GATHERED[name] = where, gather(load_study(file), file, results(where, made))
    where, found = GATHERED[name]
    shutil.copytree(where, folder, dirs_exist_ok=True)
    return copy.deepcopy(found)


GATHERED: dict[str, tuple[Path, ReportData]] = {}


def written(folder: Path, made: Made) -> Path:
    """Write a report from invented results into a folder, and return the report's."""
    file, where = study_file(folder, made), results(folder, made)
    write_report(gather(load_study(file), file, where), file, where, folder / "report")
    return folder / "report"


def report(folder: Path, made: Made) -> Path:
    """As `written`, but once for all tests that ask for the same, and its figures are empty:
    drawing is half of the time."""
    kept = KEPT / "reports" / hashlib.sha256(repr(made).encode()).hexdigest()
    if not kept.exists():
        begun = kept.with_suffix(".begun")
        with undrawn():
            written(begun, made)
        begun.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return folder / "report"


def page(folder: Path, **options: Any) -> str:
    """Return both documents of a report as one page."""
    return both(report(folder, Made(**options)))


@contextmanager
def undrawn() -> Iterator[None]:
    """While this lasts, figures are made but not drawn: an SVG has its size, title, description and
    the texts that were put into it, and no lines."""

    def empty(figure: Figure, target: IO[Any], *, format: str, **_: object) -> None:
        wide, high = figure.get_size_inches() * 72
        box = f'viewBox="0 0 {wide} {high}" width="{wide}pt" height="{high}pt"'
        texts = (escape(each.get_text()) for each in figure.findobj(Text))
        lines = "\n".join(f"<text>{each}</text>" for each in texts if each)
        target.write(f'<svg xmlns="http://www.w3.org/2000/svg" {box}>\n{lines}</svg>')

    savefig = Figure.savefig
    matplotlib.use("svg")
    Figure.savefig = empty  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Figure.savefig = savefig  # type: ignore[method-assign]


def both(out: Path) -> str:
    """Return the two documents of a report folder as one page, the supplement's sections below."""
    main, more = ((out / f"{name}.html").read_text() for name in ("report", "supplement"))
    sections = more[more.index("</header>") + len("</header>") : more.index("</main>")]
    contents = re.search(r"<ol>.*?</ol>", more, re.DOTALL)
    assert contents
    whole = main.replace("</main>", f"{sections}</main>", 1)
    whole = whole.replace("</ol>", f"{contents[0][4:-5]}</ol>", 1)
    return re.sub(r'href="(?:report|supplement)\.html#', 'href="#', whole)


def words(html: str) -> str:
    """Return what a reader reads."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u202f", " ")
