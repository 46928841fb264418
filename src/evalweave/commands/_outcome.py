"""What a run came to, for `evalweave run --json`: read from the folders that it left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalweave.release.comparison import Released

SUPPORTS = "supports"
CLOCK = 2.0  # seconds by which a file system's clock may lag: some count whole seconds


def stopped(directory: Path, study: str) -> dict[str, Any]:
    """Say of a run that somebody stopped that it did not end, and return what it left: no report of
    its own."""
    from evalweave.freshness import Run

    run = Run(str(directory / "results" / study), str(directory / "reports" / study))
    if run.state == "running":
        run.fail()
    return {"study": study, "state": run.state or None, "report": None, "release": None}


def outcome(directory: Path, study: str, code: int) -> dict[str, Any]:
    """Return the report, the main estimate, warnings, and what changed since the release before.

    Args:
        directory: where results/ and reports/ are.
        study: its short name.
        code: what the workflow ended with.
    """
    import json

    results, reports = directory / "results" / study, directory / "reports" / study
    state = results / "state.json"
    told: dict[str, Any] = {"study": study, "state": None, "report": None, "release": None}
    if state.is_file():
        told["state"] = json.loads(state.read_text(encoding="utf-8")).get("state")
    if code != 0:
        return told | {"problems": _from_logs(results / "logs")}
    report, release = reports / "report.html", reports / "release.zip"
    if report.is_file():
        told["report"] = str(report.resolve())
        told["release"] = str(release.resolve()) if release.is_file() else None
        told |= _of_report(reports, results / "previous")
    return told


def closing(directory: Path, study: str) -> list[str]:
    """Return what a run ends with: the main estimate, what it may be called, and where the report
    is; also when nothing had to be done. Nothing where there is no report."""
    import re
    from html import unescape

    page = directory / "reports" / study / "report.html"
    if not page.is_file():
        return []
    answer = page.read_text(encoding="utf-8").partition('<section id="answer"')[2]
    answer = re.sub(r'<span class="u2">.*?</span>', "", answer.partition("</section>")[0])
    paragraphs = re.findall(r"<p( class=\"lead\")?>(.*?)</p>", answer, re.DOTALL)
    told = [unescape(re.sub(r"<[^>]+>", "", words)).strip() for _, words in paragraphs]
    lead = next((n for n, (kind, _) in enumerate(paragraphs) if kind), len(told))
    return [*told[lead : lead + 2], f"Report: {page.resolve()}"]


def cause(directory: Path, study: str, began: float = 0.0) -> str:
    """Return the sentence of the stage that failed last since the run began (seconds since 1970);
    blank where none left one."""
    logs = directory / "results" / study / "logs"
    told = [
        (written, said)
        for path in logs.glob("*.log")
        if (written := path.stat().st_mtime) >= began - CLOCK
        and (said := _last_sentence(path))
        and not said.startswith("fit:")
    ]
    return max(told)[1] if told else ""


def _last_sentence(path: Path) -> str:
    parts = path.read_text(encoding="utf-8", errors="replace").split("evalweave: ")
    return parts[-1].strip() if len(parts) > 1 else ""


def _of_report(reports: Path, previous: Path) -> dict[str, Any]:
    from evalweave.errors import DataError
    from evalweave.release import manifest
    from evalweave.release.comparison import main_row, read_report
    from evalweave.release.reproduce import altered_files
    from evalweave.release.shown import shown

    now = read_report(reports)
    page = shown((reports / "report.html").read_text(encoding="utf-8"))
    verdicts = {
        place.split(" / ")[-2]: item.text
        for place, item in page.items()
        if place.startswith("believed / ") and place.endswith(" / Verdict")
    }
    warnings = [
        f"{question} {verdict}" for question, verdict in verdicts.items() if verdict != SUPPORTS
    ]
    study = now.manifest["study"]
    if study.get("disclosure") == "none" and not now.manifest.get("simulated"):
        warnings.insert(0, "No disclosure control: every count and statistic is exact.")
    before = None
    try:
        if previous.is_dir() and altered_files(manifest.read(previous), previous):
            warnings.append(
                "The release before was altered after its run, so nothing is said of what changed."
            )
        elif previous.is_dir():
            before = read_report(previous)
    except DataError:  # a release of an older format, or a part of one
        warnings.append("The release before cannot be read, so nothing is said of what changed.")
    return {
        "simulated": bool(now.manifest.get("simulated")),
        "main": main_row(now),
        "checks": verdicts,
        "warnings": warnings,
        "changed": _changes(before, now) if before else None,
    }


def _changes(before: Released, now: Released) -> dict[str, Any]:
    """Return what changed since the release before; the whole is for `evalweave compare`."""
    from evalweave.release.comparison import compare, main_row

    found = compare(before, now)
    return {
        "notes": found.notes,
        "inputs": found.inputs,
        "settings": found.settings,
        "software": found.software,
        "main_before": main_row(before),
        "estimates": sum(change.changed for change in found.estimates),
        "counts": len(found.counts) + len(found.themes),
        "labels": [vars(label) for label in found.labels],
    }


def _from_logs(logs: Path) -> list[dict[str, Any]]:
    """Return what the stages said that failed: each log ends with its sentence."""
    from evalweave.commands._answers import problem

    listed = []
    for path in sorted(logs.glob("*.log")):
        said = path.read_text(encoding="utf-8", errors="replace").split("evalweave: ")
        if len(said) > 1 and not said[-1].startswith("fit:"):
            listed += [
                {**problem(line), "stage": path.stem}
                for line in said[-1].splitlines()
                if line.strip() and not line.endswith("things need mending:")
            ]
    return listed
