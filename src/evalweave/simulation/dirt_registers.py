"""Dirt in the patients and registrations tables, added so that the same people stay eligible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evalweave.simulation.extract import UNKNOWN_PRACTICE, iso
from evalweave.simulation.people import DAY
from evalweave.simulation.records import Simulated, identifiers

SHARE = 0.004  # of people, for each kind


def dirty_patients(
    table: pd.DataFrame, simulated: Simulated, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the patients with some rows twice. Rows in conflict stand in the table already, as a
    kind of person."""
    eligible = np.flatnonzero((simulated.people["kind"] == "eligible").to_numpy())
    twice = rng.choice(eligible, size=max(round(SHARE * len(eligible)), 3), replace=False)
    kinds = simulated.people["kind"].value_counts()
    bad = ("no_sex", "no_birth_year", "unacceptable", "conflicting_facts")
    counts = {"patient_row_twice": len(twice)} | {
        f"patient_{kind}": int(kinds.get(kind, 0)) for kind in bad
    }
    return pd.concat([table, table.iloc[np.sort(twice)]], ignore_index=True), counts


def dirty_registrations(
    table: pd.DataFrame, simulated: Simulated, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the registrations with repeated, backward, nested, overlapping and unknown spells."""
    people = simulated.people
    kind = people["kind"].to_numpy()
    ids, start = people["patient_id"].to_numpy(), people["start"].to_numpy()
    practice_ids = simulated.practices["practice_id"].to_numpy(dtype=object)
    practice = practice_ids[people["practice"].to_numpy()]
    settled = start < simulated.index - 900 * DAY
    settled &= np.isnat(people["came_on"].to_numpy()) & (kind == "eligible")
    n = max(round(SHARE * len(people)), 3)

    def some(rows: np.ndarray) -> np.ndarray:
        places = np.flatnonzero(rows)
        return np.sort(rng.choice(places, size=min(n, len(places)), replace=False))

    def spells(who: np.ndarray, where: object, first: np.ndarray, last: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(
            {"patient_id": ids[who], "practice_id": where, "start": iso(first), "end": iso(last)}
        )

    table = _late_deregistration(table, simulated)
    backward, nested, elsewhere = some(settled), some(settled), some(settled)
    old = some(kind == "too_old")
    blank = spells(
        old, practice[old], np.full(len(old), np.datetime64("NaT", "D")), start[old] - 10 * DAY
    )
    impossible = spells(old, practice[old], start[old], start[old]).assign(
        start="31/02/2012", end=""
    )
    strangers = identifiers(4 * n, rng)
    strangers = strangers[~np.isin(strangers, ids)][:n]
    someone = some(kind == "eligible")[: len(strangers)]
    extra = {
        "registration_twice": table.iloc[np.sort(rng.choice(len(table), n, replace=False))],
        "registration_end_before_start": spells(
            backward, practice[backward], start[backward] + 300 * DAY, start[backward] + 20 * DAY
        ),
        "registration_nested": spells(
            nested, practice[nested], start[nested] + 100 * DAY, start[nested] + 250 * DAY
        ),
        "registration_unknown_practice": spells(
            elsewhere, UNKNOWN_PRACTICE, start[elsewhere] - 2500 * DAY, start[elsewhere] - 900 * DAY
        ),
        "registration_blank_start": blank,
        "registration_impossible_date": impossible,
        "registration_unknown_patient": spells(
            someone, practice[someone], start[someone], start[someone] + 2000 * DAY
        ).assign(patient_id=strangers[: len(someone)]),
    }
    counts = {name: len(rows) for name, rows in extra.items()}
    counts["registration_overlapping"] = int((~np.isnat(people["came_on"].to_numpy())).sum()) // 2
    return pd.concat([table, *extra.values()], ignore_index=True), counts


def _late_deregistration(table: pd.DataFrame, simulated: Simulated) -> pd.DataFrame:
    """Let every other mover's earlier spell end 30 days after the later one began."""
    people = simulated.people
    came = people["came_on"].to_numpy()
    rows = np.flatnonzero(~np.isnat(came))[1::2]
    late = pd.DataFrame(
        {
            "patient_id": people["patient_id"].to_numpy()[rows],
            "end": iso(came[rows] - DAY),
            "late": iso(came[rows] + 30 * DAY),
        }
    )
    merged = table.merge(late, on=["patient_id", "end"], how="left")
    return table.assign(end=np.where(merged["late"].isna(), table["end"], merged["late"]))
