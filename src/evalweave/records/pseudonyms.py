"""Study pseudonyms, for identifiers that cannot be told from numbers, words and colours.

Where one identifier of patients is common (`vocabulary.identifiers.is_common`), every patient gets
a pseudonym of ten characters, and only that flows on from cleaning; so it is with practices. It is
a letter, a digit and eight of 0-9 A-Z. Of n identifiers in the order of text, the k-th gets

    k·w + (x_k mod w),    w = ⌊10·36⁸ / n⌋

written with base 36, where x_k are the numbers of the generator Philox under a key that only the
results folder tells. So no pseudonym repeats, the same inputs give the same ones, and they sort as
the identifiers do: whatever is computed in the order of units is computed as before, bit for bit.

    clean/pseudonyms.parquet   kind (patient, practice), identifier, pseudonym
    clean/practices.csv        the practices as they flow on
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalweave import engine, seals
from evalweave.vocabulary.identifiers import LEAST_DIGITS, is_common, normal

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

    from evalweave.records.people import People

FILE = "pseudonyms.parquet"
PATIENT, PRACTICE = "patient", "practice"
LETTERS = {PATIENT: "P", PRACTICE: "S"}
CHARACTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLACES = 8  # of base 36, below the digit
ROOM = 10 * len(CHARACTERS) ** PLACES


@dataclass(frozen=True)
class Pseudonyms:
    """Pairs of identifier and pseudonym; none of a kind whose identifiers flow on as they are."""

    patients: pa.Table
    practices: pa.Table

    def pairs(self) -> pa.Table:
        """Return kind, identifier, pseudonym."""
        import pyarrow as pa

        kinds = {PATIENT: self.patients, PRACTICE: self.practices}
        return pa.concat_tables(
            pairs.add_column(0, "kind", pa.array([kind] * len(pairs), pa.string()))
            for kind, pairs in kinds.items()
        )

    def of_people(self, backend: Any, people: People) -> People:
        """Return what cleaning hands on of people, under their pseudonyms. Of `observed`, those who
        are set aside may be left out: nothing of theirs is handed on."""
        patients = _kept(backend, self.patients)
        practices = _kept(backend, self.practices)
        observed = _renamed(people.observed, "patient_id", patients)
        registrations = _renamed(people.registrations, "patient_id", patients)
        return dataclasses.replace(
            people,
            patients=_renamed(people.patients, "patient_id", patients),
            registrations=_renamed(registrations, "practice_id", practices),
            observed=_renamed(observed, "now_at", practices),
        )

    def of_practices(self, practices: pd.DataFrame) -> pd.DataFrame:
        """Return PRACTICES under their pseudonyms, in their order."""
        if not len(self.practices):
            return practices
        columns = self.practices.to_pydict()
        known = dict(zip(columns["identifier"], columns["pseudonym"], strict=True))
        names = {name: practices[name].map(known) for name in ("practice_id", "merged_into")}
        return practices.assign(
            **{name: column.astype(practices[name].dtype) for name, column in names.items()}
        )


def needed(
    backend: Any, patients: ir.Table, practices: pd.DataFrame, key: str | None
) -> Pseudonyms:
    """Return the pseudonyms that clean `patients` and `practices` need; without a `key`, none."""
    import pyarrow as pa

    if key is None:
        return Pseudonyms(*(_drawn(pa.array([], pa.string()), "", kind) for kind in LETTERS))
    people = backend.to_pyarrow(patients.select("patient_id").order_by("patient_id"))["patient_id"]
    places = pa.array(sorted(practices["practice_id"]), pa.string())
    return Pseudonyms(
        *(
            _drawn(names if _any_common(names) else names[:0], key, kind)
            for kind, names in ((PATIENT, people), (PRACTICE, places))
        )
    )


def _any_common(names: Any) -> bool:
    """Return whether one of the identifiers is common; the plain ones are told without Python."""
    import pyarrow.compute as pc

    plain = pc.and_(pc.ascii_is_alnum(names), pc.invert(pc.ascii_is_alpha(names)))
    telling = pc.and_(plain, pc.greater_equal(pc.utf8_length(names), LEAST_DIGITS))
    doubtful = names.filter(pc.invert(telling))
    return any(is_common(normal(name)) for name in doubtful.to_pylist())


def _drawn(identifiers: Any, key: str, kind: str) -> pa.Table:
    """Return identifier, pseudonym for identifiers that are sorted and do not repeat."""
    import numpy as np
    import pyarrow as pa

    n = len(identifiers)
    seed = hashlib.sha256(f"{key} {kind}".encode()).digest()[:16]
    width = np.uint64(ROOM // max(n, 1))
    draws = np.random.Philox(key=int.from_bytes(seed, "big")).random_raw(n)
    number = np.arange(n, dtype=np.uint64) * width + draws % width
    text = np.empty((n, 2 + PLACES), dtype=np.uint8)
    text[:, 0] = ord(LETTERS[kind])
    characters, base = np.frombuffer(CHARACTERS, dtype=np.uint8), np.uint64(len(CHARACTERS))
    for place in range(1 + PLACES, 0, -1):
        number, digit = np.divmod(number, base)
        text[:, place] = characters[digit]
    pseudonyms = pa.array(text.view(f"S{2 + PLACES}").ravel()).cast(pa.string())
    return pa.table({"identifier": identifiers, "pseudonym": pseudonyms})


def _kept(backend: Any, pairs: pa.Table) -> ir.Table | None:
    import ibis

    if not len(pairs):
        return None
    names = pairs.rename_columns(["_identifier", "_pseudonym"])
    return engine.keep(backend, "pseudonyms", ibis.memtable(names), large=True)


def _renamed(table: ir.Table, column: str, pairs: ir.Table | None) -> ir.Table:
    if pairs is None:
        return table
    joined = table.inner_join(pairs, table[column] == pairs["_identifier"])
    return joined.mutate(**{column: joined["_pseudonym"]}).select(*table.columns)


def pairs(clean: Path, kind: str) -> pa.Table:
    """Return identifier, pseudonym of a kind, as cleaning left them in a folder; no row where
    identifiers flow on as they are.

    Raises:
        DataError: the table is not as it was written.
    """
    return _read(clean, kind)


def originals(clean: Path, kind: str) -> dict[str, str]:
    """Return pseudonym → identifier of a kind (`pairs`)."""
    columns = _read(clean, kind).to_pydict()
    return dict(zip(columns["pseudonym"], columns["identifier"], strict=True))


def pseudonym_of(clean: Path, kind: str, identifier: str) -> str:
    """Return the name under which an identifier flows on from cleaning: itself, where it has no
    pseudonym."""
    found = _read(clean, kind, ("identifier", "==", identifier))["pseudonym"]
    return str(found[0]) if len(found) else identifier


def _read(clean: Path, kind: str, *conditions: tuple[str, str, Any]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = clean / FILE
    if not path.is_file():
        return pa.schema(
            [(name, pa.string()) for name in ("identifier", "pseudonym")]
        ).empty_table()
    seals.check(path)
    wanted = [("kind", "==", kind), *conditions]
    return pq.read_table(path, columns=["identifier", "pseudonym"], filters=wanted)
