"""Tables whose columns have types: Parquet, Arrow, Feather and Stata files.

Stata's value labels stand in for its codes, as a reader of the file sees them; its missing values
are blank.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from evalweave.errors import DataError
from evalweave.reading.archives import fault
from evalweave.reading.cells import trimmed
from evalweave.reading.opening import Opened

if TYPE_CHECKING:
    import pandas as pd

AGAIN = "Fetch or write it again."


def names(opened: Opened) -> list[str]:
    """Return the columns of a typed file; raise `DataError` for a damaged one."""
    if opened.kind == "stata":
        import pandas as pd

        with _refusing(opened), pd.io.stata.StataReader(opened.path) as reader:
            return list(reader.variable_labels())
    return list(_arrow_schema(opened).names)


def frame(
    opened: Opened, columns: Collection[str] | None = None, labels: bool = True
) -> pd.DataFrame:
    """Return (some) columns of a typed file as a data frame; raise `DataError` for a damaged one.

    A unit or period that pandas wrote as its index is a column like the others. With `labels`,
    codes of Stata that all have one are words.
    """
    wanted = list(columns) if columns is not None else None
    if opened.kind == "stata":
        return _stata(opened, wanted, labels)
    table = _arrow(opened)
    return (table if wanted is None else table.select(wanted)).to_pandas(ignore_metadata=True)


def as_text(opened: Opened) -> list[list[str]]:
    """Return a header and rows of text; whole numbers without decimals, blanks for missing
    values."""
    table = frame(opened)
    columns = [[_text(value) for value in table[name]] for name in table.columns]
    return [[str(name) for name in table.columns], *map(list, zip(*columns, strict=True))]


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return trimmed(str(value).removesuffix(" 00:00:00"))


class _refusing:
    """Turn what a reader of typed files raises for a damaged one into one sentence."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        import pyarrow as pa

        what = {"stata": "Stata", "parquet": "Parquet", "arrow": "Arrow"}[self.opened.kind]
        if isinstance(error, MemoryError | pa.ArrowMemoryError):
            raise DataError(f"{self.opened.name}: does not fit into memory.") from None
        if isinstance(
            error, pa.ArrowException | OSError | ValueError | KeyError | struct.error | IndexError
        ) and not isinstance(error, DataError):
            raise fault(
                self.opened.path, f"a {what} file that cannot be read", "a whole one", AGAIN
            ) from None


def _arrow_schema(opened: Opened) -> Any:
    import pyarrow.parquet as pq

    with _refusing(opened):
        if opened.kind == "parquet":
            return pq.read_schema(opened.path)
    return _arrow(opened).schema


def _arrow(opened: Opened) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _refusing(opened):
        if opened.kind == "parquet":
            return pq.read_table(opened.path)
        with pa.memory_map(str(opened.path)) as source:
            if opened.start.startswith(b"ARROW1"):
                return pa.ipc.open_file(source).read_all()
            return pa.ipc.open_stream(source).read_all()


def _stata(opened: Opened, columns: list[str] | None, labels: bool) -> pd.DataFrame:
    """Return a Stata file: whole numbers as such, dates as dates, codes with `labels` as words.

    A column of which only some codes have labels (-9 "unknown" among ages) stays numbers.
    """
    import pandas as pd

    with _refusing(opened):
        table = pd.read_stata(opened.path, columns=columns, convert_categoricals=False)
    if not labels:
        return table
    try:
        with _refusing(opened):
            labelled = pd.read_stata(opened.path, columns=columns, order_categoricals=False)
    except DataError:  # one label for two codes: the codes stay
        return table
    for name in table.columns:
        kind = labelled[name].dtype
        if isinstance(kind, pd.CategoricalDtype) and all(
            isinstance(word, str) for word in kind.categories
        ):
            table[name] = labelled[name].astype("object")
    return table
