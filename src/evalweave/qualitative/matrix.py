"""Counts by code and role that were added up elsewhere, and roles in one form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from evalweave.qualitative.identity import plain_width, stem


@dataclass(frozen=True)
class Matrix:
    """Counts by code and role (code_id, role, n), and what they count."""

    counts: pd.DataFrame
    counts_are: str


def of_roles(matrix: Matrix, roles: Iterable[str]) -> tuple[Matrix, list[str]]:
    """Return a matrix whose columns are called as the participants' roles are (Clients is client),
    and the columns that are no role."""
    known = {stem(role): role for role in roles}
    named = matrix.counts["role"].map(lambda role: known.get(stem(role), role))
    strange = sorted(set(named) - set(known.values()))
    return Matrix(matrix.counts.assign(role=named), matrix.counts_are), strange


def role_name(text: str) -> str:
    """Return a role in one form: 'Link worker' is link_worker."""
    composed = unicodedata.normalize("NFC", plain_width(text))
    return "_".join(composed.lower().replace("-", " ").split())
