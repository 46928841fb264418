"""The rules of `cells` for columns of millions of rows, as Arrow arrays.

Looking is fast and most columns need nothing; only a column that shows one of the faults is gone
through cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from evalweave.reading import cells
from evalweave.reading.cells import (
    BLANKS,
    EXPONENTIAL,
    KEPT_DIGITS,
    WITH_POINT_ZERO,
    Column,
)

if TYPE_CHECKING:
    import pyarrow as pa

BLANK_WORDS = (
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "n/a",
    "nan",
    "null",
)
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# What may be a cut identifier; a pseudonym may hold an E and a digit.
DAMAGED = f"^(?:{EXPONENTIAL}|{WITH_POINT_ZERO}|[0-9]{{{KEPT_DIGITS}}}0+)$"


def is_text(column: pa.ChunkedArray) -> bool:
    """Return whether a column holds text, as such or as categories."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_plain(column: pa.ChunkedArray) -> bool:
    """Return whether a column of text is a dictionary, in which nothing is blank, padded or what
    may be a cut identifier."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return False
    texts = column.unify_dictionaries().chunk(0).dictionary.cast(pa.string())
    wrong = pc.or_(
        pc.not_equal(pc.utf8_trim(texts, characters=BLANKS), texts),
        pc.or_(
            pc.is_in(texts, value_set=pa.array(BLANK_WORDS)),
            pc.match_substring_regex(texts, DAMAGED),
        ),
    )
    return not pc.any(wrong).as_py()


def stripped(column: pa.ChunkedArray, file: str, name: str) -> tuple[pa.ChunkedArray, list[str]]:
    """Return a column of text without blanks around its cells, and a note where there were any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string()) if column.type != pa.string() else column
    bare = pc.utf8_trim(text, characters=BLANKS)
    padded = pc.sum(pc.not_equal(bare, text)).as_py() or 0
    blank = pc.is_in(bare, value_set=pa.array(BLANK_WORDS))
    bare = pc.if_else(blank, pa.scalar(None, pa.string()), bare)
    if not padded:
        return bare, []
    cells_ = "1 cell" if padded == 1 else f"{padded} cells"
    return bare, [f"{file}: blanks around {cells_} of {name} were taken off."]


def identifiers(
    column: pa.ChunkedArray, file: str, name: str, rows: Sequence[int]
) -> Column | None:
    """Return what `cells.identifiers` says of a column; None where it shows nothing."""
    return _ruled(column, DAMAGED, cells.identifiers, file, name, rows)


def numbers(column: pa.ChunkedArray, file: str, name: str, rows: Sequence[int]) -> Column | None:
    """Return what `cells.numbers` says of a column; None where it shows nothing."""
    return _ruled(column, "[0-9,][ ,\u00a0\u202f'’.][0-9]", cells.numbers, file, name, rows)


def _ruled(
    column: pa.ChunkedArray,
    pattern: str,
    rule: Callable[..., Column],
    file: str,
    name: str,
    rows: Sequence[int],
) -> Column | None:
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring_regex(column, pattern)).as_py():
        return None
    return rule(file, name, ["" if cell is None else cell for cell in column.to_pylist()], rows)


def typed(column: pa.ChunkedArray) -> Any:
    """Return a column of text as whole numbers, numbers or truth values, whichever all cells are;
    else as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    words = pc.unique(column).drop_null().to_pylist()
    if words and all(word in TRUTH for word in words):
        return column.cast(pa.bool_())
    return column
