"""Which codes the study wants, and what a record with one of them is: an outcome's measurement or
an entry of conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave import quantities
from evalweave.errors import StudyError
from evalweave.records.codelists import Codelist, labelled
from evalweave.records.layout import OCCASION

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.outcomes import Outcome

CODE_COLUMNS = {
    "code_system": "string",
    "code": "string",
    "kind": "int16",
    "outcome": "string",
    "implied": "int8",
    "yes_no": "float64",
}


def code_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return code_system, code → its `kind`, the outcome (null for conditions), the place of the
    implied unit among the quantity's, and 1/0 of a yes/no outcome.

    The kind is the place of the outcome, or that of the condition lists which hold the code,
    counted on from there.
    """
    outcome_of = {outcome.codelist or name: name for name, outcome in outcomes.items()}
    kinds = {name: place for place, name in enumerate(outcomes)}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name, outcome in outcome_of.items():
        for entry in lists[name].entries if name in lists else ():
            rows[entry.code.system, entry.code.text] = {
                "kind": kinds[outcome],
                "outcome": outcome,
                "implied": _implied(entry.implied_unit, outcome, outcomes[outcome]),
                "yes_no": float(entry.value) if outcomes[outcome].binary else None,
            }
    for place, codes in enumerate(conditions_of(lists, outcomes).values(), start=len(outcomes)):
        rows |= {code: {"kind": place} for code in codes if code not in rows}
    return small_table(
        [{"code_system": system, "code": text, **row} for (system, text), row in rows.items()],
        CODE_COLUMNS,
    )


def conditions_of(
    lists: dict[str, Codelist], outcomes: dict[str, Outcome]
) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Return which codes (system, text) the same condition lists hold: the lists' names → the
    codes, in order."""
    of_outcomes = {outcome.codelist or name for name, outcome in outcomes.items()}
    holders: dict[tuple[str, str], set[str]] = {}
    for name, codelist in lists.items():
        for entry in codelist.entries if name not in of_outcomes else ():
            code = (entry.code.system, entry.code.text)
            holders.setdefault(code, set()).add(labelled(name, entry.category))
    combinations: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for code, names in holders.items():
        combinations.setdefault(tuple(sorted(names)), []).append(code)
    room = OCCASION.capacity("kind") - len(outcomes)
    if len(combinations) > room:
        raise StudyError(
            f"codelists: found codes in {len(combinations)} different combinations of lists, "
            f"expected at most {room}. Leave out lists that the study does not use."
        )
    return dict(sorted(combinations.items()))


def condition_table(lists: dict[str, Codelist], outcomes: dict[str, Outcome]) -> ir.Table:
    """Return kind → codelist, one row for each list that holds the kind's codes."""
    rows = [
        {"kind": place, "codelist": name}
        for place, names in enumerate(conditions_of(lists, outcomes), start=len(outcomes))
        for name in names
    ]
    return small_table(rows, {"kind": "int16", "codelist": "string"})


def is_outcome(kind: Any, outcomes: dict[str, Outcome]) -> Any:
    """Return whether records of a kind are measurements of an outcome, not entries of
    conditions."""
    return kind < len(outcomes)


def quantity_of(name: str, outcome: Outcome) -> quantities.Quantity:
    """Return the quantity of which an outcome is a measurement."""
    return outcome.measures(name)


def _implied(text: str, name: str, outcome: Outcome) -> int | None:
    """Return the place among the quantity's units of the one that a code implies."""
    if not text:
        return None
    quantity = quantity_of(name, outcome)
    return quantity.units.index(quantity.unit(text))


def small_table(rows: list[dict[str, Any]], schema: dict[str, str]) -> ir.Table:
    """Return rows as a table of the engine, typed even where there are none."""
    import pyarrow as pa

    kinds = {name: getattr(pa, name)() for name in ("string", "float64", "int8", "int16")}
    return ibis.memtable(
        pa.Table.from_pylist(rows, pa.schema([(n, kinds[k]) for n, k in schema.items()]))
    )
