"""Reading code lists: which codes mean an outcome or a condition, and which unit a code implies.

Layouts that are read: ours (`code,code_system,term,implied_unit,source`), OpenCodelists
(`code,term`), CPRD Aurum style (tabs, `MedCodeId`), and headerless `code<TAB>term`. The
file is read by `reading.tables`. Two more columns are optional: `category` sets part of a list
apart (`declined` referrals), and `value` gives a yes/no code its 1 or 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.errors import EvalweaveError, Fault, nearest, raise_faults
from evalweave.files import read_table, sha256
from evalweave.reading import cells as cells_
from evalweave.reading import tables
from evalweave.reading.header import folded
from evalweave.records.codes import SYSTEMS, Code, check_digit_fits, system_named
from evalweave.study.people import listed
from evalweave.study.section import list_of
from evalweave.tables.records import CODELISTS
from evalweave.vocabulary.words import NOTHING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pandas as pd

    from evalweave.study.outcomes import Outcome
    from evalweave.study.people import Comparison, Eligibility

# The column that holds the code, by what lists call it, and the coding system that the name
# implies.
CODE_COLUMNS = {
    "code": None,
    "medcodeid": "medcodeid",
    "snomedctconceptid": "snomed",
    "snomedcode": "snomed",
    "snomed_code": "snomed",
    "snomedct_code": "snomed",
    "conceptid": "snomed",
    "concept_id": "omop",
    "readcode": "read2",
    "read_code": "read2",
    "ctv3code": "ctv3",
    "ctv3": "ctv3",
    "ctv3id": "ctv3",
    "id": None,
}
OTHER_COLUMNS = {
    "code_system": ("code_system", "coding_system", "system"),
    "term": ("term", "description", "name"),
    "implied_unit": ("implied_unit",),
    "category": ("category",),
    "value": ("value",),
}

ENTRY_COLUMNS = ("term", "implied_unit", "category", "value")  # as `Entry` has them
OF_DIGITS = ("snomed", "medcodeid", "omop")  # systems whose codes are whole numbers
CUT = "A spreadsheet has cut it; take the list from its source again."
LABELS = ";"  # between the labels of a list in its summary


@dataclass(frozen=True)
class Entry:
    """One code of a list."""

    code: Code
    term: str = ""
    implied_unit: str = ""
    category: str = ""
    value: str = ""


@dataclass(frozen=True)
class Codelist:
    """A code list as read: its entries in the order of the file, duplicates taken out and
    counted."""

    name: str
    file: str
    sha256: str
    entries: tuple[Entry, ...]
    n_duplicates: int = 0
    n_odd: int = 0
    notes: tuple[str, ...] = ()

    def labels(self) -> list[str]:
        """Return the names under which its conditions appear: the list's, and one for each category
        apart."""
        return sorted({labelled(self.name, entry.category) for entry in self.entries})


def labelled(name: str, category: str) -> str:
    """Return the name of a list's category: `referral[declined]`; without a category, the list's
    own."""
    return f"{name}[{category}]" if category else name


def read(
    name: str, path: Path, default_system: str, systems: Mapping[str, str] = NOTHING
) -> tuple[Codelist | None, list[Fault]]:
    """Read one code list; return it, or its faults. `default_system` is for lists that do not
    say."""
    try:
        grid = tables.read_grid(path, is_header=_is_header, expected=f'the code list "{name}"')
    except EvalweaveError as error:
        return None, list(error.faults)
    starts = [place for place, (_, cells) in enumerate(grid.rows) if _is_header(cells)]
    header = starts[0] if starts else 0
    row, cells = grid.rows[header]
    places, system, first = _layout(cells, default_system)
    if places is None:
        shown = ", ".join(cells)[:80]
        return None, [
            Fault(
                grid.file,
                f"no column of codes (the first row says: {shown})",
                "a column called code",
                "Call it so, or put the header code,term above the codes.",
                row=row,
            )
        ]
    notes = list(grid.notes)
    if header:
        notes.append(f"{grid.file}: row {row} is read as the header; rows above it left out.")
    body = [each for each in grid.rows[header + first :] if not first or each[1] != cells]
    return _entries(name, path, body, places, system, systems, notes)


def _is_header(cells: Sequence[str]) -> bool:
    """Return whether a row names a column of codes."""
    return any(folded(cell) in CODE_COLUMNS for cell in cells)


def _layout(first: list[str], default_system: str) -> tuple[dict[str, int] | None, str, int]:
    """Return column → place, the coding system of codes that do not say theirs, and the first row
    of codes."""
    titles = [folded(cell) for cell in first]
    for word, implied in CODE_COLUMNS.items():
        if word in titles:
            places = {"code": titles.index(word)}
            for ours, names in OTHER_COLUMNS.items():
                for name in names:
                    if name in titles and titles.index(name) != places["code"]:
                        places.setdefault(ours, titles.index(name))
            return places, implied or default_system, 1
    if len(first) <= 2 and any(character.isdigit() for character in first[0]):
        return {"code": 0, "term": 1}, default_system, 0  # headerless: code, then term
    return None, default_system, 0


def _entries(
    name: str,
    path: Path,
    rows: Sequence[tuple[int, list[str]]],
    places: dict[str, int],
    default_system: str,
    systems: Mapping[str, str],
    notes: list[str],
) -> tuple[Codelist | None, list[Fault]]:
    faults: list[Fault] = []
    coded: list[tuple[int, str, str, dict[str, str]]] = []  # row, system, code, its other cells
    for row, cells in rows:
        other = {column: cells[at] for column, at in places.items() if at < len(cells)}
        text, written = other.get("code", ""), other.get("code_system", "")
        system = system_named(written, systems) if written else default_system
        if not text:
            action = "Remove the row or add it."
            faults.append(Fault(path.name, "no code", "a code", action, row, "code"))
        elif system is None or system not in SYSTEMS:
            found, action = f'the coding system "{written}"', nearest(written, SYSTEMS)
            faults.append(Fault(path.name, found, "a known one", action, row, "code_system"))
        else:
            coded.append((row, system, text, other))
    digits = [place for place, (_, system, _, _) in enumerate(coded) if system in OF_DIGITS]
    column = cells_.identifiers(
        path.name, "code", [coded[at][2] for at in digits], [coded[at][0] for at in digits]
    )
    notes += column.notes
    faults += column.faults
    whole = dict(zip(digits, column.cells, strict=True))
    entries: dict[Code, Entry] = {}
    duplicates = n_odd = 0
    for place, (row, system, text, other) in enumerate(coded):
        code = SYSTEMS[system](whole.get(place, text))
        if system in OF_DIGITS and not column.faults and (damage := _damage(code)):
            faults.append(Fault(path.name, damage, "all of its digits", CUT, row, "code"))
            continue
        if oddity := code.oddity():
            n_odd += 1
            notes.append(
                f"{path.name}, row {row}: the code {oddity}; was the list opened in a spreadsheet?"
            )
        entry = Entry(code, *(other.get(name, "") for name in ENTRY_COLUMNS))
        before = entries.setdefault(code, entry)
        if before is not entry:
            duplicates += 1
            faults += _contradiction(path.name, row, before, entry)
    if not entries and not faults:
        faults.append(Fault(path.name, "a header and no codes", "at least one code"))
    if faults:
        return None, faults
    codes = tuple(entries.values())
    return Codelist(name, path.name, sha256(path), codes, duplicates, n_odd, tuple(notes)), []


def _contradiction(file: str, row: int, before: Entry, entry: Entry) -> list[Fault]:
    """Return the fault of a code that stands twice and not for the same."""
    if (before.category, before.value, before.implied_unit) == (
        entry.category,
        entry.value,
        entry.implied_unit,
    ):
        return []
    found = "a code that stands in two categories (or with two units)"
    return [Fault(file, found, "one of them", "Remove one of its rows.", row, "code")]


def _damage(code: Code) -> str:
    """Return what a spreadsheet did to a code of digits, or nothing. It keeps fifteen of them."""
    if re.fullmatch(r"\d+[.,]\d+", code.text):
        return "a code with a fraction"
    cut = code.text.isdigit() and len(code.text) > 15 and not code.text[15:].strip("0")
    return (
        "a code that ends in zeros, and not in its check digit"
        if cut and not check_digit_fits(code.text)
        else ""
    )


def read_all(
    codelists: dict[str, str], default_system: str, systems: Mapping[str, str] = NOTHING
) -> tuple[dict[str, Codelist], list[Fault]]:
    """Read every code list of a study; return those that could be read, and all faults."""
    lists: dict[str, Codelist] = {}
    faults: list[Fault] = []
    for name, path in codelists.items():
        codelist, wrong = read(name, Path(path), default_system, systems)
        faults += wrong
        if codelist is not None:
            lists[name] = codelist
    return lists, faults


def conflicts(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> list[Fault]:
    """Return a fault for each code that means an outcome and something else: a record cannot be
    both.

    Two lists of conditions may share codes (a comorbidity may also be an exclusion).
    """
    measured = {outcome.codelist or name for name, outcome in outcomes.items()}
    owner: dict[Code, str] = {}
    faults = []
    for name in sorted(lists, key=lambda each: each not in measured):
        for entry in lists[name].entries:
            before = owner.setdefault(entry.code, name)
            if before != name and before in measured:
                faults.append(
                    Fault(
                        lists[name].file,
                        f'a code that also stands in the code list "{before}" of an outcome',
                        "each code in one of them",
                        "Remove it from one.",
                    )
                )
    for name, outcome in outcomes.items():
        codelist = lists.get(outcome.codelist or name)
        quantity = outcome.measures(name)
        implied = (
            {entry.implied_unit for entry in codelist.entries if entry.implied_unit}
            if codelist
            else ()
        )
        for unit in sorted(each for each in implied if not quantity.has(each)):
            valid = [each.name for each in quantity.units]
            faults.append(
                Fault(
                    codelist.file if codelist else "",
                    f'the unit "{unit}"',
                    f"a unit of {quantity.name}",
                    nearest(unit, valid),
                    column="implied_unit",
                )
            )
        if (
            outcome.binary
            and codelist
            and not all(entry.value in ("0", "1") for entry in codelist.entries)
        ):
            faults.append(
                Fault(
                    codelist.file,
                    f'codes of the yes/no outcome "{name}" without 1 or 0',
                    "a column value with 1 or 0 for every code",
                    column="value",
                )
            )
    return faults


def asked_for(eligibility: Eligibility, comparisons: Mapping[str, Comparison]) -> list[str]:
    """Return every list, or category of one, on which a study's eligibility and comparisons
    rest."""
    referrals = [group.referrals for group in comparisons.values() if group.referrals]
    return [*listed(eligibility), *eligibility.additional_conditions, *referrals]


def unknown_labels(labels: Mapping[str, Collection[str]], wanted: Iterable[str]) -> list[Fault]:
    """Return a fault for each of `wanted` that no code stands for; `labels` has those of each list.

    A misspelt category would be an exclusion that excludes nobody.
    """
    known = sorted(label for each in labels.values() for label in each)
    return [
        Fault(
            f'code list "{list_of(label)}"',
            f'no code of "{label}", which the study asks for',
            "a code with that category",
            nearest(label, known),
            column="category",
        )
        for label in dict.fromkeys(wanted)
        if list_of(label) in labels and label not in known
    ]


def check_labels(file: Path, wanted: Iterable[str]) -> None:
    """Raise `DataError` for each of `wanted` that no code stands for, by the table of code lists
    that `evalweave clean` wrote; without that table nothing is known."""
    frame = read_table(file, CODELISTS) if file.is_file() else None
    if frame is None or "labels" not in frame:
        return
    labels = {row["codelist"]: str(row["labels"]).split(LABELS) for row in frame.to_dict("records")}
    raise_faults(unknown_labels(labels, wanted))


def summary(lists: dict[str, Codelist]) -> pd.DataFrame:
    """Return one row a list: file, number of codes, duplicates, labels of its conditions,
    checksum."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "codelist": name,
                "file": lists[name].file,
                "n_codes": len(lists[name].entries),
                "n_duplicates": lists[name].n_duplicates,
                "n_odd": lists[name].n_odd,
                "labels": LABELS.join(lists[name].labels()),
                "sha256": lists[name].sha256,
            }
            for name in sorted(lists)
        ]
    )
