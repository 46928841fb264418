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

    from evalweave.study.stages import CleanSettings

FALL = 0.10  # of people or rows
GROWTH = 0.05  # of a reason's share of the records, in points
SILENCE = 3  # months by which a practice's last record may lie before its last of the run before
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
    files: list[dict[str, Any]],
    fingerprint: str,
) -> dict[str, Any]:
    """Return what came, as figures ready for JSON.

    `tables` are those of ingest, `measurements` and `ledger` those of cleaning, `files` have name,
    rows, sha256 and whether they end with a line end; `fingerprint` tells how records were judged.
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
        "set_aside": {str(rule): int(n) / max(received, 1) for rule, n in aside.items()},
        "files": files,
        "fingerprint": fingerprint,
    }


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
    found = [*_files(before, now), *_falls(before, now)]
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
    names = {"people": "people", "registrations": "registrations", "events": "records"}
    found = []
    for key, noun in names.items():
        old, new = before["rows"][key], now["rows"][key]
        if new < (1 - FALL) * old:
            found.append(
                Difference(
                    f"fewer {noun}",
                    f"{noun}: {new:,} came where the run before had {old:,} "
                    f"({1 - new / old:.0%} fewer)",
                )
            )
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
