"""Where the tables are worked on: DuckDB or Spark behind one small interface, and expressions that
stages share."""

from evalweave.engine.backend import (
    MEMORY,
    WRITTEN,
    as_text,
    connect,
    exhausted,
    in_order,
    keep,
    kept_typed,
    lacking,
    memory,
    parquet_tables,
    plainly,
    stage_table,
    stored_as,
    text_table,
    typed_table,
    word_at,
    working,
)

__all__ = [
    "MEMORY",
    "WRITTEN",
    "as_text",
    "connect",
    "exhausted",
    "in_order",
    "keep",
    "kept_typed",
    "lacking",
    "memory",
    "parquet_tables",
    "plainly",
    "stage_table",
    "stored_as",
    "text_table",
    "typed_table",
    "word_at",
    "working",
]
