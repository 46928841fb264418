"""Spark as an Ibis backend that does what DuckDB does: tables kept once, one Parquet file a table,
the same bits.

What passes between this process and Spark are Parquet files (in the folders of the study, which
both must see) and Arrow tables; never pandas, which would read blanks among whole numbers as
floating-point numbers.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
from ibis.backends.pyspark import Backend as PySpark
from ibis.backends.pyspark.datatypes import PySparkSchema
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.util import gen_name
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from evalweave.errors import EvalweaveError, StudyError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

ADVICE = (
    "For a Spark on this machine, EVALWEAVE_MEMORY_LIMIT (such as 8GB) gives it more memory than "
    "its 1GB; a cluster's log "
    "says more. `engine: duckdb` gives the same tables."
)
ROW_GROUP = 122_880  # as DuckDB writes
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")
# ANSI: what overflows or cannot be cast is an error, as in DuckDB, not a null.
NEEDED = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
# Dates before 1582 (the first day is in the year 1000) are stored as they are. The default since
# Spark 4.
WISHED = {
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}


def _said_plainly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a failure inside Spark into a sentence. Its own words stay unsaid: they may quote a
    cell."""

    @wraps(method)
    def said(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (PySparkException, Py4JError) as error:
            condition = error.getCondition() if isinstance(error, PySparkException) else None
            why = f"Spark failed ({condition or type(error).__name__})"
            if "OutOfMemory" in str(error):
                why = "Spark ran out of memory"
            raise EvalweaveError(f"{why}. {ADVICE}") from error

    return said


class Compiler(PySparkCompiler):
    """Ibis's compiler, with the type of row numbers that it promises."""

    __slots__ = ()

    def visit_WindowFunction(self, op: Any, **kwargs: Any) -> Any:
        """Number rows with 64 bits: Spark's own numbers have 32, and overflow in products."""
        made = super().visit_WindowFunction(op, **kwargs)
        return self.cast(made, op.dtype) if isinstance(op.func, ops.RowNumber) else made


class Backend(PySpark):
    """One session of Spark. `scratch` is a folder that this process and Spark see; `ours` says who
    stops Spark."""

    compiler = Compiler()

    def do_connect(self, session: Any, scratch: Path, ours: bool) -> None:
        self.register_options()
        super().do_connect(session)
        self._scratch, self._ours = scratch, ours
        for name, value in NEEDED.items():
            session.conf.set(name, value)
        for name, value in WISHED.items():
            with suppress(PySparkException):  # serverless Spark lets few settings be set
                session.conf.set(name, value)

    def disconnect(self) -> None:
        if self._ours:
            self._session.stop()

    def _register_in_memory_table(self, op: Any) -> None:
        table = op.data.to_pyarrow(op.schema)
        frame = self._session.createDataFrame(table, schema=PySparkSchema.from_ibis(op.schema))
        frame.createOrReplaceTempView(op.name)

    def _frame(self, expression: ir.Table) -> Any:
        self._run_pre_execute_hooks(expression)
        return self._session.sql(self.compile(expression))

    @_said_plainly
    def to_pyarrow(self, expr: Any, /, **_: Any) -> Any:
        table = expr.as_table()
        return expr.__pyarrow_result__(
            self._frame(table).toArrow().cast(table.schema().to_pyarrow())
        )

    @_said_plainly
    def create_table(self, name: str, obj: ir.Table, /, *, temp: bool = True, **_: Any) -> ir.Table:
        """Compute a table once, into the scratch folder."""
        assert temp
        frame = self._frame(obj)
        folder = str(self._scratch / name)
        frame.write.parquet(folder)
        self._session.read.schema(frame.schema).parquet(_literally(folder)).createOrReplaceTempView(
            name
        )
        return self.table(name)

    @_said_plainly
    def read_parquet(self, paths: str | Path | Sequence[str | Path], /, **_: Any) -> ir.Table:
        """Return Parquet files of one layout as one table."""
        import pyarrow.parquet as pq

        files = [
            Path(path).absolute() for path in ([paths] if isinstance(paths, str | Path) else paths)
        ]
        schema = PySparkSchema.from_ibis(ibis.Schema.from_pyarrow(pq.read_schema(files[0])))
        plain = [_literally(str(self._plain(path))) for path in files]
        name = gen_name("read_parquet")
        # `recursiveFileLookup`: no columns are made up from folders such as year=2016
        reader = self._session.read.schema(schema).option("recursiveFileLookup", "true")
        reader.parquet(*plain).createOrReplaceTempView(name)
        return self.table(name)

    def _plain(self, path: Path) -> Path:
        """Return a file under a name that Spark does not pass over (`_events`) or fail on
        (`a:b`)."""
        if PLAIN_NAME.fullmatch(path.name):
            return path
        copied = self._scratch / f"{gen_name('input')}.parquet"
        shutil.copyfile(path, copied)
        return copied

    @_said_plainly
    def to_parquet(
        self, expr: ir.Table, path: str | Path, /, *, compression: str = "zstd", **_: Any
    ) -> None:
        """Write one file, in the order and types of `expr`. Spark writes a folder of parts, which
        is read in pieces."""
        import pyarrow.parquet as pq

        folder = self._scratch / gen_name("written")
        self._frame(expr).write.parquet(str(folder))
        parts = sorted(folder.glob("part-*.parquet")) if folder.is_dir() else []
        if not parts:
            raise StudyError(
                f"{folder}: what Spark wrote there cannot be seen here. Keep the results on "
                "storage that the cluster "
                "and this machine see under the same path (run with --directory)."
            )
        schema = expr.schema().to_pyarrow()
        with pq.ParquetWriter(path, schema, compression=compression, store_schema=False) as writer:
            for piece in _pieces(parts, schema):
                writer.write_table(piece, row_group_size=ROW_GROUP)
        shutil.rmtree(folder)


def _literally(path: str) -> str:
    """Return a path in which brackets and stars mean themselves."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)


def _pieces(parts: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of the parts in their order, ROW_GROUP at a time, wherever one part ends."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting = schema.empty_table()
    for part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(ROW_GROUP):
                waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch]).cast(schema)])
                while len(waiting) >= ROW_GROUP:
                    yield waiting.slice(0, ROW_GROUP)
                    waiting = waiting.slice(ROW_GROUP)
    if len(waiting):
        yield waiting
