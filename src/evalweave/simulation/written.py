"""A seed's extract as it lands on disk, and the truth beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.errors import Fault, raise_faults
from evalweave.panel.prices import prices
from evalweave.simulation import selective
from evalweave.simulation.coded_project import code_book, sources
from evalweave.simulation.dirt import dirty_events
from evalweave.simulation.dirt_registers import dirty_patients, dirty_registrations
from evalweave.simulation.extract import (
    EVENTS,
    care_events,
    diagnosis_events,
    outcome_events,
    patients_table,
    referral_events,
    registrations_table,
    tested_events,
)
from evalweave.simulation.fieldwork import participants, sources_table
from evalweave.simulation.recording import record
from evalweave.simulation.records import draw, panel_of
from evalweave.simulation.refi_qda import qdpx
from evalweave.simulation.streams import streams
from evalweave.simulation.truth import planted_in_care, planted_truth
from evalweave.study.stages import SimulateSettings


def written(
    settings: SimulateSettings, practices: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return the tables patients, registrations and events (all text), and the truth for
    `truth.json`.

    Rows of one patient stand together, in an order that means nothing.
    """
    seed = settings.simulation.seed
    simulated = draw(settings, seed, practices)
    random = streams(seed)
    patients, registrations = patients_table(simulated), registrations_table(simulated)
    outcomes = outcome_events(simulated)
    others = [
        diagnosis_events(simulated, random["diagnoses"]),
        referral_events(simulated, random["referrals"]),
    ]
    if simulated.used:
        others.append(care_events(simulated))
    if simulated.tested is not None:
        others.append(tested_events(simulated))
    dirt: dict[str, int] = {}
    if settings.simulation.dirt:
        outcomes, forms = record(outcomes, random["recording"])
        more, kinds = dirty_events(simulated, outcomes, random["dirt"])
        patients, in_patients = dirty_patients(patients, simulated, random["dirt"])
        registrations, in_registrations = dirty_registrations(
            registrations, simulated, random["dirt"]
        )
        others.append(more)
        dirt = forms | kinds | in_patients | in_registrations
    events = pd.concat([outcomes[list(EVENTS)], *others], ignore_index=True)
    tables = {"patients": patients, "registrations": registrations, "events": events}
    for name, table in tables.items():
        order = random["order"].permutation(len(table))
        tables[name] = table.iloc[order].sort_values("patient_id", kind="stable", ignore_index=True)
    people = simulated.people
    eligible = people[people["kind"] == "eligible"]
    truth = planted_truth(panel_of(simulated)) | {
        "seed": seed,
        "scale": simulated.scale,
        "settings_effect": settings.simulation.effect,
        "n_eligible": {
            "programme": int((eligible["arm"] == 1).sum()),
            "comparison": int((eligible["arm"] == 0).sum()),
        },
        "n_people_by_kind": {
            str(kind): int(n) for kind, n in people["kind"].value_counts().sort_index().items()
        },
        "dirt": dirt,
    }
    if settings.resource_use is not None:
        truth["care"] = planted_in_care(simulated.planted_in_care, prices(settings.resource_use))
    if simulated.tested is not None:
        truth["others"] = {selective.OUTCOME: selective.planted()}
    return tables, truth


def written_project(
    settings: SimulateSettings, themes: pd.DataFrame, title: str
) -> tuple[bytes, pd.DataFrame, pd.DataFrame]:
    """Return the coded project (`.qdpx` bytes), its participants and its sources.

    `themes` has a column `code` of full paths; `DataError` names those that the simulated code book
    lacks.
    """
    known = set(code_book())
    raise_faults(
        Fault(
            "themes",
            f'the code "{code}"',
            "a full path of the simulated code book",
            row=row,
            column="code",
        )
        for row, code in enumerate(themes["code"].astype(str).str.strip(), start=2)
        if code not in known
    )
    random = streams(settings.simulation.seed)
    people = participants()
    return (
        qdpx(sources(random["interviews"], random["coders"]), people, title),
        people,
        sources_table(),
    )
