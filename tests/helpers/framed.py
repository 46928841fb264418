"""Between pandas frames and tables of an engine, as the files between stages would carry them."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd
import pyarrow as pa


def arrow(frame: pd.DataFrame) -> Any:
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def framed(backend: Any, table: Any) -> pd.DataFrame:
    return backend.to_pyarrow(table).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def spelt_out(followed: pd.DataFrame) -> pd.DataFrame:
    """One row a patient and period in follow-up."""
    n = (followed["to_period"] - followed["from_period"] + 1).astype(int)
    rows = followed.loc[followed.index.repeat(n)].reset_index(drop=True)
    within = rows.groupby(["patient_id", "from_period"]).cumcount()
    return rows.assign(period=rows["from_period"].astype(int) + within)
