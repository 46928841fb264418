"""One estimate as the report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalweave.release.numbers import decimals, missing

STATISTICS = ("estimate", "std_error", "ci_low", "ci_high", "p_value", "dof")


@dataclass(frozen=True)
class Row:
    """One estimate under one inference method, in one unit."""

    analysis: str
    term: str
    unit: str
    inference: str
    estimate: float
    std_error: float
    low: float
    high: float
    p_value: float
    dof: float
    level: float
    n_obs: Any
    n_patients: Any
    n_practices: Any
    n_practices_treated: Any
    convention: str

    @property
    def places(self) -> int:
        return decimals(self.std_error)


def row_of(record: dict[Any, Any]) -> Row:
    """Return an estimate from its record in the table of estimates."""

    def real(name: str) -> float:
        value: Any = record.get(name)
        return float("nan") if missing(value) else float(value)

    names = ("estimate", "std_error", "low", "high", "p_value", "dof")
    numbers: Any = {name: real(column) for name, column in zip(names, STATISTICS, strict=True)}
    return Row(
        analysis=str(record["analysis"]),
        term=str(record["term"]),
        unit=str(record.get("outcome_unit")),
        inference=str(record.get("inference")),
        **numbers,
        level=0.95 if missing(record.get("level")) else float(record["level"]),
        n_obs=record.get("n_obs"),
        n_patients=record.get("n_patients"),
        n_practices=record.get("n_practices"),
        n_practices_treated=record.get("n_practices_treated"),
        convention="" if missing(record.get("convention")) else str(record["convention"]),
    )
