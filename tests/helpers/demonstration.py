"""The demonstration's study and a small extract simulated for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evalweave.simulation.formats import as_csv
from evalweave.simulation.practices import demonstration_practices
from evalweave.simulation.written import written
from evalweave.study.file import load_study
from evalweave.study.stages import (
    SimulateSettings,
    settings_for,
)

CONFIG = Path(__file__).parents[2] / "config"
STUDY = load_study(CONFIG / "config.yaml")
TABLES = ("patients", "registrations", "events")


def simulated(dirt: bool) -> dict[str, pd.DataFrame]:
    said = settings_for(STUDY, SimulateSettings)
    said["simulation"] |= {
        "seed": 11,
        "eligible_programme": 350,
        "eligible_comparison": 250,
        "dirt": dirt,
    }
    return written(SimulateSettings.model_validate(said), demonstration_practices())[0]


def flat_files(tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    return {f"{name}.csv": as_csv(table) for name, table in tables.items()}
