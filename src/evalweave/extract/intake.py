"""What an extract brought, and how it differs from what the run before was given: half a file reads
like a whole one, and gives a new report from half of the people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave.records.rules import BY_NAME

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.records.codelists import Codelist
    from evalweave.study.stages import CleanSettings

FALL = 0.10  # of people or rows, and of a code list's records
FEWEST = 20  # records of a code list before; fewer come and go by chance
BEYOND = 0.01  # of a code list's records may be dated later than its last month: wrong dates are
GROWTH = 0.05  # of a reason's share of the records, in points
SILENCE = 3  # months by which a practice's last record may lie before its last of the run before
NOUNS = {"people": "people", "registrations": "registrations", "events": "records"}
EVERY_EXTRACT = "code_not_listed"  # says what was asked for, not what came


@dataclass(frozen=True)
class Difference:
    """One thing by which an extract is less than the one before: its kind, for the report, and a
    sentence with figures, for whoever runs it."""

    kind: str
    words: str


def came(
    backend: Any,
    tables: Mapping[str, ir.Table],
    measurements: ir.Table,
    ledger: pd.DataFrame,
    lists: Mapping[str, Codelist],
    files: list[dict[str, Any]],
    fingerprint: str,
) -> dict[str, Any]:
    """Return what came, as figures ready for JSON.

    `tables` are those of ingest, `measurements` and `ledger` those of cleaning, `lists` the
    study's code lists, `files` have name, rows, sha256 and whether they end with a line end;
    `fingerprint` tells how records were judged.
    """
    import ibis

    rows = {name: table.count() for name, table in tables.items()}
    rows["people"] = tables["patients"].patient_id.nunique()
    counts = {
        name: int(backend.to_pyarrow(number.as_table())[0][0].as_py())
        for name, number in rows.items()
    }
    spells = tables["registrations"]
    people = spells.group_by("practice_id").aggregate(n=spells.patient_id.nunique())
    month = measurements.date.year() * 12 + measurements.date.month() - 1
    by_month = measurements.group_by("practice_id", month=month).aggregate(n=ibis._.count())
    months: dict[str, dict[str, int]] = {}
    for row in backend.to_pyarrow(by_month.order_by("practice_id", "month")).to_pylist():
        label = f"{row['month'] // 12}-{row['month'] % 12 + 1:02d}"
        months.setdefault(row["practice_id"], {})[label] = row["n"]
    records = ledger[ledger["unit"] == "records"]
    received = int(records.loc[records["entry"] == "received", "n"].sum())
    aside = records[records["entry"] == "set_aside"].groupby("rule")["n"].sum()
    return {
        "rows": counts,
        "people_of_practices": {
            row["practice_id"]: row["n"]
            for row in backend.to_pyarrow(people).to_pylist()
            if row["practice_id"] is not None
        },
        "records_by_month": months,
        "lists": of_lists(backend, tables["events"], lists),
        "set_aside": {str(rule): int(n) / max(received, 1) for rule, n in aside.items()},
        "files": files,
        "fingerprint": fingerprint,
    }


def of_lists(
    backend: Any, events: ir.Table, lists: Mapping[str, Codelist]
) -> dict[str, dict[str, Any]]:
    """Return each code list's records (n), the month up to which they reach and its checksum."""
    from evalweave.records.coded import small_table

    codes = {
        (each.code.system, each.code.text, name): None
        for name, codelist in lists.items()
        for each in codelist.entries
    }
    names = ("code_system", "code", "codelist")
    listed = small_table(
        [dict(zip(names, code, strict=True)) for code in codes], dict.fromkeys(names, "string")
    )
    found = events.inner_join(listed, ["code_system", "code"])
    month = found.date.year() * 12 + found.date.month() - 1
    by_month = found.group_by("codelist", month=month).aggregate(n=found.count())
    months: dict[str, dict[int | None, int]] = {name: {} for name in lists}
    for row in backend.to_pyarrow(by_month).to_pylist():
        months[row["codelist"]][row["month"]] = row["n"]
    return {
        name: {
            "n": sum(counts.values()),
            "last": _last({month: n for month, n in counts.items() if month is not None}),
            "sha256": lists[name].sha256,
        }
        for name, counts in months.items()
    }


def _last(counts: Mapping[int, int]) -> str:
    """Return the month up to which records reach, but for the few that have a wrong date."""
    later = 0
    for month in sorted(counts, reverse=True):
        later += counts[month]
        if later > BEYOND * sum(counts.values()):
            return f"{month // 12}-{month % 12 + 1:02d}"
    return ""


def most(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the most that came since somebody accepted less: a run's figures alone would let an
    extract shrink by a little each time. Code lists that changed begin anew."""
    if not before:
        return {"rows": dict(now["rows"]), "lists": dict(now["lists"])}
    known = _most(before)
    lists = {}
    for name, new in now["lists"].items():
        old = known["lists"].get(name, new)
        old = old if old["sha256"] == new["sha256"] else new
        lists[name] = {**new, **{key: max(old[key], new[key]) for key in ("n", "last")}}
    rows = {key: max(n, known["rows"].get(key, 0)) for key, n in now["rows"].items()}
    return {"rows": rows, "lists": lists}


def _most(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the most that was noted; an earlier version noted a run's own figures only."""
    said: dict[str, Any] = before.get("most") or {}
    return said or {"rows": before["rows"], "lists": before.get("lists", {})}


def compared(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in words how an extract that is taken compares with the most that came before."""
    known = _most(before)
    pairs = [(noun, known["rows"][key], now["rows"][key]) for key, noun in NOUNS.items()]
    pairs += [(f"records of {name}", old["n"], new["n"]) for name, old, new in _same(known, now)]
    fewer = [(1 - new / old, noun) for noun, old, new in pairs if new < old]
    if not fewer:
        return "no fewer than before"
    share, noun = max(fewer)
    return f"{share:.1%} fewer {noun} than before, within the {FALL:.0%} allowed"


def ends_whole(path: Path) -> bool:
    """Return whether a text file ends with a line end; what is packed or typed tells by itself
    where it is cut."""
    if path.suffix.lower() not in (".csv", ".txt", ".tsv"):
        return True
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - 2, 0))
        return file.read().rstrip(b"\0")[-1:] in (b"\n", b"\r", b"")


def fingerprint(settings: CleanSettings, lists: Mapping[str, str]) -> str:
    """Return a checksum of everything but the extract that decides what is set aside; `lists` has
    the checksum of each code list."""
    said = settings.model_dump(mode="json", exclude={"engine", "practices", "codelists"})
    said["extract"].pop("path")
    whole = json.dumps([said, dict(lists)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Return by what an extract is less than the one before; more of it is no fault.

    Reasons and months of records are compared only where records were judged alike.
    """
    found = [*_files(before, now), *_falls(before, now), *_lists(before, now)]
    gone = sorted(set(before["people_of_practices"]) - set(now["people_of_practices"]))
    found += [
        Difference(
            "a practice is gone",
            f"practice {practice}: nobody is registered there any more, where "
            f"{before['people_of_practices'][practice]:,} people were",
        )
        for practice in gone
    ]
    if before["fingerprint"] == now["fingerprint"]:
        found += [*_silent(before, now, gone), *_reasons(before, now)]
    return found


def _files(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    ended = {file["name"] for file in before["files"] if file["ends_whole"]}
    return [
        Difference(
            "a file ends inside a row",
            f"{file['name']}: ends without a line end after row {file['rows'] + 1:,}, as a file "
            "does that was cut; the one before ended with one",
        )
        for file in now["files"]
        if not file["ends_whole"] and file["name"] in ended
    ]


def _falls(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    most = _most(before)["rows"]
    found = []
    for key, noun in NOUNS.items():
        old, new = most[key], now["rows"][key]
        if new < (1 - FALL) * old:
            run = "the run before" if old == before["rows"][key] else "an earlier run"
            words = f"{noun}: {new:,} came where {run} had {old:,} ({1 - new / old:.0%} fewer)"
            found.append(Difference(f"fewer {noun}", words))
    return found


def _same(
    most: Mapping[str, Any], now: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return name, before and now of each code list that has not changed and had records enough."""
    pairs = ((name, most["lists"].get(name), new) for name, new in now["lists"].items())
    return [
        (name, old, new)
        for name, old, new in pairs
        if old and old["sha256"] == new["sha256"] and old["n"] >= FEWEST
    ]


def _lists(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Return which kinds of record came short: in all rows together a kind may not be missed."""
    found = []
    for name, old, new in _same(_most(before), now):
        if new["n"] < (1 - FALL) * old["n"]:
            words = (
                f"code list {name}: {new['n']:,} records came where {old['n']:,} had come "
                f"({1 - new['n'] / old['n']:.0%} fewer)"
            )
            found.append(Difference("fewer records of a code list", words))
        if new["last"] and old["last"] and _month(new["last"]) < _month(old["last"]) - SILENCE:
            words = (
                f"code list {name}: its records end in {new['last']}, where they reached to "
                f"{old['last']}"
            )
            found.append(Difference("a code list's records end earlier", words))
    return found


def _silent(before: Mapping[str, Any], now: Mapping[str, Any], gone: list[str]) -> list[Difference]:
    found = []
    for practice, months in before["records_by_month"].items():
        if practice in gone:
            continue
        last, latest = max(months), max(now["records_by_month"].get(practice, {}), default="")
        if not latest or _month(latest) < _month(last) - SILENCE:
            found.append(
                Difference(
                    "a practice went silent",
                    f"practice {practice}: its records end in {latest or 'no month'}, where they "
                    f"reached to {last}",
                )
            )
    return found


def _month(label: str) -> int:
    return 12 * int(label[:4]) + int(label[5:])


def _reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(
            "more records are set aside",
            f"{BY_NAME[rule].reason}: {share:.1%} of the records are set aside for it, where it "
            f"was {before['set_aside'].get(rule, 0):.1%}",
        )
        for rule, share in sorted(now["set_aside"].items())
        if rule != EVERY_EXTRACT and share > before["set_aside"].get(rule, 0) + GROWTH
    ]
