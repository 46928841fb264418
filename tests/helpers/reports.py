"""A report written from invented results, and what its reader reads."""

from __future__ import annotations

import re
from pathlib import Path

from evalweave.report.data import ReportData
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file


def data(folder: Path, **options: object) -> ReportData:
    made = Made(**options)  # type: ignore[arg-type]
    file = study_file(folder, made)
    return gather(load_study(file), file, results(folder, made))


def report(folder: Path, made: Made) -> Path:
    """Write a report from invented results and return its folder."""
    file = study_file(folder, made)
    where = results(folder, made)
    out = folder / "report"
    write_report(gather(load_study(file), file, where), file, where, out)
    return out


def page(folder: Path, **options: object) -> str:
    return both(report(folder, Made(**options)))  # type: ignore[arg-type]


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
