"""Files that explain others: units and dictionaries, the person behind a spell, the practice behind
a patient.

A lookup never adds or removes rows: a key counts once (of several explanations the first in the
alphabet), and a row without one keeps its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault, nearest

if TYPE_CHECKING:
    from pathlib import Path

    import ibis.expr.types as ir


class FaultyLookup(Exception):
    """A lookup that cannot be used; caught where the faults of all files are gathered."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def numbered(kind: str, paths: Iterable[Path]) -> dict[str, Path]:
    """Return the files of one kind as lookups `kind:0`, `kind:1`, …"""
    return {f"{kind}:{place}": path for place, path in enumerate(paths)}


def together(
    kind: str,
    lookups: Mapping[str, Path],
    lookup: Callable[[str], ir.Table],
    key: str,
    values: tuple[str, ...],
    optional: tuple[str, ...] = (),
    missing: Sequence[str] = (),
) -> ir.Table | None:
    """Return the lookups of a kind as one table with one row a `key`; None when there are none.

    Columns are found whatever their case; `optional` ones may be absent (then blank). Cells that
    say a word of `missing` are blank. Raise `FaultyLookup` for a file without the columns.
    """
    parts = [
        _columns(lookup(name), path, (key, *values), optional, missing)
        for name, path in lookups.items()
        if name.partition(":")[0] == kind
    ]
    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.union(part)
    whole = whole.filter(whole[key].notnull())
    return whole.group_by(key).aggregate(
        **{name: whole[name].min() for name in (*values, *optional)}
    )


def _columns(
    table: ir.Table,
    path: Path,
    wanted: tuple[str, ...],
    optional: tuple[str, ...],
    missing: Sequence[str],
) -> ir.Table:
    import ibis

    columns = {name.casefold(): name for name in table.columns}
    faults = [
        Fault(path.name, "no such column", "it to be there", nearest(name, columns), 1, name)
        for name in wanted
        if name not in columns
    ]
    if faults:
        raise FaultyLookup(faults)
    return table.select(
        **{
            name: filled(table[columns[name]], missing) if name in columns else ibis.null("string")
            for name in (*wanted, *optional)
        }
    )


def filled(text: Any, missing: Sequence[str] = ()) -> Any:
    """Return text, null where it is a word for `missing`. What a typed file keeps as a date or
    number stays."""
    for word in missing if text.type().is_string() else ():
        text = text.nullif(word)
    return text
