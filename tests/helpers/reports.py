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
    return (report(folder, Made(**options)) / "report.html").read_text()  # type: ignore[arg-type]


def words(html: str) -> str:
    """Return what a reader reads."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u202f", " ")
