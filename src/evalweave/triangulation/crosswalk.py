"""Which attribute of interview participants corresponds to which subgroup of patients, and how
well.

A theme x subgroup matrix sets counts of people beside the estimate of the patients most like them.
That is only sound where both strands mean the same by the word, so every pair of them is declared
here as exact, approximate or none, with the reason, and the matrix prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalweave.catalogue.calls import primary_methods
from evalweave.study.analyses import Analysis
from evalweave.vocabulary.ethnicity import read_groups, white
from evalweave.vocabulary.words import words

if TYPE_CHECKING:
    import pandas as pd

EXACT, APPROXIMATE, NONE = "exact", "approximate", "none"
# Roles of people whom the records may hold too; a link worker's ethnicity says nothing about any
# patient.
PATIENTS = ("client", "patient", "participant", "service_user")


@dataclass(frozen=True)
class Match:
    """How a subgroup variable of the records corresponds to a participant attribute.

    `level` maps an attribute level, in lower case, to a level of the subgroup variable, or None.
    """

    attribute: str
    match: str
    reason: str
    level: Callable[[str], str | None] = lambda written: None


def _white(level: str) -> str | None:
    is_white = white(read_groups([level])[level]) if level else None
    return None if is_white is None else str(is_white)


def _sex(level: str) -> str | None:
    return {"female": "1", "male": "0"}.get(words("sexes").read(level) or "")


def _sex_word(level: str) -> str | None:
    return {"1": "female", "0": "male"}.get(_sex(level) or "")


CROSSWALK: Mapping[str, Match] = {
    "white": Match(
        "ethnicity",
        APPROXIMATE,
        "records hold ethnicity as coded, interviews as people say it",
        _white,
    ),
    "ethnicity": Match("ethnicity", EXACT, "the same groups by name", lambda level: level or None),
    "female": Match("gender", APPROXIMATE, "records hold sex, interviews gender", _sex),
    "sex": Match("gender", APPROXIMATE, "records hold sex, interviews gender", _sex_word),
    "imd_quintile": Match(
        "", NONE, "deprivation of an area is not a person's precarity; no attribute says it"
    ),
    "fewer_conditions": Match("", NONE, "participants' other conditions are not an attribute"),
    "n_conditions": Match("", NONE, "participants' other conditions are not an attribute"),
}


def theme_by_subgroup(
    analyses: Sequence[Analysis], theme_counts: pd.DataFrame, estimates: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return one entry a subgroup analysis: the match in words and, where there is one, a line a
    theme and level.

    A line: role, theme_id, subgroup level, the attribute levels that stand for it, n_participants
    of n_eligible, and the estimate of att[subgroup=level] with its interval under the analysis'
    first inference, in the unit that the estimates name first (the outcome's own). Counts are
    exact: they are for results/, and go through the disclosure profile to be released.
    """
    return [
        _entry(analysis, theme_counts, estimates)
        for analysis in analyses
        if analysis.subgroup is not None
    ]


def _entry(analysis: Analysis, counts: pd.DataFrame, estimates: pd.DataFrame) -> dict[str, Any]:
    subgroup = str(analysis.subgroup)
    match = CROSSWALK.get(
        subgroup, Match("", NONE, "no participant attribute is declared to correspond to it")
    )
    entry: dict[str, Any] = {
        "analysis": analysis.name,
        "subgroup": subgroup,
        "attribute": match.attribute,
        "match": match.match,
        "reason": match.reason,
        "lines": [],
    }
    if match.match == NONE:
        return entry
    counted = counts[(counts["attribute"] == match.attribute) & counts["code_id"].isna()]
    if counted.empty:
        entry["reason"] += (
            f"; themes were not counted by {match.attribute} (add it to qualitative, attributes)"
        )
        return entry
    counted = counted[counted["role"].isin(PATIENTS)]
    if counted.empty:
        entry["reason"] += (
            f"; none of the people interviewed is a {', '.join(PATIENTS).replace('_', ' ')}"
        )
        return entry
    levels = counted["attribute_level"].fillna("").astype(str)
    mapped = counted.assign(level=levels.str.strip().str.lower().map(match.level), words=levels)
    grouped = mapped.dropna(subset=["level"]).groupby(["role", "theme_id", "level"], sort=True)
    for (role, theme, level), group in grouped:
        entry["lines"].append(
            {
                "role": str(role),
                "theme_id": str(theme),
                "level": str(level),
                "attribute_levels": sorted(group["words"]),
                "n_participants": None
                if group["n_participants"].isna().any()
                else int(group["n_participants"].sum()),
                "n_eligible": int(group["n_eligible"].sum()),
            }
            | _estimate(analysis, f"att[{subgroup}={level}]", estimates)
        )
    return entry


def _estimate(analysis: Analysis, term: str, estimates: pd.DataFrame) -> dict[str, Any]:
    rows = estimates[
        (estimates["analysis"] == analysis.name)
        & (estimates["term"] == term)
        & estimates["inference"].isin(primary_methods(analysis.estimator, analysis.inference))
    ]
    names = ("estimate", "ci_low", "ci_high", "outcome_unit")
    return {"term": term} | {name: None if rows.empty else rows.iloc[0][name] for name in names}
