"""Reading anybody's panel from CSV, CSV.gz or Parquet; identifiers are text from the first byte."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from evalweave.errors import DataError, Fault, StudyError, nearest, raise_faults
from evalweave.study.analyses import FitSpec

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def columns_of(spec: FitSpec) -> dict[str, bool]:
    """Return the columns that a SPEC uses, and whether each is read as text."""
    names = spec.columns
    wanted = {names.unit: True, **({names.cluster: True} if names.cluster else {})}
    for analysis in spec.analyses:
        if analysis.subgroup:
            wanted.setdefault(analysis.subgroup, True)
    numbers = [names.period, names.outcome, names.first_treated, names.weight]
    for analysis in spec.analyses:
        numbers += [*analysis.covariates, analysis.uptake]
    for name in numbers:
        if name:
            wanted.setdefault(name, False)
    return wanted


def read_panel(path: Path, wanted: dict[str, bool]) -> pd.DataFrame:
    """Return the `wanted` columns (name -> read as text).

    Raises:
        StudyError: no such file, or not a CSV, CSV.gz or Parquet by its name.
        DataError: missing columns, empty, wrong delimiter, not UTF-8, ragged rows, truncated gzip,
        damaged Parquet.
    """
    name = path.name.lower()
    if not path.exists():
        raise StudyError(f"{path}: there is no such file.")
    if path.is_dir():
        raise StudyError(
            f"{path}: this is a folder; give the panel's file (CSV, CSV.gz or Parquet)."
        )
    if name.endswith(".parquet"):
        return _parquet(path, wanted)
    if not name.endswith((".csv", ".csv.gz")):
        raise StudyError(
            f"{path}: is not a CSV, CSV.gz or Parquet by its name. Convert or rename it."
        )
    return _csv(_bytes(path), path.name, wanted)


def _bytes(path: Path) -> bytes:
    if not path.name.lower().endswith(".gz"):
        return path.read_bytes()
    try:
        with gzip.open(path) as handle:
            return handle.read()
    except (EOFError, zlib.error):
        raise DataError(
            f"{path.name}: the gzip file is cut off or damaged. Fetch or write it again."
        ) from None
    except gzip.BadGzipFile:
        raise DataError(f"{path.name}: is not a gzip file although its name ends in .gz.") from None


def _csv(raw: bytes, file: str, wanted: dict[str, bool]) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow

    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise DataError(f"{file}: begins like UTF-16 but is not. Save it as UTF-8.") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        raise DataError(f"{file}: is empty. Expected a header and one row a unit and period.")
    if b"\n" not in raw:  # line ends of old Macs, or a header alone
        raw = raw.replace(b"\r", b"\n") + b"\n"
    header = _header(raw, file)
    _check_delimiter(header, file, wanted)
    bad: list[Any] = []

    def collect(row: Any) -> str:
        bad.append(row)
        return "skip"

    _check_there(header, wanted, file)
    there = [column for column in header if column in wanted]
    twice = sorted({column for column in there if there.count(column) > 1})
    raise_faults(Fault(file, "several columns of this name", "one", column=c) for c in twice)
    options = arrow.ConvertOptions(
        include_columns=there,
        column_types={column: pa.string() for column in there if wanted[column]},
        strings_can_be_null=True,
    )
    try:
        for threads in (True, False):  # rows have numbers only when read one after the other
            bad.clear()
            table = arrow.read_csv(
                pa.BufferReader(raw),
                read_options=arrow.ReadOptions(use_threads=threads),
                parse_options=arrow.ParseOptions(
                    newlines_in_values=b'"' in raw, invalid_row_handler=collect
                ),
                convert_options=options,
            )
            if not bad:
                break
    except pa.ArrowInvalid as error:
        text = "is not UTF-8 text" if "UTF8" in str(error) else "cannot be read as a CSV"
        raise DataError(
            f"{file}: {text}. Save it as UTF-8 with commas between the cells."
        ) from None
    raise_faults(
        Fault(
            file,
            f"{row.actual_columns} cells",
            f"{row.expected_columns} as in the header",
            "Quote cells that hold a comma." if row.actual_columns > row.expected_columns else "",
            row=row.number,
        )
        for row in bad
    )
    return table.to_pandas()


def _header(raw: bytes, file: str) -> list[str]:
    line = raw[: raw.find(b"\n")] if b"\n" in raw else raw
    if b"\x00" in line:
        raise DataError(
            f"{file}: holds zero bytes: it is not a text file, or UTF-16 without a mark."
        )
    try:
        return next(csv.reader([line.decode("utf-8").rstrip("\r")]))
    except (UnicodeDecodeError, StopIteration, csv.Error):
        raise DataError(f"{file}: the header is not UTF-8 text. Save the file as UTF-8.") from None


def _check_delimiter(header: list[str], file: str, wanted: dict[str, bool]) -> None:
    if len(header) > 1 or not header:
        return
    for mark, word in DELIMITERS.items():
        if len(header[0].split(mark)) > 1:
            raise DataError(
                f"{file}: cells are separated by {word}; expected commas. Save it as a "
                "comma-separated CSV."
            )


def _parquet(path: Path, wanted: dict[str, bool]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_there(pq.read_schema(path).names, wanted, path.name)
        # ignore_metadata: a unit or period that pandas wrote as its index is a column like the
        # others
        return pq.read_table(path, columns=list(wanted)).to_pandas(ignore_metadata=True)
    except (pa.ArrowInvalid, OSError):
        raise DataError(
            f"{path.name}: is not a readable Parquet file. Fetch or write it again."
        ) from None


def _check_there(names: list[str], wanted: dict[str, bool], file: str) -> None:
    """Raise `DataError` for all missing columns, naming the nearest that is there."""
    raise_faults(
        Fault(file, f'no column "{name}"', "it to be there", nearest(name, names))
        for name in wanted
        if name not in names
    )
