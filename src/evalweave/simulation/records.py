"""One seed's people, measurements and planted effects, before anything is written or made dirty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evalweave.errors import StudyError
from evalweave.simulation import care, others, outcomes, selective
from evalweave.simulation.effect import planted_effect
from evalweave.simulation.people import DAY, draw_people
from evalweave.simulation.practices import demonstration_practices, sizes
from evalweave.simulation.streams import streams
from evalweave.study.periods import period_number
from evalweave.study.stages import SimulateSettings

PANEL_COLUMNS = (
    "patient_id",
    "practice_id",
    "period",
    "first_treated",
    "hba1c",
    "systolic_bp",
    "white",
    "imd_quintile",
    "fewer_conditions",
    "planted",
)
KINDS = {"hba1c": outcomes.HBA1C, "systolic_bp": outcomes.SYSTOLIC_BP}
SHOCKS = {"hba1c": "shocks", "systolic_bp": "placebo_shocks"}  # the streams of practice shocks


@dataclass(frozen=True)
class Simulated:
    """What a seed made: `people` (row number = person), `measurements` by outcome, `scale` of the
    effect; where care is looked at, `used` by kind, and what was planted in it by term; `tested`
    where being measured is selective."""

    practices: pd.DataFrame
    people: pd.DataFrame
    measurements: dict[str, pd.DataFrame]  # person, period, day, value
    scale: float
    first_period: int
    index: np.datetime64
    window: tuple[np.datetime64, np.datetime64]
    used: dict[str, pd.DataFrame] = field(default_factory=dict)  # person, day
    planted_in_care: dict[str, dict[str, float]] = field(default_factory=dict)
    tested: pd.DataFrame | None = None  # person, day, value


def simulate_panel(
    settings: SimulateSettings, seed: int, practices: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the clean patient × year panel of the eligible, with the planted effect in its own
    column.

    One row a patient and year with a measurement of either outcome: patient_id, practice_id,
    period, first_treated, hba1c (mmol/mol, mean of the year), systolic_bp (mmHg), white,
    imd_quintile, fewer_conditions, planted (mmol/mol). People who move to the other arm are
    followed until they do. It is the panel that cleaning the extract of this seed gives back, up to
    rounding of values recorded in % and the few with a unit of something else.

    `practices` as `tables.PRACTICES`; the demonstration's when not given.
    """
    return panel_of(draw(settings, seed, practices, with_others=False))


def draw(
    settings: SimulateSettings,
    seed: int,
    practices: pd.DataFrame | None = None,
    with_others: bool = True,
) -> Simulated:
    """Draw everything that does not depend on how it is written down; `with_others` adds the
    ineligible."""
    practices = demonstration_practices() if practices is None else practices
    if settings.window.period not in ("financial_year", "calendar_year"):
        raise StudyError(
            f"window, period: found {settings.window.period}, expected financial_year: a "
            "simulation has yearly periods."
        )
    random = streams(seed)
    index = np.datetime64(settings.eligibility.index_date, "D")
    window = (np.datetime64(settings.window.first, "D"), np.datetime64(settings.window.last, "D"))
    arm = practices["programme_start"].notna().to_numpy().astype(int)
    groups = _groups(settings, arm, index, window, random, with_others)
    measurements, scale = _measurements(settings, practices, groups, index, random)
    used, in_care = _care(settings, groups, arm, random)
    tested = _tested(settings, groups[""], len(arm), random["selective"])
    everyone = pd.concat(groups.values(), ignore_index=True)
    everyone["followed_until"] = _followed_until(everyone, arm)
    everyone["patient_id"] = identifiers(len(everyone), random["identifiers"])
    first_period = period_number(settings.window.first, settings.window.cut)
    return Simulated(
        practices,
        everyone,
        measurements,
        scale,
        first_period,
        index,
        window,
        used,
        in_care,
        tested,
    )


def _groups(
    settings: SimulateSettings,
    arm: np.ndarray,
    index: np.datetime64,
    window: tuple[np.datetime64, np.datetime64],
    random: Mapping[str, np.random.Generator],
    with_others: bool,
) -> dict[str, pd.DataFrame]:
    """Return the eligible people and, as `other_`, the ineligible: prefix of their streams →
    people."""
    wanted = settings.simulation
    practice = np.empty(0, dtype="int64")
    for of_arm, total in ((1, wanted.eligible_programme), (0, wanted.eligible_comparison)):
        members = np.flatnonzero(arm == of_arm)
        patients = sizes(total, len(members), random["practices"])
        practice = np.concatenate([practice, np.repeat(members, patients)])
    ages, days = settings.eligibility.age, settings.eligibility.registered_days
    people = draw_people(practice, arm, ages, index, window, days, random["people"])
    median = people["n_conditions"].median()
    people["fewer_conditions"] = (people["n_conditions"] <= median).astype(int)
    people["kind"] = "eligible"
    if not with_others:
        return {"": people}
    count = round(others.SHARE * len(people))
    rng = random["others"]
    more = draw_people(rng.permutation(practice)[:count], arm, ages, index, window, days, rng)
    kinds = others.draw_kinds(len(more), rng)
    more = others.make_ineligible(more, kinds, ages, index, window, days, rng)
    more["fewer_conditions"] = (more["n_conditions"] <= median).astype(int)
    return {"": people, "other_": more}


def _first_treated(practices: pd.DataFrame, period: str) -> np.ndarray:
    """Return the first treated period of each practice, nan for never."""
    starts = practices["programme_start"]
    return np.array(
        [
            period_number(start, period) if starts_at_all else np.nan
            for start, starts_at_all in zip(starts, starts.notna(), strict=True)
        ],
        dtype=float,
    )


def _measurements(
    settings: SimulateSettings,
    practices: pd.DataFrame,
    groups: Mapping[str, pd.DataFrame],
    index: np.datetime64,
    random: Mapping[str, np.random.Generator],
) -> tuple[dict[str, pd.DataFrame], float]:
    """Return the measurements by outcome (person, period, day, value) and the scale at which the
    effect was planted; each group gains its `first_treated`."""
    starts = _year_starts(settings)
    n_years = len(starts) - 1
    first_period = period_number(settings.window.first, settings.window.cut)
    first_treated = _first_treated(practices, settings.window.cut)
    arm = practices["programme_start"].notna().to_numpy().astype(int)
    sd = settings.simulation.practice_sd
    shocks = {
        name: outcomes.draw_shocks(kind, len(arm), n_years, sd, random[SHOCKS[name]])
        for name, kind in KINDS.items()
    }
    baseline_year = max(int(np.searchsorted(starts, index, side="right")) - 2, 0)
    scale = 0.0
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in KINDS}
    shift = 0
    for prefix, group in groups.items():
        group["first_treated"] = first_treated[group["practice"].to_numpy()]
        seen = {name: _dates(group, starts, random[f"{prefix}{name}_dates"]) for name in KINDS}
        per_year = _planted_unit(group, first_period, n_years)
        if not prefix:
            periods = first_period + np.arange(n_years)
            treated = periods[None, :] >= group["first_treated"].to_numpy()[:, None]
            until = _followed_until(group, arm)
            scale = _scale(seen["hba1c"], treated, until, per_year, settings.simulation.effect)
        where = _practice_by_year(group, starts)
        for name, kind in KINDS.items():
            rng = random[prefix + name]
            of_arm = group["arm"].to_numpy()
            levels = outcomes.draw_levels(kind, of_arm, where, shocks[name], baseline_year, rng)
            if name == "hba1c":
                levels = levels + scale * per_year
            person, year, day = seen[name]
            values = outcomes.draw_values(kind, levels, person, year, rng)
            columns = {"person": person + shift, "period": year + first_period, "day": day}
            parts[name].append(pd.DataFrame({**columns, "value": values}))
        shift += len(group)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}, scale


def _care(
    settings: SimulateSettings,
    groups: Mapping[str, pd.DataFrame],
    arm: np.ndarray,
    random: Mapping[str, np.random.Generator],
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, float]]]:
    """Return the care used, by kind (person, day), and what was planted in it; nothing where the
    study looks at none."""
    if settings.resource_use is None:
        return {}, {}
    starts = _year_starts(settings)
    periods = period_number(settings.window.first, settings.window.cut) + np.arange(len(starts) - 1)
    used: dict[str, list[pd.DataFrame]] = {name: [] for name in care.CARE}
    planted: dict[str, dict[str, float]] = {}
    for name, kind in care.CARE.items():
        shocks = care.draw_shocks(kind, len(arm), len(periods), random["care_shocks"])
        shift = 0
        for prefix, group in groups.items():
            treated = periods[None, :] >= group["first_treated"].to_numpy()[:, None]
            where = _practice_by_year(group, starts)
            rng = random[prefix + name]
            events, without = care.draw_care(kind, group, where, shocks, starts, treated, rng)
            used[name].append(events.assign(person=events["person"] + shift))
            if not prefix:
                begin = group["start"].to_numpy().astype("datetime64[D]")
                there = care.exposure(begin, _followed_until(group, arm), starts)
                planted[name] = care.planted_care(kind, group, without, there, treated)
            shift += len(group)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in used.items()}, planted


def _tested(
    settings: SimulateSettings, eligible: pd.DataFrame, n_practices: int, rng: np.random.Generator
) -> pd.DataFrame | None:
    """Return the tests of the eligible (who come first among all people); None where testing is not
    selective."""
    if not settings.simulation.selective_measurement:
        return None
    starts = _year_starts(settings)
    periods = period_number(settings.window.first, settings.window.cut) + np.arange(len(starts) - 1)
    treated = periods[None, :] >= eligible["first_treated"].to_numpy()[:, None]
    where = _practice_by_year(eligible, starts)
    return selective.draw_tests(eligible, where, n_practices, starts, treated, rng)


def panel_of(simulated: Simulated) -> pd.DataFrame:
    """Return the patient × year panel of the eligible (see `simulate_panel`)."""
    people = simulated.people
    until = people["followed_until"].to_numpy()
    eligible = (people["kind"] == "eligible").to_numpy()
    means = []
    for name, frame in simulated.measurements.items():
        person, day = frame["person"].to_numpy(), frame["day"].to_numpy()
        kept = frame[eligible[person] & (np.isnat(until[person]) | (day <= until[person]))]
        means.append(kept.groupby(["person", "period"])["value"].mean().rename(name))
    panel = (
        pd.concat(means, axis=1).reset_index().sort_values(["person", "period"], ignore_index=True)
    )
    whose = people.loc[panel["person"]].reset_index(drop=True)
    panel.insert(0, "patient_id", whose["patient_id"])
    panel.insert(1, "practice_id", simulated.practices["practice_id"].to_numpy()[whose["practice"]])
    panel.insert(3, "first_treated", whose["first_treated"].astype("Int64"))
    for name in ("white", "imd_quintile", "fewer_conditions"):
        panel[name] = whose[name].astype("Int64")
    event = panel["period"] - panel["first_treated"]
    panel["planted"] = planted_effect(
        event, panel["white"], panel["fewer_conditions"], panel["imd_quintile"], simulated.scale
    )
    return panel[list(PANEL_COLUMNS)].sort_values(["patient_id", "period"], ignore_index=True)


def identifiers(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return `n` different identifiers of ten letters and digits, a letter first, a digit last.

    The first of them are the same for every `n`, so that adding people renames nobody.
    """
    signs = np.array(list("BCDFGHJKLMNPQRSTVWXYZ0123456789"))
    places = np.array([21, *[31] * 8, 10])  # how many signs may stand there
    drawn = (rng.random((n + n // 4 + 8, 10)) * places).astype("int64") + np.array([0] * 9 + [21])
    joined = np.ascontiguousarray(signs[drawn]).view("U10").ravel()
    return joined[np.sort(np.unique(joined, return_index=True)[1])][:n].astype(object)


def _year_starts(settings: SimulateSettings) -> np.ndarray:
    period = settings.window.cut
    first, last = (
        period_number(day, period) for day in (settings.window.first, settings.window.last)
    )
    month = "04" if period == "financial_year" else "01"
    return np.array(
        [f"{year}-{month}-01" for year in range(first, last + 2)], dtype="datetime64[D]"
    )


def _dates(
    group: pd.DataFrame, starts: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    # fmax and fmin ignore dates that are missing.
    begin = np.fmax(group["start"].to_numpy(), group["diagnosed"].to_numpy())
    until = np.fmin(group["end"].to_numpy(), group["death"].to_numpy())
    return outcomes.draw_dates(
        begin.astype("datetime64[D]"), until.astype("datetime64[D]"), starts, rng
    )


def _planted_unit(group: pd.DataFrame, first_period: int, n_years: int) -> np.ndarray:
    """Return the planted effect for scale 1, people × years."""
    return np.column_stack(
        [
            planted_effect(
                first_period + year - group["first_treated"],
                group["white"],
                group["fewer_conditions"],
                group["imd_quintile"],
            )
            for year in range(n_years)
        ]
    )


def _scale(
    seen: tuple[np.ndarray, ...],
    treated: np.ndarray,
    until: np.ndarray,
    per_year: np.ndarray,
    effect: float,
) -> float:
    """Return the scale at which the mean over treated observed patient-years is `effect`."""
    person, year, day = seen
    inside = np.isnat(until[person]) | (day <= until[person])
    observed = np.zeros(per_year.shape, dtype=bool)
    observed[person[inside], year[inside]] = True
    return effect / per_year[observed & treated].mean() if (observed & treated).any() else 0.0


def _followed_until(group: pd.DataFrame, arm: np.ndarray) -> np.ndarray:
    """Return the last day of follow-up: death, end of registration, or the day before a move to the
    other arm."""
    moved_to = group["moved_to"].to_numpy()
    crosses = (moved_to >= 0) & (arm[moved_to] != group["arm"].to_numpy())
    moved = np.where(crosses, group["moved_on"].to_numpy() - DAY, np.datetime64("NaT"))
    until = np.fmin(np.fmin(group["end"].to_numpy(), group["death"].to_numpy()), moved)
    return until.astype("datetime64[D]")


def _practice_by_year(group: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Return the practice of each person in the middle of each year (people × years)."""
    middle = starts[:-1] + (np.diff(starts) / 2)
    practice = np.repeat(group["practice"].to_numpy()[:, None], len(middle), axis=1)
    came, moved = group["came_on"].to_numpy()[:, None], group["moved_on"].to_numpy()[:, None]
    practice = np.where(
        ~np.isnat(came) & (middle[None, :] < came), group["came_from"].to_numpy()[:, None], practice
    )
    return np.where(
        ~np.isnat(moved) & (middle[None, :] >= moved),
        group["moved_to"].to_numpy()[:, None],
        practice,
    )
