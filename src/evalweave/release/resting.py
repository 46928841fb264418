"""How many patients an estimate rests on: the smallest subgroup level that its term names, else the
whole fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd


def people_behind(estimates: pd.DataFrame, diagnostics: Mapping[str, Any]) -> pd.Series:
    """Return, for each row of the estimates, the patients behind its term.

    `diagnostics` is diagnostics.json: analysis → {levels: [{level, n_patients}, …]} for subgroup
    analyses. A term of one level, such as `att[s=l]` or `event[2,s=l]`, rests on level l, a
    difference between levels a and b on the smaller of them, `trend[s]` and a triple difference on
    the smallest known level, every other term on the fit's patients.
    """
    behind = [
        _behind(str(term), _levels(diagnostics.get(analysis)), n)
        for analysis, term, n in zip(
            estimates["analysis"], estimates["term"], estimates["n_patients"], strict=True
        )
    ]
    return pd.Series(behind, index=estimates.index, dtype="Int64")


def _levels(diagnostic: Any) -> dict[str, int]:
    listed = diagnostic.get("levels", []) if isinstance(diagnostic, Mapping) else []
    return {str(entry["level"]): int(entry["n_patients"]) for entry in listed}


def _behind(term: str, levels: Mapping[str, int], whole: Any) -> Any:
    if not levels:
        return whole
    if re.match(r"triple\b|trend\[[^=\]]+\]$", term):  # over all known levels
        return min((n for level, n in levels.items() if level != "unknown"), default=whole)
    named = re.fullmatch(r"\w+\[[^=]+=(.+)\]", term)
    if not named:
        return whole
    if named[1] in levels:
        return levels[named[1]]
    pairs = (pair for pair in _splits(named[1]) if set(pair) <= set(levels))
    return min((levels[level] for pair in pairs for level in pair), default=whole)


def _splits(words: str) -> list[tuple[str, str]]:
    """Return every way to read `a-b` as two levels, since a level's name may hold a hyphen."""
    parts = words.split("-")
    return [("-".join(parts[:n]), "-".join(parts[n:])) for n in range(1, len(parts))]
