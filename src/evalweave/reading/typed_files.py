"""Tables whose columns have types: Parquet, Arrow, Feather and Stata files.

Stata's value labels stand in for its codes, as a reader of the file sees them; its missing values
are blank.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalweave.errors import DataError
from evalweave.reading.archives import fault
from evalweave.reading.cells import trimmed
from evalweave.reading.opening import Opened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

AGAIN = "Fetch or write it again."


def names(opened: Opened) -> list[str]:
    """Return the columns of a typed file; raise `DataError` for a damaged one."""
    import pyarrow.parquet as pq

    if opened.kind == "stata":
        import pandas as pd

        with _refusing(opened), pd.io.stata.StataReader(opened.path) as reader:
            return list(reader.variable_labels())
    with _refusing(opened):
        if opened.kind == "parquet":
            return [str(name) for name in pq.read_schema(opened.path).names]
    return list(table(opened).column_names)


def table(
    opened: Opened,
    columns: list[str] | None = None,
    labels: bool = True,
    categories: Sequence[str] = (),
) -> pa.Table:
    """Return (some) columns of a typed file; raise `DataError` for a damaged one.

    With `labels`, codes of Stata that all have one are words. Text of `categories` in Parquet comes
    as a dictionary.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if opened.kind == "stata":
        with _refusing(opened):
            return pa.Table.from_pandas(_stata(opened, columns, labels), preserve_index=False)
    with _refusing(opened):
        if opened.kind == "parquet":
            return _whole(
                pq.read_table(opened.path, columns=columns, read_dictionary=[*categories] or None)
            )
        with pa.memory_map(str(opened.path)) as source:
            is_file = opened.start.startswith(b"ARROW1")
            reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            whole = _whole(reader.read_all())
        return whole if columns is None else whole.select(columns)


def _whole(table: pa.Table) -> pa.Table:
    """Return a table whose names and cells are what they claim to be; Arrow looks only when told
    to."""
    table.validate(full=True)
    table.column_names  # noqa: B018 (decodes them: damaged ones raise here)
    return table


def as_text(opened: Opened) -> list[list[str]]:
    """Return a header and rows of text; whole numbers without decimals, blanks for missing
    values."""
    whole = table(opened)
    columns = [[_text(value) for value in column.to_pylist()] for column in whole.columns]
    return [[str(name) for name in whole.column_names], *map(list, zip(*columns, strict=True))]


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


def _stata(opened: Opened, columns: list[str] | None, labels: bool) -> pd.DataFrame:
    """Return a Stata file: whole numbers as such, dates as dates, codes with `labels` as words.

    A column of which only some codes have labels (-9 "unknown" among ages) stays numbers.
    """
    import pandas as pd

    with _refusing(opened):
        coded = pd.read_stata(opened.path, columns=columns, convert_categoricals=False)
    if not labels:
        return coded
    try:
        with _refusing(opened):
            labelled = pd.read_stata(opened.path, columns=columns, order_categoricals=False)
    except DataError:  # one label for two codes: the codes stay
        return coded
    for name in coded.columns:
        kind = labelled[name].dtype
        if isinstance(kind, pd.CategoricalDtype) and all(
            isinstance(word, str) for word in kind.categories
        ):
            coded[name] = labelled[name].astype("object")
    return coded
