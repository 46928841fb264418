"""Roles of participants as words."""

from __future__ import annotations

from evalweave.report.numbers import plain

MANY = {
    "client": "clients",
    "link_worker": "link workers",
    "family": "family members",
    "observation": "observations",
}


def many(role: str) -> str:
    """Return a role in the plural."""
    if role in MANY:
        return MANY[role]
    words = plain(role)
    return words if words.endswith("s") else f"{words}s"
