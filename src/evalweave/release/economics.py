"""An economic evaluation as it may be released: nothing that rests on too few people, no digit
that their number does not support, and no count but that of practices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from evalweave.release.disclosure import Profile
from evalweave.release.precision import P_DIGITS, digits
from evalweave.tables.economics import ECONOMICS

EFFECT, CARE, PROGRAMME, COST = "effect", "cost of care", "programme", "cost"
RATIO, NET_BENEFIT, MAIN = "ratio", "net benefit", "main"
STATISTICS = ("estimate", "std_error", "ci_low", "ci_high", "probability", "evpi")
_IN_UNITS = STATISTICS[:4]
_PROBABILITY_PLACES = 3


@dataclass(frozen=True)
class Valued:
    """An evaluation: `table` as ECONOMICS (exact ones with n_obs and n_patients beside), `curve` by
    threshold, `plane` with the borders of joint regions, and its declared `facts`."""

    table: pd.DataFrame
    curve: pd.DataFrame
    plane: pd.DataFrame
    facts: Mapping[str, Any]

    @property
    def absent(self) -> str:
        """Why there is no evaluation; blank where there is one."""
        return str(self.facts.get("absent", ""))


def collected(tables: Mapping[str, pd.DataFrame], facts: Mapping[str, Any]) -> Valued:
    """Return the tables that `evalweave value` wrote as one evaluation."""
    if facts.get("absent"):
        nothing = pd.DataFrame()
        return Valued(ECONOMICS.empty(), nothing, nothing, facts)
    main = tables["increments"].assign(scenario=MAIN)
    others = tables["scenarios"]
    others = others[(others["scenario"] != MAIN) | (others["item"] == NET_BENEFIT)]
    parts = [main, pd.DataFrame([_ratio(facts)]), others]
    if "subgroups" in tables:
        by_level = tables["subgroups"].rename(columns={"level": "subgroup_level"})
        parts.append(by_level.assign(scenario=MAIN))
    whole = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return Valued(
        whole.rename(columns={"acceptability": "probability"}),
        tables["curve"],
        tables["plane"],
        facts,
    )


def _ratio(facts: Mapping[str, Any]) -> dict[str, Any]:
    known = facts["ratio"]
    return {
        "scenario": MAIN,
        "item": RATIO,
        "unit": f"{facts['currency']} a {facts['effect']}",
        "estimate": known["estimate"],
        "ci_low": known["low"],
        "ci_high": known["high"],
        "form": known["form"],
        "n_practices": facts["n_practices"],
    }


def released(profile: Profile, valued: Valued) -> Valued:
    """Return the evaluation as released: rows that rest on too few people are blank, and where the
    main effect or cost is, so is all that is made of it."""
    if valued.absent:
        return valued
    table = valued.table.copy()
    hidden = table.apply(lambda row: _rests_on_too_few(profile, row), axis=1).astype(bool)
    both = table["item"].isin((EFFECT, COST)) & (table["scenario"] == MAIN)
    whole = both & (table["subgroup"].isna() if "subgroup" in table else True)
    gone = bool(hidden[whole].any())
    if gone:
        hidden |= table["item"].isin((RATIO, NET_BENEFIT))
    table[list(STATISTICS)] = table[list(STATISTICS)].mask(hidden)
    rows = [table if profile.exact else _rounded(table), valued.curve, valued.plane]
    curve, plane = (frame.iloc[:0] if gone else frame for frame in rows[1:])
    if not (profile.exact or gone):
        curve, plane = _rounded_curve(curve), _rounded_plane(plane, table[whole])
    return replace(valued, table=ECONOMICS.conform(rows[0]), curve=curve, plane=plane)


def _rests_on_too_few(profile: Profile, row: Mapping[str, Any]) -> bool:
    people, periods = row.get("n_patients"), row.get("n_obs")
    if people is None or pd.isna(people):
        return False
    few = profile.hides(int(people)) or profile.hides(int(periods or 0))
    return few or bool(profile.min_dof and int(periods or 0) - int(people) - 1 < profile.min_dof)


def _places(error: Any) -> int | None:
    """Return the decimals of the third significant digit of an error; None without one."""
    known = error is not None and not pd.isna(error) and error > 0
    return 2 - math.floor(math.log10(error)) if known else None


def _to(value: Any, places: int | None) -> Any:
    if value is None or pd.isna(value) or math.isinf(value):
        return value
    return digits(value, P_DIGITS) if places is None else round(float(value), places) + 0.0


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    finer = table.copy()
    places = [_places(error) for error in table["std_error"]]
    for name in _IN_UNITS:
        finer[name] = [_to(v, at) for v, at in zip(table[name], places, strict=True)]
    finer["probability"] = table["probability"].astype("float64").round(_PROBABILITY_PLACES)
    finer["evpi"] = [digits(value, P_DIGITS) for value in table["evpi"].astype("float64")]
    return finer


def _rounded_curve(curve: pd.DataFrame) -> pd.DataFrame:
    finer = curve.copy()
    places = [_places(error) for error in curve["std_error"]]
    for name in ("net_benefit", "std_error", "ci_low", "ci_high"):
        finer[name] = [_to(v, at) for v, at in zip(curve[name], places, strict=True)]
    for name in ("acceptability", "acceptability_bootstrap"):
        finer[name] = curve[name].round(_PROBABILITY_PLACES)
    return finer


def _rounded_plane(plane: pd.DataFrame, both: pd.DataFrame) -> pd.DataFrame:
    finer = plane.copy()
    errors = both.set_index("item")["std_error"]
    for name in (EFFECT, COST):
        finer[name] = [_to(value, _places(errors[name])) for value in plane[name]]
    return finer
