"""Parquet and Arrow files whose types have already lost something: digits of identifiers, or days
of dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault

if TYPE_CHECKING:
    from evalweave.extract.readers import Source

EXACT = 2**53  # floating-point numbers hold every whole number up to here
UTC = ("UTC", "Etc/UTC", "GMT", "Z", "+00:00")


def faults_of_types(
    source: Source, kind: str, stored: Sequence[tuple[str, Any]], found: Mapping[str, str]
) -> list[Fault]:
    """Return a fault for each wanted column (ours → in the file) whose type cannot hold what it
    should.

    Identifiers as floating-point numbers are refused; in lookups, where a blank makes small ones
    so, only where they are too large to be exact. Moments of another time zone than UTC are
    refused, as are those of UTC that fall on
    23:00 and midnight only: they are the midnights of a place with summer time, and their days are
    not its days.
    """
    import pyarrow as pa

    types = dict(stored)
    faults = []
    for ours, theirs in found.items():
        type_ = types[theirs]
        if pa.types.is_floating(type_) and (
            ours in source.identifiers
            or (
                not source.required
                and theirs.lower().endswith("id")
                and _largest(source, kind, theirs) > EXACT
            )
        ):
            faults.append(
                Fault(
                    source.name,
                    "identifiers stored as floating-point numbers",
                    "text or whole numbers",
                    "Digits beyond the sixteenth are lost in them: export it again.",
                    column=theirs,
                )
            )
        if pa.types.is_timestamp(type_) and type_.tz is not None:
            if type_.tz not in UTC:
                what = f"moments in the time zone {type_.tz}"
            elif _midnights_elsewhere(source, kind, theirs):
                what = (
                    "moments that all fall on 23:00 or midnight in UTC, so midnights of another "
                    "time zone"
                )
            else:
                continue
            faults.append(
                Fault(
                    source.name,
                    what,
                    "dates",
                    "Their days would change: export the column as dates.",
                    column=theirs,
                )
            )
    return faults


def _column(source: Source, kind: str, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == "parquet":
        return pq.read_table(source.path, columns=[name]).column(0)
    with pa.memory_map(str(source.path)) as mapped:
        try:
            return pa.ipc.open_file(mapped).read_all()[name]
        except pa.ArrowInvalid:
            mapped.seek(0)
            return pa.ipc.open_stream(mapped).read_all()[name]


def _largest(source: Source, kind: str, name: str) -> float:
    import pyarrow.compute as pc

    return float(pc.max(pc.abs(_column(source, kind, name))).as_py() or 0)


def _midnights_elsewhere(source: Source, kind: str, name: str) -> bool:
    """Return whether the moments of a column are 23:00 or 00:00 in UTC, and some are 23:00."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = _column(source, kind, name).cast(pa.timestamp("us")).cast(pa.int64())
    minutes = pc.unique(pc.divide(moments, 60_000_000)).to_pylist()
    of_day = {minute % 1440 for minute in minutes if minute is not None}
    return 23 * 60 in of_day and of_day <= {0, 23 * 60}
