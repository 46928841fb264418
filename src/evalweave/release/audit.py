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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalweave import files
from evalweave.errors import DataError
from evalweave.release import released
from evalweave.release.disclosure import (
    EXACT,
    HIDDEN,
    KINDS,
    PART_OF,
    PARTICIPANTS,
    PATIENTS,
    PRACTICES,
    RECORDS,
    Profile,
    profile,
)
from evalweave.release.identifiers import COLUMNS, Identifiers, tokens
from evalweave.release.manifest import NAME as MANIFEST
from evalweave.release.released import Content
from evalweave.tables.catalogue import ALL

CHECKS = {
    "readable": "every file is of a kind that can be read back",
    "identifiers": "no identifier of a patient, practice, participant or segment stands in any "
    "file",
    "marked_counts": "marked counts in HTML and SVG follow the profile",
    "counting_columns": "counting columns of CSV and JSON tables follow the profile",
    "unmarked_counts": "no small or unrounded count stands unmarked in a sentence, no undeclared "
    "count in a table",
    "machine": "no path of a machine stands in any file",
}

# Column → what it counts, over all contracts; where contracts differ, patients and records (the
# strict ones) win.
COUNTING = {
    column.name: column.counts
    for kinds in (EXACT, (PARTICIPANTS,), (RECORDS,), (PATIENTS,))
    for table in ALL
    for column in table.columns
    if column.counts in kinds
}
DECLARED = {column.name for table in ALL for column in table.columns}

_PEOPLE = (
    "patients|people|persons|women|men|participants|clients|link workers|family "
    "members|interviewees"
)
_THINGS = (
    "rows|records|measurements|values|observations|person-periods|patient-periods|registrations"
)
_SENTENCE = re.compile(
    rf"(?<![\w.,])(\d[\d,]*)\s+(?:\w+\s+){{0,1}}?({_PEOPLE}|{_THINGS})\b", re.IGNORECASE
)
_SIZE = re.compile(r"(?<![\w.,])[nN]\s*=\s*(\d[\d,]*)(?![\w.]*\d)")
_RULE = re.compile(r"(?:than|least|most|to|below|under|from|threshold of|–|[-])\s*$")
_VOICES = ("participants", "clients", "link workers", "family members", "interviewees")
_MACHINE = re.compile(
    r"(?<![\w.:/])(?:/(?:home|Users|root|tmp|private|var|mnt|scratch)/[\w.~-]+|[A-Za-z]:\\+(?:Users|Documents|Temp)\\+\w+|\\\\\w+\\\w+)"
)


@dataclass
class Audit:
    """What was looked at and what was found."""

    profile: str
    files: dict[str, str] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    not_searched: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
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
            "identifiers_too_short_to_search": self.not_searched,
            "pictures_not_readable": self.pictures,
        }


def audit(folder: Path, identifiers: Sequence[Identifiers], machine: Sequence[str] = ()) -> Audit:
    """Audit every file below `folder`; raise `DataError` when there is nothing to audit.

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
    contents = [released.read(path, path.relative_to(folder).as_posix()) for path in paths]
    rules, sentences = _profile(contents)
    result = Audit(rules.name, findings=sentences)
    result.not_searched = {known.kind: known.too_short for known in identifiers if known.too_short}
    for path, content in zip(paths, contents, strict=True):
        result.files[content.name] = files.sha256(path) if path.is_file() else ""
        result.pictures += content.pictures
        result.looked_at["readable"] += 1
        if content.unreadable:
            result.findings.append(
                f"{content.name}: {content.unreadable}. Remove it from the release, or write it in "
                "another form."
            )
        for findings in (
            _identifiers(content, identifiers, result),
            _marks(content, rules, result),
            _columns(content, rules, result),
            _sentences(content, rules, result),
            _machine(content, machine, result),
        ):
            result.findings += findings
    return result


def _profile(contents: list[Content]) -> tuple[Profile, list[str]]:
    """Return the profile that the manifest declares; without one, the default and a finding."""
    for content in contents:
        if content.name == MANIFEST and isinstance(content.document, dict):
            study = content.document.get("study")
            if isinstance(study, dict) and isinstance(study.get("disclosure"), str):
                strand = study.get("qualitative")
                cell = strand.get("min_cell", 3) if isinstance(strand, dict) else 3
                return profile(study["disclosure"], int(cell)), []
    return profile("nhs_england"), [
        f"{MANIFEST}: is missing or does not say which disclosure profile holds; nhs_england was "
        "assumed. "
        "Write the report again."
    ]


def _identifiers(
    content: Content, identifiers: Sequence[Identifiers], result: Audit
) -> Iterator[str]:
    result.looked_at["identifiers"] += 1
    texts = _without_counts(content)
    words = [tokens(text) for text in texts]
    for known_kind in identifiers:
        names = {
            name
            for text, known in zip(texts, words, strict=True)
            for name in known_kind.found_in(text, known)
        }
        if names:
            one = len(names) == 1
            noun = (
                f"the identifier of a {known_kind.kind}"
                if one
                else f"identifiers of {len(names)} {known_kind.kind}s"
            )
            yield (
                f"{content.name}{_line(content, names)}: holds {noun}. Nothing that names one "
                "may be released."
            )
        if (
            known_kind.tokens & set(re.split(r"[\W_]+", content.name))
            or content.name in known_kind.tokens
        ):
            yield f"a file or folder of the release is named after a {known_kind.kind}. Rename it."
    for name, rows in _tables(_without_renames(content)):
        for column in sorted({key for row in rows for key in row if key.lower() in COLUMNS}):
            yield (
                f"{_place(content, name)}: has a column {column}, which holds identifiers. Leave "
                "it out."
            )


def _without_renames(content: Content) -> Content:
    """Return a manifest without what the study file says columns of the extract are called.

    Keys such as practice_id are names of columns there, and hold no identifiers.
    """
    if content.name != MANIFEST or not isinstance(content.document, dict):
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
            for key, value in _leaves(content.document)
            if isinstance(value, int)
            and not isinstance(value, bool)
            and key not in COUNTING
            and key not in ("bytes", "seed")
            and not key.startswith("analysis ")
        ]
        return [content.raw[-1], "\n".join(numbers)]
    return content.raw


def _line(content: Content, names: set[str]) -> str:
    """Return where the first of them stands in the file, without saying which."""
    lines = (
        content.raw[0].splitlines()
        if content.raw and not content.name.endswith(released.PACKED)
        else []
    )
    for number, line in enumerate(lines, start=1):
        if any(name in line for name in names):
            return f", line {number}"
    return ""


def _marks(content: Content, rules: Profile, result: Audit) -> Iterator[str]:
    for mark in content.marks:
        result.looked_at["marked_counts"] += 1
        if mark.of not in KINDS:
            yield (
                f"{content.name}: a marked count does not say what it counts. Release counts "
                "through the profile."
            )
            continue
        fault = count_fault(mark.value or mark.text, mark.of, rules)
        if fault:
            yield f"{content.name}: a marked count of {mark.of} {fault}."
        elif mark.value and not _says(mark.text, mark.value):
            yield (
                f"{content.name}: a marked count of {mark.of} reads differently from the value "
                "it carries."
            )


def _says(text: str, value: str) -> bool:
    """Does the text of a mark give the value that it carries and nothing more?"""
    if value == HIDDEN:
        return text == HIDDEN or re.fullmatch(r"(?:\d+ to \d+|fewer than \d+)", text) is not None
    return re.sub(r"[,\s\u202f\u00a0]", "", text) == value


def count_fault(text: str, of: str, rules: Profile) -> str:
    """Return what is wrong with a released count ("is small (…)", "is not rounded (…)"); blank
    where it may stand."""
    text = re.sub(r"[,\s\u202f\u00a0]", "", text)
    if text in ("", HIDDEN, "–"):
        return ""
    if not re.fullmatch(r"\d+(?:\.0+)?", text):
        return "is not a whole number"
    n = int(float(text))
    if rules.hides(n, of):
        smallest = rules.min_cell if of == PARTICIPANTS else rules.high + 1
        return f"is small (the profile {rules.name} shows none below {smallest})"
    if of in (PATIENTS, RECORDS) and n % rules.base:
        return f"is not rounded (the profile {rules.name} rounds to {rules.base})"
    return ""


def _columns(content: Content, rules: Profile, result: Audit) -> Iterator[str]:
    for name, rows in _tables(content):
        faults: dict[tuple[str, str], list[int]] = {}
        for number, row in enumerate(rows, start=2):
            for key, cell in row.items():
                of = _kind(key, row, name)
                if of is None or cell is None:
                    continue
                result.looked_at["counting_columns"] += 1
                if fault := count_fault(str(cell), of, rules):
                    faults.setdefault((key, fault), []).append(number)
        for (key, fault), where in faults.items():
            first = f"{_place(content, name)}, row {where[0]}, column {key}: a count {fault}"
            yield (
                f"{first}."
                if len(where) == 1
                else f"{first}; so are {len(where) - 1} more of the column."
            )
        result.looked_at["counting_columns"] += 1
        if few := [
            number for number, row in enumerate(rows, start=2) if _few_are_left(row, name, rules)
        ]:
            yield (
                f"{_place(content, name)}, row {few[0]}: all but a few of the whole (the profile "
                f"{rules.name} shows no "
                f"small rest){f'; so are {len(few) - 1} more' if few[1:] else ''}."
            )
        declared = DECLARED | set(_contract(name))
        for key in sorted({key for row in rows for key in row} - declared - set(COUNTING)):
            if content.name != MANIFEST and _looks_like_counts([row.get(key) for row in rows]):
                yield (
                    f"{content.name}, column {key}: holds whole numbers and no contract says what "
                    "they count. "
                    "Declare it in tables.py, or leave it out."
                )


def _few_are_left(row: dict[str, Any], table: str, rules: Profile) -> bool:
    """Does a part give away the few who are not part of it? A difference of rounded counts tells
    nothing for sure."""
    kinds = _contract(table)
    return any(
        str(row.get(part)).isdigit()
        and str(row.get(whole)).isdigit()
        and (kinds[part] == PARTICIPANTS or rules.base == 1)
        and rules.hides_rest(int(row[part]), int(row[whole]), kinds[part])
        for part, whole in PART_OF.get(table, {}).items()
    )


def _place(content: Content, table: str) -> str:
    """Return how a table is called in a finding: by its file, and by its name inside a JSON
    document."""
    return content.name if content.tables else f"{content.name}, {table}"


def _kind(key: str, row: dict[str, Any], table: str) -> str | None:
    """Return what a cell counts, or None where it is no count."""
    if key in ("programme", "comparison_value") and row.get("statistic") == "n":
        return PRACTICES if row.get("variable") == PRACTICES else PATIENTS
    of = _contract(table).get(key, COUNTING.get(key)) or None
    return PRACTICES if of in (RECORDS, PATIENTS) and row.get("unit") == PRACTICES else of


def _contract(name: str) -> dict[str, str]:
    """Return column → what it counts, of the contract with a table's name."""
    return next(
        ({c.name: c.counts for c in table.columns} for table in ALL if table.name == name), {}
    )


def _looks_like_counts(cells: list[Any]) -> bool:
    filled = [str(cell).strip() for cell in cells if cell not in (None, "")]
    return (
        bool(filled)
        and all(re.fullmatch(r"\d+(?:\.0)?|\*", cell) for cell in filled)
        and set(filled) - {"0", "1"} != set()
    )


def _tables(content: Content) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield from content.tables.items()
    yield from _nested(content.document, Path(content.name).stem)


def _nested(value: Any, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every list of rows, and every single object with counts, inside a JSON document."""
    if isinstance(value, dict):
        if any(key in COUNTING or key.lower() in COLUMNS for key in value):
            yield (
                name,
                [{key: item for key, item in value.items() if not isinstance(item, dict | list)}],
            )
        for key, item in value.items():
            yield from _nested(item, str(key))
    elif isinstance(value, list):
        rows = [item for item in value if isinstance(item, dict)]
        if rows and all(not isinstance(cell, dict | list) for row in rows for cell in row.values()):
            yield name, rows
        else:
            for item in value:
                yield from _nested(item, name)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key)
    else:
        yield key, value


def _sentences(content: Content, rules: Profile, result: Audit) -> Iterator[str]:
    """Find counts that stand in prose without a mark and that the profile could not have
    released."""
    faulty = 0
    for pattern in (_SENTENCE, _SIZE):
        for match in pattern.finditer(content.prose):
            result.looked_at["unmarked_counts"] += 1
            if _RULE.search(content.prose[max(0, match.start() - 14) : match.start()]):
                continue  # a threshold, such as "at least 3 people", is no count
            noun = match.group(2).lower() if pattern is _SENTENCE else PATIENTS
            of = PARTICIPANTS if noun in _VOICES else PATIENTS
            faulty += bool(count_fault(match.group(1), of, rules))
    if faulty:
        one = "a count" if faulty == 1 else f"{faulty} counts"
        yield (
            f"{content.name}: {one} of people or records in a sentence, unmarked, small or "
            "unrounded for the profile "
            f"{rules.name}. Release counts through the profile."
        )


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
