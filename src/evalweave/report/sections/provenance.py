"""Provenance: inputs with checksums, versions, one-line commands, and limits that fired."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalweave.release.notes import released_note
from evalweave.release.numbers import joined, missing, number, plain, sentence
from evalweave.report.blocks import (
    Code,
    Column,
    Details,
    Heading,
    Line,
    Listing,
    Prose,
    Section,
    Table,
    Text,
    text,
)
from evalweave.report.data import ReportData
from evalweave.report.terms import periods_in_words

if TYPE_CHECKING:
    import pandas as pd


def section(data: ReportData) -> Section:
    """Return what a reviewer needs to make the same report again."""
    blocks: list[Any] = [
        Prose(
            text(
                "The same extract and the same study file give the same numbers. "
                "<code>manifest.json</code> beside this page "
                "holds the study as it was read, every checksum, every version and every released "
                "number."
            )
        ),
        Prose("In the folder of the study file, with the path of the extract put in:"),
        Code(
            f"evalweave run {shlex.quote(data.provenance.get('study_file', 'study.yaml'))}\n"
            f"evalweave reproduce reports/{data.study.study.name} --extract PATH_TO_THE_EXTRACT"
        ),
    ]
    inputs = data.provenance.get("inputs") or []
    if inputs:
        blocks.append(_inputs(inputs))
    software = data.provenance.get("software") or {}
    if software:
        blocks += _software(software)
    blocks += [Heading("Limits that fired", "limits"), *_limits(data)]
    return Section("provenance", "Where it comes from", tuple(blocks))


def _inputs(inputs: list[Mapping[str, Any]]) -> Table:
    lines = tuple(
        Line(
            (
                sentence(plain(str(entry.get("role", "")))),
                text("<code>{}</code>", entry.get("name", "")),
                f"{number(entry['bytes'] / 1000, 1)}" if entry.get("bytes") else "–",
                text("<code>{}</code>", str(entry["sha256"])[:16]),
            )
        )
        for entry in inputs
    )
    return Table(
        "Every file that was read. The first sixteen digits of each checksum; manifest.json has "
        "all of them.",
        (Column("What"), Column("File"), Column("Size", "kB", True), Column("SHA-256")),
        lines,
        id="inputs",
        wide=True,
    )


def _software(software: Mapping[str, Any]) -> list[Any]:
    commit = software.get("commit")
    words = f"evalweave {software.get('evalweave', '')} on Python {software.get('python', '')}"
    if commit:
        words += f", commit {str(commit)[:12]}"
        words += (
            " with changes that were not committed" if software.get("uncommitted_changes") else ""
        )
    if software.get("code"):
        words += f", code {str(software['code'])[:12]}"
    words += _lock(software.get("lock"))
    versions = software.get("dependencies") or {}
    listed: tuple[Text, ...] = tuple(
        f"{name} {version}" for name, version in sorted(versions.items())
    )
    return [Prose(f"{words}."), Details("Versions of everything underneath", (Listing(listed),))]


def _lock(lock: Mapping[str, Any] | None) -> str:
    """Return whether the libraries are those of the lock."""
    if not lock:
        return ""
    differs = lock.get("differs") or []
    name = f"the lock {str(lock.get('sha256'))[:12]}"
    if not differs:
        return f", libraries as in {name}"
    return f", libraries as in {name} but for {joined(list(map(str, differs)))}"


def _limits(data: ReportData) -> list[Any]:
    """Return everything that was bounded, dropped or refused on the way, in the words of the stage
    that did it."""
    items: list[Text] = []
    for name, entry in data.diagnostics.items():
        if not isinstance(entry, Mapping):
            continue
        label = next((a.label for a in data.study.analyses if a.name == name and a.label), name)
        if entry.get("error"):
            items.append(text("{}: {}", label, released_note(data.profile, str(entry["error"]))))
        items += [
            text("{}: {}", label, released_note(data.profile, _named(data, sentence(str(note)))))
            for note in entry.get("notes") or []
            if not _in_the_flow(data, str(note))
        ]
        said_before = {
            str(note).rstrip(".") for note in (*(entry.get("notes") or []), entry.get("error"))
        }
        terms: dict[str, list[str]] = {}
        for term, why in (entry.get("absent") or {}).items():
            terms.setdefault(str(why).rstrip("."), []).append(_term(data, term))
        items += [
            text("{}: no {}: {}", label, joined(named, "or"), released_note(data.profile, why))
            for why, named in terms.items()
            if why not in said_before
        ]
        for method, note in (entry.get("inference") or {}).items():
            if isinstance(note, Mapping) and note.get("error"):
                items.append(
                    text(
                        "{}, {}: {}", label, method, released_note(data.profile, str(note["error"]))
                    )
                )
    unbounded = [
        row
        for a in data.study.analyses
        for row in data.rows(a.name, unit=data.study.outcomes[a.outcome].difference_unit)
        if math.isinf(row.low) or math.isinf(row.high)
    ]
    items += [
        text(
            "{}, {}, {}: the interval has no limit on at least one side.",
            r.analysis,
            _term(data, r.term),
            r.inference,
        )
        for r in unbounded
    ]
    if data.import_log is not None:
        items += [text("Coded project: {}", _log_line(data, r)) for r in _nameless(data.import_log)]
    if not items:
        return [
            Prose("None: nothing was bounded, dropped or refused beyond what the tables above say.")
        ]
    return [Listing(tuple(dict.fromkeys(items)))]


def _in_the_flow(data: ReportData, note: str) -> bool:
    """Say whether a note counts the rows without an outcome: a panel has rows only where something
    was measured, so that the flow alone counts every person-period without it."""
    found = re.fullmatch(r"\d+ rows without (.+) were left out\.?", note)
    return bool(found and found[1] in data.study.outcomes)


def _named(data: ReportData, note: str) -> str:
    """Return a note with outcomes by their labels instead of their names in the study file."""
    names = "|".join(re.escape(name) for name in data.study.outcomes)
    return re.sub(
        rf"(?<![\w-])(?:{names})(?![\w-])",
        lambda match: data.outcome_label(match[0]),
        note,
    )


def _term(data: ReportData, term: str) -> str:
    """Return a term, with the names of the periods that it gives by number."""
    named = periods_in_words(term, data.study.window.cut)
    return f"{term} ({named})" if named else term


def _nameless(log: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the warnings of an import log without what they name (sources, cases, codes), which
    may be people: those that become the same are one, their numbers added up."""
    told: dict[tuple[str, str], dict[Any, Any]] = {}
    for record in log[log["severity"] == "warning"].to_dict("records"):
        message = _without_names(str(record["message"]))
        key = str(record["subject"]), message
        n = None if missing(record["n"]) else int(record["n"])
        if key in told and message != record["message"] and n is not None:
            n += told[key]["n"] or 0
        told[key] = record | {"message": message, "n": n}
    return list(told.values())


def _without_names(message: str) -> str:
    """Return a sentence with … for all from its first quotation mark to its last, and for the
    characters in which names differ."""
    before, mark, rest = message.partition('"')
    if not mark:
        return message
    after = re.sub(r"\s*\([^()]*\)", "", rest.rpartition('"')[2])
    return f"{before}…{'' if 'U+' in after else after}"


def _log_line(data: ReportData, record: Mapping[Any, Any]) -> Text:
    """Return a line of the import log; counts of people through the profile."""
    if missing(record["n"]):
        return str(record["message"])
    if str(record["message"]).startswith("people "):
        count = data.profile.about(record["n"], "participants")
        return text("{} ({}).", sentence(str(record["message"])), count)
    of = "participants" if str(record["subject"]) in ("people", "cases") else "references"
    return text("{} {}", data.profile.mark(record["n"], of), record["message"])
