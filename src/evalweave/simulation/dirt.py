"""Every kind of dirt that real extracts have, added so that cleaning gives the clean data back.

Dirty events are extra rows that a rule sets aside or merges; nobody's eligibility hangs on one.
Each kind is a function of `Dirt`, listed in `EVENT_KINDS` with its share of the HbA1c rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evalweave.simulation.extract import EVENTS, HBA1C_DCCT, HBA1C_IFCC, UNKNOWN_PRACTICE, iso
from evalweave.simulation.people import DAY
from evalweave.simulation.recording import percent_text
from evalweave.simulation.records import Simulated, identifiers

NOT_HBA1C = ("1003681000000106", "1019551000000104", "165679005", "165680008", "165681007")
COMPARATORS = ("<20", "< 20", ">=180", ">195", "<=4.0")
NOT_NUMBERS = ("see letter", "normal", "N/A", "?", "not done", "sample haemolysed", "5O")
IMPOSSIBLE = ("31/02/2016", "2016-02-31", "2015-13-01", "2014-00-10", "30/02/2013", "2017-06-31")
FILLERS = (
    "1900-01-01",
    "1899-12-30",
    "1899-12-31",
    "1860-01-01",
    "1800-01-01",
    "1801-01-01",
    "2999-12-31",
    "9999-12-31",
)


@dataclass(frozen=True)
class Dirt:
    """What the kinds draw from: the recorded events, the people and a stream."""

    simulated: Simulated
    events: pd.DataFrame  # as `recording.record` returns them
    rng: np.random.Generator

    def like(
        self, count: int, outcome: str = "hba1c", among: np.ndarray | None = None
    ) -> pd.DataFrame:
        """Return copies of `count` different events of an outcome (fewer where there are fewer)."""
        rows = (self.events["outcome"] == outcome).to_numpy()
        if among is not None:
            rows = rows & among[self.events["person"].to_numpy()]
        places = np.flatnonzero(rows)
        chosen = self.rng.choice(places, size=min(count, len(places)), replace=False)
        return self.events.iloc[np.sort(chosen)].copy()

    def one_of(self, words: tuple[str, ...], n: int) -> np.ndarray:
        """Return `n` words, each at least once where `n` allows."""
        return self.rng.permutation(np.resize(np.array(words, dtype=object), n))


def _in_mmol(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        code=HBA1C_IFCC,
        unit_text="mmol/mol",
        value_text=rows["value"].astype(str).to_numpy(dtype=object),
    )


def _in_percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        code=HBA1C_DCCT, unit_text="%", value_text=percent_text(rows["value"].to_numpy())
    )


def _dated(rows: pd.DataFrame, day: np.ndarray) -> pd.DataFrame:
    return rows.assign(day=day.astype("datetime64[D]"), date=iso(day))


def percent_sign_on_mmol(dirt: Dirt, n: int) -> pd.DataFrame:
    return _in_mmol(dirt.like(n)).assign(unit_text="%")


def mmol_unit_on_percent(dirt: Dirt, n: int) -> pd.DataFrame:
    return _in_percent(dirt.like(n)).assign(unit_text="mmol/mol", code=HBA1C_IFCC)


def not_hba1c(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return rows.assign(code=dirt.one_of(NOT_HBA1C, len(rows)))


def local_code(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(code="EMISNQHB12", code_system="local")


def comparator(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = _in_mmol(dirt.like(n))
    return rows.assign(value_text=dirt.one_of(COMPARATORS, len(rows)))


def not_a_number(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return rows.assign(value_text=dirt.one_of(NOT_NUMBERS, len(rows)))


def decimal_comma(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = _in_percent(dirt.like(n))
    return rows.assign(value_text=rows["value_text"].str.replace(".", ",").to_numpy(dtype=object))


def unit_in_the_value(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = _in_mmol(dirt.like(n))
    return rows.assign(
        value_text=(rows["value_text"] + " mmol/mol").to_numpy(dtype=object), unit_text=""
    )


def blank_value(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(value_text="")


def blank_date(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(date="")


def blank_code(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(code="")


def blank_patient(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(patient_id="")


def impossible_date(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return rows.assign(date=dirt.one_of(IMPOSSIBLE, len(rows)))


def filler_date(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return rows.assign(date=dirt.one_of(FILLERS, len(rows)))


def other_date_order(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    parts = rows["date"].str.split("-", expand=True)
    return rows.assign(date=(parts[2] + "/" + parts[1] + "/" + parts[0]).to_numpy(dtype=object))


def future_date(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return _dated(rows, dirt.simulated.window[1] + dirt.rng.integers(3000, 9000, len(rows)) * DAY)


def after_the_window(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return _dated(rows, dirt.simulated.window[1] + dirt.rng.integers(1, 200, len(rows)) * DAY)


def before_the_window(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    return _dated(rows, dirt.simulated.window[0] - dirt.rng.integers(1, 2000, len(rows)) * DAY)


def before_birth(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    born = dirt.simulated.people["birth_year"].to_numpy()[rows["person"]]
    return rows.assign(date=np.array([f"{year - 2}-06-15" for year in born], dtype=object))


def after_death(dirt: Dirt, n: int) -> pd.DataFrame:
    death = dirt.simulated.people["death"].to_numpy()
    rows = dirt.like(n, among=~np.isnat(death))
    return _dated(rows, death[rows["person"]] + dirt.rng.integers(1, 60, len(rows)) * DAY)


def after_registration(dirt: Dirt, n: int) -> pd.DataFrame:
    people = dirt.simulated.people
    end, death = people["end"].to_numpy(), people["death"].to_numpy()
    rows = dirt.like(n, among=~np.isnat(end) & np.isnat(death))
    return _dated(rows, end[rows["person"]] + dirt.rng.integers(1, 300, len(rows)) * DAY)


def before_registration(dirt: Dirt, n: int) -> pd.DataFrame:
    """Transferred history: dated inside the window, before the person's first registration."""
    start, first = dirt.simulated.people["start"].to_numpy(), dirt.simulated.window[0]
    rows = dirt.like(n, among=start > first + 30 * DAY)
    room = ((start[rows["person"]] - first) / DAY).astype("int64")
    return _dated(rows, first + np.floor(dirt.rng.random(len(rows)) * room).astype("int64") * DAY)


def exact_duplicate(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n)


def twin_in_the_other_unit(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    percent = rows["percent"].to_numpy(dtype=bool)
    return pd.concat([_in_mmol(rows[percent]), _in_percent(rows[~percent])])


def same_day_spread(dirt: Dirt, n: int) -> pd.DataFrame:
    """Two values 40 mmol/mol apart, on a day without any other measurement."""
    rows = _in_mmol(dirt.like(n))
    day = rows["day"].to_numpy() + 3 * DAY
    taken = pd.MultiIndex.from_frame(dirt.events[["person", "day"]])
    free = ~pd.MultiIndex.from_arrays([rows["person"], day]).isin(taken)
    free &= day <= dirt.simulated.window[1]
    rows = _dated(rows[free], day[free])
    value = rows["value"].to_numpy()
    apart = np.where(value > 120, value - 40, value + 40)
    return pd.concat([rows, _in_mmol(rows.assign(value=apart))])


def out_of_range(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = _in_mmol(dirt.like(n))
    high = rows.iloc[::2]
    high = high.assign(value_text=dirt.rng.integers(205, 900, len(high)).astype(str).astype(object))
    low = rows.iloc[1::2]
    return pd.concat(
        [high, low.assign(value_text=dirt.one_of(("1.2", "2.5", "3.4"), len(low)), unit_text="%")]
    )


def unknown_patient(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n)
    strangers = identifiers(3 * n, dirt.rng)
    strangers = strangers[~np.isin(strangers, dirt.simulated.people["patient_id"].to_numpy())]
    return rows.assign(patient_id=strangers[: len(rows)])


def unknown_practice(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n).assign(practice_id=UNKNOWN_PRACTICE)


def pressure_not_a_number(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n, "systolic_bp")
    return rows.assign(value_text=dirt.one_of(("120/80", "refused", "high", ""), len(rows)))


def pressure_out_of_range(dirt: Dirt, n: int) -> pd.DataFrame:
    rows = dirt.like(n, "systolic_bp")
    return rows.assign(value_text=dirt.one_of(("20", "700", "1350", "0"), len(rows)))


def pressure_duplicate(dirt: Dirt, n: int) -> pd.DataFrame:
    return dirt.like(n, "systolic_bp")


EVENT_KINDS: dict[Callable[[Dirt, int], pd.DataFrame], float] = {
    percent_sign_on_mmol: 0.003,
    mmol_unit_on_percent: 0.003,
    not_hba1c: 0.01,
    local_code: 0.001,
    comparator: 0.002,
    not_a_number: 0.003,
    decimal_comma: 0.002,
    unit_in_the_value: 0.001,
    blank_value: 0.004,
    blank_date: 0.001,
    blank_code: 0.001,
    blank_patient: 0.0005,
    impossible_date: 0.001,
    filler_date: 0.002,
    other_date_order: 0.001,
    future_date: 0.0005,
    after_the_window: 0.01,
    before_the_window: 0.04,
    before_birth: 0.0005,
    after_death: 0.001,
    after_registration: 0.003,
    before_registration: 0.01,
    exact_duplicate: 0.02,
    twin_in_the_other_unit: 0.03,
    same_day_spread: 0.001,
    out_of_range: 0.001,
    unknown_patient: 0.002,
    unknown_practice: 0.001,
    pressure_not_a_number: 0.003,
    pressure_out_of_range: 0.001,
    pressure_duplicate: 0.01,
}


def dirty_events(
    simulated: Simulated, events: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the extra rows of every kind (columns as the extract's) and how many of each."""
    dirt = Dirt(simulated, events, rng)
    n = int((events["outcome"] == "hba1c").sum())
    frames, counts = [], {}
    for kind, share in EVENT_KINDS.items():
        rows = kind(dirt, max(round(share * n), 8))
        frames.append(rows[list(EVENTS)])
        counts[kind.__name__] = len(rows)
    return pd.concat(frames, ignore_index=True), counts
