"""Raw means have intervals over practices, which leave as the mean does or not at all."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.panel.trends import with_intervals
from evalweave.release import precision
from evalweave.release.disclosure import profile
from evalweave.report.figures.trends import raw_means
from evalweave.tables.people import TRENDS
from helpers.reports import data

NHS, SACRO, NONE = profile("nhs_england"), profile("sacro"), profile("none")
VALUES = [("A", 1.0), ("A", 2.0), ("A", 3.0), ("B", 4.0), ("B", 5.0), ("C", 6.0)]


def interval(values: list[tuple[str, float]]) -> tuple[float, float]:
    people = pd.DataFrame(values, columns=["practice_id", "value"]).assign(arm="programme")
    by = people.groupby(["arm", "practice_id"])["value"].agg(amount="sum", size="size")
    means = people.groupby("arm")["value"].mean().rename("mean").reset_index()
    row = with_intervals(means, by.reset_index(), ["arm"]).iloc[0]
    return row["ci_low"], row["ci_high"]


def test_the_interval_is_that_of_a_clustered_regression_on_a_constant() -> None:
    """statsmodels 0.15.0: OLS on a constant, cov_type="cluster", use_t=True."""
    assert interval(VALUES) == pytest.approx((-1.350433939526, 8.350433939526), abs=1e-9)


def test_the_order_of_practices_changes_no_bit_and_one_practice_has_no_interval() -> None:
    renamed = [({"A": "C", "B": "A", "C": "B"}[practice], value) for practice, value in VALUES]
    assert interval(renamed[::-1]) == interval(VALUES)
    assert all(math.isnan(end) for end in interval(VALUES[:3]))


def released(rules: object = NHS, places: int | str = 1, **more: object) -> tuple[object, ...]:
    row = {
        "comparison": "all",
        "outcome": "hba1c",
        "arm": "programme",
        "period": 2015,
        "period_label": "2015/16",
        "mean": 58.04321,
        "sd": 15.0,
        "ci_low": 56.82346,
        "ci_high": 59.26296,
        "n_patients": 4750,
        "n_practices": 12,
    }
    frame = TRENDS.conform(pd.DataFrame([row | more]))
    got = precision.trends(rules, frame, {"hba1c": places}).iloc[0]  # type: ignore[arg-type]
    return got["mean"], got["ci_low"], got["ci_high"]


def test_an_interval_is_the_released_mean_and_half_its_width_rounded_up() -> None:
    """Half is 1.21975: 1.3 at one decimal, so that rounding makes no interval narrower. The middle
    of the ends says no more than the mean does."""
    assert released() == (58.0, 56.7, 59.3)
    assert released(places=2) == (58.04, 56.82, 59.26)
    assert released(NONE) == (58.04321, 56.82346, 59.26296)
    ends = {"ci_low": 147 / 998 - 0.025, "ci_high": 147 / 998 + 0.025}
    share = released(places=precision.SHARE, mean=147 / 998, n_patients=998, **ends)
    assert share == (0.14, 0.11, 0.17)  # 145 of 1,000, give or take 0.025, which becomes 0.03


@pytest.mark.parametrize(
    ("rules", "more"),
    [
        (NHS, {"n_practices": 3}),  # one that knows its own patients would learn of another
        (SACRO, {"n_patients": 10}),  # nine degrees of freedom are left
    ],
)
def test_an_interval_that_rests_on_too_few_is_not_released(
    rules: object, more: dict[str, object]
) -> None:
    middle, low, high = released(rules, **more)
    assert middle == 58.0 and math.isnan(low) and math.isnan(high)  # type: ignore[arg-type]
    assert not math.isnan(released(rules, **{k: v + 1 for k, v in more.items()})[1])  # type: ignore[operator,arg-type]


def test_an_interval_of_hidden_people_is_hidden() -> None:
    rows = [
        {"arm": "programme", "period": p, "mean": 58.1, "ci_low": 57.0, "ci_high": 59.2}
        for p in (1, 2)
    ]
    frame = pd.DataFrame(rows).reindex(columns=TRENDS.names).assign(n_patients=[7, 8])
    got = NHS.count_frame(frame, TRENDS)
    assert got[["ci_low", "ci_high"]].isna().to_numpy().tolist() == [[True, True], [False, False]]


def test_the_figure_draws_says_and_lists_the_intervals(tmp_path: Path) -> None:
    figure = raw_means(data(tmp_path), "Raw means.")
    assert figure is not None
    assert "58.4 (57.4 to 59.4)" in figure.description
    assert "clustered by practice" in str(figure.caption)
    shown = figure.data.dropna(subset=["mean"])
    assert shown["ci_low"].notna().all() and len(shown) < len(figure.data)
    lines = [
        path
        for path in ET.fromstring(figure.drawings[0].svg).iter("{http://www.w3.org/2000/svg}path")
        if (d := (path.get("d") or "").split()) and d[0] == "M" and d[3] == "L" and len(d) == 6
        if d[1] == d[4] and "stroke-opacity: 0.8" in (path.get("style") or "")
    ]
    assert len(lines) == len(shown)


def test_without_intervals_none_is_claimed(tmp_path: Path) -> None:
    found = data(tmp_path)
    bare = {name: t.assign(ci_low=math.nan, ci_high=math.nan) for name, t in found.trends.items()}
    figure = raw_means(replace(found, trends=bare), "Raw means.")
    assert figure is not None and str(figure.caption) == "Raw means."
    assert "(57" not in figure.description


def amounts(rules: object, events: int, price: float, n: int = 400) -> tuple[object, ...]:
    """What is released of so many events of one price, one a person at most."""
    mean = events * price / n
    sd = price * math.sqrt(events / n * (1 - events / n) * n / (n - 1))
    width = 2 * price * math.sqrt(events) / n
    ends = {"ci_low": mean - width, "ci_high": mean + width}
    return released(rules, precision.AMOUNT, mean=mean, sd=sd, n_patients=n, **ends)


@pytest.mark.parametrize("price", [1.0, 2600.0, 0.37])
def test_a_mean_cost_does_not_tell_how_few_events_it_is_of(price: float) -> None:
    """19.50 at 2,600 an event and 400 people is three admissions."""
    for events in range(1, 8):
        assert all(math.isnan(end) for end in amounts(NHS, events, price))  # type: ignore[arg-type]
    assert amounts(NHS, 0, price)[0] == 0
    assert math.isnan(amounts(SACRO, 0, price)[0])  # type: ignore[arg-type]
    known = [amounts(NHS, events, price) for events in range(8, 400)]
    for middle in {row[0] for row in known} - {known[-1][0]}:
        assert sum(row[0] == middle for row in known) >= NHS.base
    assert amounts(NONE, 3, price)[0] == 3 * price / 400


def test_an_amount_keeps_its_interval_and_has_no_deviation() -> None:
    middle, low, high = amounts(NHS, 40, 2600.0)
    assert (middle, low, high) == (250.0, 150.0, 350.0)  # 260, give or take 82, in steps of 50
    row = {"outcome": "hba1c", "mean": 260.0, "sd": 780.0, "n_patients": 400, "n_practices": 12}
    frame = TRENDS.conform(
        pd.DataFrame([row])
        .reindex(columns=TRENDS.names)
        .assign(comparison="all", arm="programme", period=2015, period_label="2015/16")
    )
    assert precision.trends(NHS, frame, {"hba1c": precision.AMOUNT})["sd"].isna().all()
