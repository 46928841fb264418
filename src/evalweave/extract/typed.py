"""Parquet and Arrow files whose types have already lost something: digits of identifiers, or days
of dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault

if TYPE_CHECKING:
    from evalweave.extract.readers import Source

EXACT = 2**53  # floating-point numbers hold every whole number up to here


def faults_of_types(
    source: Source,
    kind: str,
    stored: Sequence[tuple[str, Any]],
    found: Mapping[str, str],
    zone: str,
) -> list[Fault]:
    """Return a fault for each wanted column (ours → in the file) whose type cannot hold what it
    should.

    Identifiers as floating-point numbers are refused; in lookups, where a blank makes small ones
    so, only where they are too large to be exact. Moments (of whichever zone: all are stored as
    moments of UTC) are read as days of `zone`; where all of them are midnights in UTC, they are
    days that a program wrote as moments, and refused if `zone` would move them.
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
            if not _moved(_column(source, kind, theirs), zone):
                continue
            faults.append(
                Fault(
                    source.name,
                    f"moments that all are midnights in UTC, and the evening before in {zone}",
                    "dates",
                    "Export the column as dates, or say extract, time_zone: Etc/UTC.",
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


def _moved(column: Any, zone: str) -> bool:
    """Return whether all moments of a column are midnights in UTC, some of them of the day before
    in `zone`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = pc.unique(column.cast(pa.timestamp("us"))).drop_null()
    of_day = pc.unique(
        pc.subtract(moments, pc.floor_temporal(moments, unit="day")).cast(pa.int64())
    )
    if of_day.to_pylist() != [0]:
        return False
    at_home = pc.local_timestamp(
        moments.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone))
    )
    return bool(pc.any(pc.less(at_home, moments)).as_py())
