"""The release audit: proof, by reading every file back, that a report folder holds only checked
aggregates.

It looks for (a) identifiers as whole tokens and columns named like identifiers; (b) marked counts
and counting columns that are small or unrounded for the study's profile; (c) counts that nobody
declared: unmarked ones in sentences, whole-number columns without a contract; (d) paths of a
machine. A file that cannot be read cannot be released. A finding never repeats what it found.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalweave import files
from evalweave.errors import DataError
from evalweave.release import packed, read_words, released
from evalweave.release.attack import attack
from evalweave.release.audited_counts import (
    COUNTING,
    columns,
    leaves,
    marks,
    place,
    sentences,
    tables,
)
from evalweave.release.disclosure import Profile
from evalweave.release.identifiers import COLUMNS, Identifiers
from evalweave.release.intruder import profile_of, study_of, tables_of
from evalweave.release.manifest import NAME as MANIFEST
from evalweave.release.published import Tables, declared
from evalweave.release.released import Content

CHECKS = {
    "readable": "every file is of a kind that can be read back",
    "identifiers": "no identifier of a patient, practice, participant or segment stands in any "
    "file",
    "marked_counts": "marked counts in HTML and SVG follow the profile",
    "counting_columns": "counting columns of CSV and JSON tables follow the profile",
    "unmarked_counts": "no small or unrounded count stands unmarked in a sentence, in figures or "
    "in words, no undeclared count in a table",
    "attack": "no count that the profile protects can be narrowed down from the released files",
    "machine": "no path of a machine stands in any file",
}

_MACHINE = re.compile(
    r"(?<![\w.:/])(?:/(?:home|Users|root|tmp|private|var|mnt|scratch)/[\w.~-]+|[A-Za-z]:\\+(?:Users|Documents|Temp)\\+\w+|\\\\\w+\\\w+)"
)


@dataclass
class Audit:
    """What was looked at and what was found."""

    profile: str
    files: dict[str, str] = field(default_factory=dict)
    looked_at: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CHECKS, 0)))
    not_searched: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
    attacked: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        checks = {
            name: {"meaning": CHECKS[name], "looked_at": n} for name, n in self.looked_at.items()
        }
        return {
            "profile": self.profile,
            "files": self.files,
            "checks": checks,
            "findings": self.findings,
            "attack": self.attacked,
            "identifiers_too_short_to_search": self.not_searched,
            "pictures_not_readable": self.pictures,
        }


def audit(
    folder: Path,
    identifiers: Sequence[Identifiers],
    machine: Sequence[str] = (),
    earlier: Sequence[Tables] = (),
) -> Audit:
    """Audit every file below `folder`; raise `DataError` when there is nothing to audit.

    `earlier` are the tables of earlier releases.
    `machine` are texts that name this machine or its user (home folder, working folder); absent
    from any release.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder to audit. Give a folder that `evalweave report` "
            "wrote."
        )
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    if not paths:
        raise DataError(
            f"{folder}: is empty, so there is no release to audit. Run the study first."
        )
    names = [path.relative_to(folder).as_posix() for path in paths]
    contents = [
        content
        for path, name in zip(paths, names, strict=True)
        for content in packed.contents(path, name)
    ]
    rules, assumed = profile_of(contents)
    result = Audit(rules.name, findings=assumed)
    for path, name in zip(paths, names, strict=True):
        result.files[name] = files.sha256(path) if path.is_file() else ""
    result.not_searched = {known.kind: known.too_short for known in identifiers if known.too_short}
    keys = read_words.keys(contents)
    for content in contents:
        result.pictures += content.pictures
        result.looked_at["readable"] += 1
        if content.unreadable:
            result.findings.append(
                f"{content.name}: {content.unreadable}. Remove it from the release, or write it in "
                "another form."
            )
        result.looked_at["identifiers"] += 1
        for findings in (
            identified(content, identifiers, keys),
            marks(content, rules, result.looked_at),
            columns(content, rules, result.looked_at),
            sentences(content, rules, result.looked_at),
            _machine(content, machine, result),
        ):
            result.findings += findings
    _attack(contents, rules, earlier, result)
    return result


def _attack(
    contents: Sequence[Content], rules: Profile, earlier: Sequence[Tables], result: Audit
) -> None:
    """Attack the released tables as an intruder would, who has nothing else."""
    tables = tables_of(contents)
    others = [before for before in earlier if before != tables]
    attacked = attack(tables, rules, declared(study_of(contents)), others)
    result.attacked = attacked.as_json()
    result.looked_at["attack"] += attacked.protected
    result.findings += attacked.findings


def identified(
    content: Content, identifiers: Sequence[Identifiers], keys: frozenset[str]
) -> Iterator[str]:
    """Find identifiers in one file, and columns that are named like them. `keys` are the study's
    own (`read_words.keys`)."""
    texts = _without_counts(content)
    for known_kind in identifiers:
        names = {name for text in texts for name in known_kind.found_in(text)}
        for text in read_words.words(content):
            names |= known_kind.found_in(text, words=True) - keys
        if names:
            one = len(names) == 1
            noun = (
                f"the identifier of a {known_kind.kind}"
                if one
                else f"identifiers of {len(names)} {known_kind.kind}s"
            )
            yield (
                f"{content.name}{_line(content, known_kind)}: holds {noun}. Nothing that names one "
                "may be released."
            )
        if known_kind.found_in(content.name):
            yield f"a file or folder of the release is named after a {known_kind.kind}. Rename it."
    for name, rows in tables(_without_renames(content)):
        for column in sorted({key for row in rows for key in row if key.lower() in COLUMNS}):
            yield (
                f"{place(content, name)}: has a column {column}, which holds identifiers. Leave "
                "it out."
            )


def _without_renames(content: Content) -> Content:
    """Return a manifest without what the study file says columns of the extract are called.

    Keys such as practice_id are names of columns there, and hold no identifiers.
    """
    if Path(content.name).name != MANIFEST or not isinstance(content.document, dict):
        return content
    study = content.document.get("study")
    extract = study.get("extract") if isinstance(study, dict) else None
    if not isinstance(study, dict) or not isinstance(extract, dict):
        return content
    renamed = {**extract, "columns": {}}
    document = {**content.document, "study": {**study, "extract": renamed}}
    return dataclasses.replace(content, document=document)


def _without_counts(content: Content) -> list[str]:
    """Return the texts to search; of CSV tables the cells outside counting columns, so that no
    count is mistaken."""
    if content.tables:
        cells = [
            str(cell)
            for rows in content.tables.values()
            for row in rows
            for key, cell in row.items()
            if key not in COUNTING or not re.fullmatch(r"[\d,]*|\*", str(cell or ""))
        ]
        return [
            "\n".join(
                cells
                + [key for rows in content.tables.values() for key in (rows[0] if rows else {})]
            )
        ]
    if content.document is not None:
        numbers = [
            str(value)
            for key, value in leaves(content.document)
            if isinstance(value, int)
            and not isinstance(value, bool)
            and key not in COUNTING
            and key not in ("bytes", "seed")
            and not key.startswith("analysis ")
        ]
        return [content.raw[-1], "\n".join(numbers)]
    return content.raw


def _line(content: Content, known: Identifiers) -> str:
    """Return where the first of them stands in the file, without saying which."""
    lines = (
        content.raw[0].splitlines()
        if content.raw and not content.name.endswith(released.PACKED)
        else []
    )
    for number, line in enumerate(lines, start=1):
        if known.found_in(line) or known.found_in(line, words=True):
            return f", line {number}"
    return ""


def _machine(content: Content, machine: Sequence[str], result: Audit) -> Iterator[str]:
    result.looked_at["machine"] += 1
    if any(_MACHINE.search(text) or any(word in text for word in machine) for text in content.raw):
        yield (
            f"{content.name}: holds a path of a machine or the name of its user. Released files "
            "name none."
        )


def machine_texts() -> tuple[str, ...]:
    """Return texts that name this machine or its user: the home and the working folder, where they
    are telling."""
    places = (str(Path.home()), str(Path.cwd()))
    return tuple(sorted({place for place in places if len(Path(place).parts) > 2}))
