"""Tables that people write beside a coded project: participants, sources, who speaks where,
eligibility, themes.

Every fault of a table is said at once. Messages name rows and columns, never a participant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from evalweave.errors import DataError, EvalweaveError, Fault, nearest, raise_faults
from evalweave.qualitative.hierarchy import code_id, path_of
from evalweave.qualitative.identity import by_normal, normal
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.raw import Log, position
from evalweave.reading import tables
from evalweave.tables.qualitative import ELIGIBILITY, PARTICIPANTS, THEME_CODES, THEMES

SHARED = ("each", "group", "unknown")
YES = {"true", "yes", "y", "1", "t"}
NO = {"false", "no", "n", "0", "f"}


def participants(
    path: Path | str,
    attributes: Sequence[str] = (),
    log: Log | None = None,
    numeric: Sequence[str] = (),
) -> pd.DataFrame:
    """Read participants; `attributes` beyond the contract's columns are kept as text, and so are
    `numeric` ones, which must be numbers."""
    attributes = list(dict.fromkeys([*attributes, *numeric]))
    measured = list(dict.fromkeys(["months_in_programme", *numeric]))
    table = tables.read(
        path,
        ["participant_id", "role"],
        [*PARTICIPANTS.names, *attributes],
        identifiers=["participant_id"],
        numbers=measured,
    )
    _note(table, log)
    faults = _blanks_and_repeats(table, "participant_id") + _blanks(table, "role")
    rows = []
    for row, line in zip(table.rows, table.lines, strict=True):
        made: dict[str, object] = {
            name: row.get(name) or None for name in (*PARTICIPANTS.names, *attributes)
        }
        made["role"] = role_name(row["role"])
        made["consent_quote"] = _truth(table, row, line, "consent_quote", faults)
        for name in measured:
            number = _number(table, row, line, name, faults)
            if name == "months_in_programme":
                made[name] = number
        rows.append(made)
    absent = [name for name in attributes if name not in table.header]
    faults += [
        Fault(
            table.file,
            "no such column",
            "the attribute that the study file crosses themes with",
            nearest(name, table.header),
            column=name,
        )
        for name in absent
    ]
    raise_faults(faults)
    return people_table(rows, attributes)


def people_table(
    rows: Iterable[Mapping[str, object]], attributes: Sequence[str] = ()
) -> pd.DataFrame:
    """Return participants in the types of the contract, sorted, with further attributes after
    it."""
    frame = pd.DataFrame(
        list(rows), columns=list(dict.fromkeys([*PARTICIPANTS.names, *attributes]))
    )
    frame = frame.sort_values("participant_id", ignore_index=True)
    further = frame[[name for name in attributes if name not in PARTICIPANTS.names]].astype(
        "string"
    )
    return pd.concat([PARTICIPANTS.conform(frame), further], axis=1)


def sources(path: Path | str, log: Log | None = None) -> dict[str, dict[str, str]]:
    """Read what each source is (source, kind, phase, date, shared) by the source's name."""
    table = tables.read(path, ["source"], ["kind", "phase", "date", "shared"])
    _note(table, log)
    faults = _blanks_and_repeats(table, "source")
    for row, line in zip(table.rows, table.lines, strict=True):
        if row.get("date") and not _is_date(row["date"]):
            faults.append(
                Fault(table.file, "no date", "a date such as 2019-11-14", row=line, column="date")
            )
        if normal(row.get("shared", "")) not in ("", *SHARED):
            hint = nearest(normal(row["shared"]), SHARED)
            what = f"one of {', '.join(SHARED)}, or a blank"
            faults.append(Fault(table.file, "another word", what, hint, line, "shared"))
    raise_faults(faults)
    return {
        row["source"]: {
            "kind": role_name(row.get("kind", "")),
            "phase": row.get("phase", ""),
            "date": row.get("date", ""),
            "shared": normal(row.get("shared", "")),
        }
        for row in table.rows
    }


def source_participants(path: Path | str, log: Log | None = None) -> list[dict[str, str]]:
    """Read who speaks where (source, participant, start, end); start and end are code points, or
    both blank."""
    table = tables.read(
        path, ["source", "participant"], ["start", "end"], identifiers=["participant"]
    )
    _note(table, log)
    faults = _blanks(table, "source") + _blanks(table, "participant")
    for row, line in zip(table.rows, table.lines, strict=True):
        ends = [row.get("start", ""), row.get("end", "")]
        if any(ends) and not _is_stretch(*ends):
            faults.append(
                Fault(
                    table.file,
                    "no stretch",
                    "start before end as whole numbers, or both blank",
                    row=line,
                )
            )
    raise_faults(faults)
    return table.rows


def double_coding(path: Path | str, log: Log | None = None) -> list[dict[str, str]]:
    """Read which sources were coded independently, and by whom: source, coder; `row` is added, the
    row in the file. Every source has at least two coders."""
    table = tables.read(path, ["source", "coder"], [])
    _note(table, log)
    faults = _blanks(table, "source") + _blanks(table, "coder")
    coders: dict[str, dict[str, int]] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        of_source = coders.setdefault(normal(row["source"]), {})
        if row["source"] and row["coder"] and normal(row["coder"]) in of_source:
            faults.append(Fault(table.file, "the same source and coder again", "once", row=line))
        of_source.setdefault(normal(row["coder"]), line)
    for source, lines in coders.items():
        if source and len(lines) == 1:
            expected = "at least two coders of a double-coded source, a row each"
            faults.append(Fault(table.file, "one coder only", expected, row=min(lines.values())))
    raise_faults(faults)
    return [
        row | {"row": str(line), "file": table.file}
        for row, line in zip(table.rows, table.lines, strict=True)
    ]


def themes(
    path: Path | str, codes: Iterable[str], complete: bool = True, log: Log | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Read the themes and the codes that make them up.

    One row a theme and code: theme_id, label, definition, code (full path in any notation and any
    capitals), descendants (blank = yes). Returns themes, theme_codes, and the codes that are not in
    the code book; with a `complete` code book those are an error, else nobody used them.
    """
    table = tables.read(path, ["theme_id", "label", "code"], ["definition", "descendants"])
    _note(table, log)
    known = by_normal(codes)
    faults = _blanks(table, "theme_id") + _blanks(table, "code")
    described: dict[str, dict[str, str]] = {}
    rows, unknown, seen = [], [], set()
    for row, line in zip(table.rows, table.lines, strict=True):
        written = code_id(path_of([row["code"]]))
        theme, code = row["theme_id"], known.get(normal(written), written)
        faults += _theme_faults(table.file, line, row, described, (theme, code) in seen)
        seen.add((theme, code))
        described.setdefault(
            theme,
            {"theme_id": theme, "label": row["label"], "definition": row.get("definition", "")},
        )
        if code and normal(code) not in known:
            unknown.append(code)
            if complete:
                what = f'the code "{code}", which is not in the project'
                hint = _closest(code, set(known.values()))
                faults.append(
                    Fault(table.file, what, "the full path of a code", hint, line, "code")
                )
        descendants = _truth(table, row, line, "descendants", faults, blank=True)
        rows.append((theme, code, descendants))
    raise_faults(faults)
    frame = THEMES.conform(
        pd.DataFrame(list(described.values()), columns=THEMES.names).replace("", None)
    )
    pairs = THEME_CODES.conform(pd.DataFrame(rows, columns=THEME_CODES.names))
    return (
        frame.sort_values("theme_id", ignore_index=True),
        pairs.sort_values(["theme_id", "code_id"], ignore_index=True),
        unknown,
    )


def _theme_faults(
    file: str,
    line: int,
    row: Mapping[str, str],
    described: Mapping[str, Mapping[str, str]],
    again: bool,
) -> list[Fault]:
    """Return what is wrong with a row of the themes, its code aside."""
    theme, label = row["theme_id"], row["label"]
    faults = []
    other = by_normal(described).get(normal(theme), theme)
    if other != theme:
        what, expected = f'"{theme}", which is "{other}" above', "one spelling a theme"
        faults.append(Fault(file, what, expected, "", line, "theme_id"))
    if theme in described and label and label != described[theme]["label"]:
        faults.append(
            Fault(file, f'another label for "{theme}"', "one label a theme", "", line, "label")
        )
    if theme not in described and not label:
        faults.append(Fault(file, "a blank", "the theme in words", "", line, "label"))
    if theme and row["code"] and again:
        fault = f'the code "{row["code"]}" again'
        faults.append(Fault(file, fault, "each code once a theme", "", line, "code"))
    return faults


def eligibility(
    path: Path | str,
    people: Iterable[str],
    theme_ids: Iterable[str],
    log: Log | None = None,
) -> pd.DataFrame:
    """Read who was asked about what: participant_id, theme_id, eligible, reason."""
    table = tables.read(
        path,
        ["participant_id", "theme_id", "eligible"],
        ["reason"],
        identifiers=["participant_id"],
    )
    _note(table, log)
    known, themes_known = by_normal(people), by_normal(theme_ids)
    faults = _blanks(table, "participant_id") + _blanks(table, "theme_id")
    rows, seen = [], set()
    for row, line in zip(table.rows, table.lines, strict=True):
        person = known.get(normal(row["participant_id"]), "")
        theme = themes_known.get(normal(row["theme_id"]), "")
        if row["participant_id"] and not person:
            fault, expected = (
                "somebody who is not among the participants",
                "a participant_id of that file",
            )
            faults.append(Fault(table.file, fault, expected, "", line, "participant_id"))
        if row["theme_id"] and not theme:
            fault, hint = (
                f'the theme "{row["theme_id"]}"',
                nearest(row["theme_id"], themes_known.values()),
            )
            faults.append(
                Fault(table.file, fault, "a theme_id of the themes file", hint, line, "theme_id")
            )
        if person and theme and (person, theme) in seen:
            faults.append(
                Fault(table.file, "the same participant and theme again", "one row each", row=line)
            )
        seen.add((person, theme))
        if not row["eligible"]:
            faults.append(Fault(table.file, "a blank", "yes or no", row=line, column="eligible"))
        eligible = _truth(table, row, line, "eligible", faults)
        rows.append((person, theme, eligible, row.get("reason") or None))
    raise_faults(faults)
    frame = ELIGIBILITY.conform(pd.DataFrame(rows, columns=ELIGIBILITY.names))
    return frame.sort_values(["participant_id", "theme_id"], ignore_index=True)


def _note(table: tables.SmallTable, log: Log | None) -> None:
    """Log what was decided while a table was read."""
    if log is not None:
        for note in table.notes:
            log.note("tables", note)


def gathered(*faults: EvalweaveError) -> None:
    """Raise several tables' faults as one error, so that they can all be mended at once."""
    if faults:
        raise DataError("\n".join(str(error) for error in faults))


def _blanks(table: tables.SmallTable, column: str) -> list[Fault]:
    return [
        Fault(table.file, "a blank", "a value", row=line, column=column)
        for row, line in zip(table.rows, table.lines, strict=True)
        if not row[column]
    ]


def _blanks_and_repeats(table: tables.SmallTable, column: str) -> list[Fault]:
    faults, seen = _blanks(table, column), Counter[str]()
    for row, line in zip(table.rows, table.lines, strict=True):
        seen[normal(row[column])] += 1
        if row[column] and seen[normal(row[column])] > 1:
            fault = "the same name again (capitals, blanks and the form of accents aside)"
            faults.append(Fault(table.file, fault, "one row each", row=line, column=column))
    return faults


def _truth(
    table: tables.SmallTable,
    row: Mapping[str, str],
    line: int,
    column: str,
    faults: list[Fault],
    blank: bool | None = None,
) -> bool | None:
    text = row.get(column, "").strip().lower()
    if text in YES or text in NO:
        return text in YES
    if text:
        faults.append(Fault(table.file, "neither yes nor no", "yes or no", row=line, column=column))
    return blank


def _number(
    table: tables.SmallTable, row: Mapping[str, str], line: int, column: str, faults: list[Fault]
) -> float | None:
    """Return a cell as a finite number, None where it is blank or none (a fault then)."""
    text = row.get(column, "")
    try:
        number = float(text) if text else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        expected = "a number" if column != "months_in_programme" else "months"
        faults.append(Fault(table.file, "no number", expected, row=line, column=column))
        return None
    return number


def _is_stretch(start: str, end: str) -> bool:
    first, last = position(start), position(end)
    return first is not None and last is not None and first < last


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _closest(code: str, known: set[str]) -> str:
    """Name the code with the same last name, else the nearest spelling."""
    same_leaf = sorted(
        path for path in known if normal(path.split(" > ")[-1]) == normal(code.split(" > ")[-1])
    )
    return f'Did you mean "{same_leaf[0]}"?' if same_leaf else nearest(code, known)
