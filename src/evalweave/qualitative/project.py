"""The tidy model of a coded project: one frozen set of tables, the same for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import pandas as pd

from evalweave.qualitative.matrix import Matrix
from evalweave.tables import qualitative as tables


@dataclass(frozen=True)
class Project:
    """Each table as `tables.py` declares it; sorted, so that the order of the project's file does
    not show."""

    participants: pd.DataFrame
    sources: pd.DataFrame
    source_participants: pd.DataFrame
    eligibility: pd.DataFrame
    codes: pd.DataFrame
    themes: pd.DataFrame
    theme_codes: pd.DataFrame
    segments: pd.DataFrame
    codings: pd.DataFrame
    stances: pd.DataFrame
    import_log: pd.DataFrame
    double_coding: pd.DataFrame = field(default_factory=tables.DOUBLE_CODING.empty)
    observation_kinds: tuple[str, ...] = field(default=("field_note", "observation"))
    matrix: Matrix | None = None
    texts: Mapping[str, str] = field(default_factory=dict)  # by source_id; not among the tables

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by name."""
        return {name: getattr(self, name) for name in CONTRACTS}


CONTRACTS = {
    item.name: getattr(tables, item.name.upper())
    for item in fields(Project)
    if hasattr(tables, item.name.upper())
}
