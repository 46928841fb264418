"""Counts of a released file that the profile could not have released: marked ones, columns and
sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
)
from evalweave.release.identifiers import COLUMNS
from evalweave.release.manifest import NAME as MANIFEST
from evalweave.release.released import Content
from evalweave.release.written_counts import PEOPLE, SPELT, THINGS, THRESHOLD, written
from evalweave.tables.catalogue import ALL
from evalweave.tables.contract import NUMBER, WHOLE

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
STATISTIC = {c.name: c.statistic for table in ALL for c in table.columns if c.statistic}
WORDS = {c.name for table in ALL for c in table.columns if c.type not in (NUMBER, WHOLE)}
# How finely a statistic may be written: decimals, or significant digits where units differ.
DECIMALS = {
    "mean": 3,
    "deviation": 3,
    "difference": 2,
    "rate": 1,
    "dof": 2,
    "stability": 2,
    "probability": 3,
}
SIGNIFICANT = {"estimate": 7, "error": 7, "interval": 7, "p_value": 3}

_SENTENCE = re.compile(
    rf"(?<![\w.,])(\d[\d,]*)\s+(?:\w+\s+){{0,1}}?({PEOPLE}|{THINGS})\b", re.IGNORECASE
)
_FRACTION = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?|-?\d+[eE][-+]?\d+")
_NAMES = {table.name for table in ALL}
_SIZE = re.compile(r"(?<![\w.,])[nN]\s*=\s*(\d[\d,]*)(?![\w.]*\d)")
_VOICES = ("participants", "clients", "link workers", "family members", "interviewees")


def marks(content: Content, rules: Profile, looked_at: Counter[str]) -> Iterator[str]:
    for mark in content.marks:
        looked_at["marked_counts"] += 1
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


def columns(content: Content, rules: Profile, looked_at: Counter[str]) -> Iterator[str]:
    for name, rows in tables(content):
        faults: dict[tuple[str, str], list[int]] = {}
        for number, row in enumerate(rows, start=2):
            for key, cell in row.items():
                of = _kind(key, row, name)
                if of is None or cell is None:
                    continue
                looked_at["counting_columns"] += 1
                if fault := count_fault(str(cell), of, rules):
                    faults.setdefault((key, fault), []).append(number)
        for (key, fault), where in faults.items():
            first = f"{place(content, name)}, row {where[0]}, column {key}: a count {fault}"
            yield (
                f"{first}."
                if len(where) == 1
                else f"{first}; so are {len(where) - 1} more of the column."
            )
        looked_at["counting_columns"] += 1
        if few := [
            number for number, row in enumerate(rows, start=2) if _few_are_left(row, name, rules)
        ]:
            yield (
                f"{place(content, name)}, row {few[0]}: all but a few of the whole (the profile "
                f"{rules.name} shows no "
                f"small rest){f'; so are {len(few) - 1} more' if few[1:] else ''}."
            )
        declared = DECLARED | set(_contract(name))
        for key in sorted({key for row in rows for key in row} - declared - set(COUNTING)):
            if Path(content.name).name != MANIFEST and _looks_like_counts(
                [row.get(key) for row in rows]
            ):
                yield (
                    f"{content.name}, column {key}: holds whole numbers and no contract says what "
                    "they count. "
                    "Declare it in tables.py, or leave it out."
                )
        if not rules.exact and (content.tables or name in _NAMES):
            yield from _too_fine(content, name, rows)


def _too_fine(content: Content, name: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Find numbers that no contract declares, and statistics with more digits than a release has:
    their last digits give away what they rest on."""
    for key in sorted({key for row in rows for key in row} - set(COUNTING)):
        numbers = [text for row in rows if _FRACTION.fullmatch(text := str(row.get(key)))]
        statistic = STATISTIC.get(key)
        if numbers and statistic is None and key not in WORDS:
            yield (
                f"{place(content, name)}, column {key}: holds numbers and no contract says what "
                "they are. Declare it in tables/, or leave it out."
            )
        elif any(_digits(text, str(statistic)) for text in numbers):
            yield (
                f"{place(content, name)}, column {key}: is written more finely than the people "
                "behind it support. Write the report again."
            )


def _digits(text: str, statistic: str) -> bool:
    """Has a number more digits than its statistic may have?"""
    mantissa, _, power = text.lower().lstrip("-").partition("e")
    decimals = len(mantissa.partition(".")[2].rstrip("0")) - int(power or 0)
    significant = len(mantissa.replace(".", "").strip("0"))
    if statistic in DECIMALS:
        return decimals > DECIMALS[statistic]
    return significant > SIGNIFICANT.get(statistic, 99)


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


def place(content: Content, table: str) -> str:
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


def tables(content: Content) -> Iterator[tuple[str, list[dict[str, Any]]]]:
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


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, value


def _counted(noun: str) -> str:
    voices = {*_VOICES, *(one.removesuffix("s") for one in _VOICES)}
    return PARTICIPANTS if noun.lower() in voices else PATIENTS


def sentences(content: Content, rules: Profile, looked_at: Counter[str]) -> Iterator[str]:
    """Find counts that stand in prose without a mark and that the profile could not have
    released."""
    faulty = 0
    for pattern in (_SENTENCE, _SIZE):
        for match in pattern.finditer(content.prose):
            looked_at["unmarked_counts"] += 1
            if THRESHOLD.search(content.prose[max(0, match.start() - 14) : match.start()]):
                continue  # a threshold, such as "at least 3 people", is no count
            noun = match.group(2) if pattern is _SENTENCE else PATIENTS
            faulty += bool(count_fault(match.group(1), _counted(noun), rules))
    for match in written(content.own):
        looked_at["unmarked_counts"] += 1
        n = SPELT.get(match["n"].lower(), match["n"])
        faulty += bool(count_fault(str(n), _counted(match["noun"]), rules))
    if faulty:
        one = "a count" if faulty == 1 else f"{faulty} counts"
        yield (
            f"{content.name}: {one} of people or records in a sentence, unmarked, small or "
            "unrounded for the profile "
            f"{rules.name}. Release counts through the profile."
        )
