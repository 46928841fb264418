"""Small coded projects with the tables beside them, and what they count and warn of."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.study.qualitative import Qualitative

ROLES = {"C1": "client", "C2": "client", "F1": "family", "L1": "link_worker", "L2": "link_worker"}


def settings_of(folder: Path, project: Path, format_: str, **more: Any) -> Qualitative:
    people = "".join(f"{who},{role}\n" for who, role in ROLES.items())
    asked = "".join(f"{who},T,yes\n" for who in ROLES)
    (folder / "people.csv").write_text("participant_id,role\n" + people)
    (folder / "asked.csv").write_text("participant_id,theme_id,eligible\n" + asked)
    (folder / "themes.csv").write_text("theme_id,label,code\nT,T,Support\n")
    given = {
        "project": str(project),
        "format": format_,
        "participants": str(folder / "people.csv"),
        "eligibility": str(folder / "asked.csv"),
        "themes": str(folder / "themes.csv"),
    }
    return Qualitative.model_validate(given | more)


def of_segments(folder: Path, rows: str, links: str, kinds: str = "", **more: Any) -> Project:
    """A project of coded segments with a map, and the table of sources that says what they are."""
    (folder / "seg.csv").write_text("source,start,end,quote,code,coder\n" + rows, encoding="utf-8")
    (folder / "map.csv").write_text("source,participant,start,end\n" + links, encoding="utf-8")
    (folder / "sources.csv").write_text("source,kind,shared\n" + kinds, encoding="utf-8")
    more |= {"source_participants": str(folder / "map.csv")}
    if kinds:
        more["sources"] = str(folder / "sources.csv")
    return load(folder / "seg.csv", settings_of(folder, folder / "seg.csv", "segments", **more))


SELECTED = '<Coding creatingUser="u"><CodeRef targetGUID="c"/></Coding>'


def refi(
    folder: Path, sources: str, cases: str = "", users: str = "", codes: str = "", **members: str
) -> Path:
    path = folder / "p.qdpx"
    users = users or '<User guid="u" name="Ann"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "project.qde",
            '<?xml version="1.0" encoding="utf-8"?><Project name="p" '
            f'xmlns="urn:QDA-XML:project:1.0"><Users>{users}</Users><CodeBook><Codes>'
            '<Code guid="c" name="Support"/><Code guid="d" name="Money"/>'
            f"{codes}</Codes></CodeBook>"
            '<Variables><Variable guid="v" name="participant_id"/></Variables>'
            f"<Cases>{cases}</Cases><Sources>{sources}</Sources></Project>",
        )
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def of_refi(folder: Path, sources: str, links: str = "", **more: Any) -> Project:
    path = refi(
        folder, sources, **{k: more.pop(k) for k in ("cases", "users", "codes") if k in more}
    )
    if links:
        (folder / "map.csv").write_text("source,participant\n" + links)
        more["source_participants"] = str(folder / "map.csv")
    return load(path, settings_of(folder, path, "refi_qda", **more))


def text_source(guid: str, name: str, text: str, code: str = SELECTED) -> str:
    return (
        f'<TextSource guid="{guid}" name="{name}"><PlainTextContent>{text}</PlainTextContent>'
        f'<PlainTextSelection guid="{guid}1" startPosition="0" endPosition="{len(text)}">{code}'
        "</PlainTextSelection></TextSource>"
    )


def counts_of(project: Project, theme: str = "T") -> dict[str, tuple[Any, Any, str]]:
    """Role → k, N and how far that is known, of a whole theme."""
    counts = theme_counts(project)
    rows = counts[
        counts["code_id"].isna() & counts["attribute"].isna() & (counts["theme_id"] == theme)
    ]
    return {
        row.role: (
            None if pd.isna(row.n_participants) else row.n_participants,
            None if pd.isna(row.n_eligible) else row.n_eligible,
            "" if pd.isna(row.attributed) else row.attributed,
        )
        for row in rows.itertuples()
    }


def warnings_of(project: Project) -> str:
    log = project.import_log
    return "\n".join(log.loc[log["severity"] == "warning", "message"])
