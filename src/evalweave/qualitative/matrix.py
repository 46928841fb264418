"""Counts by code and role that were added up elsewhere, and roles in one form."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Matrix:
    """Counts by code and role (code_id, role, n), and what they count."""

    counts: pd.DataFrame
    counts_are: str


def role_name(text: str) -> str:
    """Return a role in one form: 'Link worker' is link_worker."""
    return "_".join(text.strip().lower().replace("-", " ").split())
