"""Who is in which arm, and a fingerprint of all that is known of each: do two releases describe the
same people?

A fingerprint is the sum, in 64 bits, of the hashes of a person's row of the cohort and, three
times, of those of the comparison's panel. Rows come in pieces, so that no table has to fit into
memory, and each text of a piece is hashed once. Weights are left out, as they hang on others;
people go by the identifiers of the extract, as pseudonyms change with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evalweave import seals
from evalweave.records.pseudonyms import PATIENT, PRACTICE, pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEYS = ("comparison", "arm", "patient_id")
LEFT_OUT = ("weight",)
PIECE = 1 << 17  # rows
Rows = Iterable[pa.RecordBatch]
Names = Mapping[str, pd.Series]  # column → pseudonym → identifier


def people(results: Path, comparisons: Sequence[str]) -> pd.DataFrame | None:
    """Return `fingerprints` of the stages' tables; None where there are none.

    Raises:
        DataError: a table is not as it was written.
    """
    members, cohort = (results / "cohort" / f"{name}.parquet" for name in ("membership", "cohort"))
    if not members.is_file() or not cohort.is_file():
        return None
    kinds = {"patient_id": PATIENT, "practice_id": PRACTICE}
    known = {column: pairs(results / "clean", kind) for column, kind in kinds.items()}
    names = {
        column: pd.Series(table["identifier"].to_pandas().array, table["pseudonym"].to_pandas())
        for column, table in known.items()
        if len(table)
    }
    panels = {name: results / "panel" / f"{name}.parquet" for name in comparisons}
    return fingerprints(
        _rows(members, names, KEYS),
        _rows(cohort, names),
        {name: _rows(path, names) for name, path in panels.items() if path.is_file()},
    )


def _rows(path: Path, names: Names, columns: Sequence[str] | None = None) -> Rows:
    """Yield a table in pieces, texts as dictionaries, with the identifiers of the extract."""
    seals.check(path)
    kinds = (pa.string(), pa.large_string())
    texts = [each.name for each in pq.read_schema(path) if each.type in kinds]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for batch in file.iter_batches(PIECE, columns=columns):
            for name in names.keys() & set(batch.schema.names):
                place = batch.schema.get_field_index(name)
                batch = batch.set_column(place, name, _originals(batch[name], names[name]))
            yield batch


def _originals(column: Any, known: pd.Series) -> Any:
    said = pa.array(known.reindex(column.dictionary.to_pandas()), pa.string(), from_pandas=True)
    return pa.DictionaryArray.from_arrays(column.indices, said)


def fingerprints(membership: Rows, cohort: Rows, panels: Mapping[str, Rows]) -> pd.DataFrame:
    """Return comparison, arm, patient_id and fingerprint (all text), sorted."""
    members = pa.concat_tables(_plain(batch) for batch in membership)
    own = _sums(cohort)
    parts = []
    for name, panel in sorted(panels.items()):
        mine = members.filter(pc.equal(members["comparison"], name))
        seen = _sums(panel)
        total = _of(own, mine["patient_id"]) + np.uint64(3) * _of(seen, mine["patient_id"])
        parts.append(mine.append_column("fingerprint", pa.array(total).cast(pa.string())))
    nobody = pa.schema([(name, pa.string()) for name in (*KEYS, "fingerprint")]).empty_table()
    whole = pa.concat_tables(parts or [nobody])
    return whole.sort_by([(name, "ascending") for name in KEYS]).to_pandas()


def _plain(batch: pa.RecordBatch) -> pa.Table:
    return pa.table({name: batch[name].cast(pa.string()) for name in KEYS})


def _sums(rows: Rows) -> pa.Table:
    """Return patient_id and the sum of the hashes of their rows."""
    parts = [pa.table({"patient_id": pa.array([], pa.string()), "hash": pa.array([], pa.uint64())})]
    for batch in rows:
        values = {
            name: _comparable(batch[name]) for name in batch.schema.names if name not in LEFT_OUT
        }
        hashes = pd.util.hash_pandas_object(pd.DataFrame(values), index=False).to_numpy()
        who = batch["patient_id"].cast(pa.string())
        parts.append(_summed(pa.table({"patient_id": who, "hash": hashes})))
    return _summed(pa.concat_tables(parts))


def _summed(parts: pa.Table) -> pa.Table:
    sums = parts.group_by("patient_id").aggregate([("hash", "sum")])
    return sums.rename_columns(["patient_id", "hash"])


def _comparable(column: Any) -> Any:
    """Return a column to hash. A number counts as a float, whichever type its column has: one blank
    must not make others of all the numbers beside it."""
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        plain = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) + 0.0
        plain[np.isnan(plain)] = np.nan  # -0.0 is 0.0, and one NaN stands for all
        return plain
    if not pa.types.is_dictionary(kind):
        column = column.cast(pa.string()).dictionary_encode()
    return column.to_pandas()


def _of(sums: pa.Table, who: Any) -> NDArray[np.uint64]:
    """Return the sum of each person, 0 of whom there is none."""
    found = sums["hash"].take(pc.index_in(who, sums["patient_id"]))
    return pc.fill_null(found, 0).to_numpy()


def apart(one: pd.DataFrame, other: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return comparison, arm → how many people are in one only, or have other values in both."""
    now, before = (pa.Table.from_pandas(each, preserve_index=False) for each in (one, other))
    both = now.join(before, list(KEYS), join_type="full outer", right_suffix="_before")
    same = pc.equal(both["fingerprint"], both["fingerprint_before"])
    differ = pc.invert(pc.fill_null(same, False)).cast(pa.int64())
    counted = both.append_column("differ", differ).group_by(["comparison", "arm"])
    rows = counted.aggregate([("differ", "sum")]).to_pylist()
    return {(row["comparison"], row["arm"]): row["differ_sum"] for row in sorted(rows, key=str)}
