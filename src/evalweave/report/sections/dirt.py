"""Did cleaning treat the arms alike? Shares of records set aside by arm and period, since dirt that
changes with the programme would look like an effect."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalweave.ledger import RECEIVED, SET_ASIDE
from evalweave.release.numbers import joined, missing, number, percent, sentence
from evalweave.report.blocks import Column, Details, Heading, Line, Prose, Table, Text
from evalweave.report.data import ReportData
from evalweave.study.periods import period_label, period_number

ARMS = ("programme", "comparison")
MANY = 12  # periods beyond which their table stands on a click
WORTH_SAYING = 0.01  # a change of a share by one percentage point more in one arm
Shares = dict[tuple[str, str], float | None]


def blocks(data: ReportData) -> list[Any]:
    """Return the shares by period, and by reason before and after the start; nothing where the
    ledger has no arms."""
    lines = _records(data)
    if lines is None or set(lines["arm"]) < set(ARMS):
        return []
    periods = [label for label in _periods(data) if label in set(lines["period"])]
    before = [label for label in periods if label < _start(data)]
    after = [label for label in periods if label >= _start(data)]
    if not before or not after:
        return []
    by_reason, verdict_words = _by_reason(data, lines, before, after)
    by_period: Any = _by_period(data, lines, periods)
    if len(periods) > MANY:
        by_period = Details("The same a period at a time", (by_period,))
    return [
        Heading("Records set aside in cleaning, by arm and period", "dirt"),
        Prose(verdict_words),
        by_reason,
        by_period,
    ]


def _records(data: ReportData) -> pd.DataFrame | None:
    """Return the cleaning's lines of records that say their arm and period."""
    if data.ledger is None:
        return None
    lines = data.ledger
    lines = lines[(lines["stage"] == "clean") & (lines["unit"] == "records")]
    return lines[lines["arm"].isin(ARMS) & lines["period"].notna()]


def _periods(data: ReportData) -> list[str]:
    window = data.study.window
    ends = (period_number(window.first, window.cut), period_number(window.last, window.cut))
    return [period_label(number, window.cut) for number in range(ends[0], ends[1] + 1)]


def _start(data: ReportData) -> str:
    """Return the label of the period of the (first) start; labels sort as time does."""
    return period_label(data.first_period, data.study.window.cut)


def _received(lines: pd.DataFrame, arm: str, periods: list[str]) -> int:
    return int(lines.loc[_here(lines, arm, periods) & (lines["entry"] == RECEIVED), "n"].sum())


def _lost(lines: pd.DataFrame, arm: str, periods: list[str], rule: str | None = None) -> int:
    here = _here(lines, arm, periods) & (lines["entry"] == SET_ASIDE)
    return int(lines.loc[here if rule is None else here & (lines["rule"] == rule), "n"].sum())


def _here(lines: pd.DataFrame, arm: str, periods: list[str]) -> pd.Series:
    return (lines["arm"] == arm) & lines["period"].isin(periods)


def _by_reason(
    data: ReportData, lines: pd.DataFrame, before: list[str], after: list[str]
) -> tuple[Table, Text]:
    """Return the table of reasons, and a sentence on what changed more in one arm."""
    sides = {
        (arm, side): periods
        for arm in ARMS
        for side, periods in (("before", before), ("after", after))
    }
    rules = lines[lines["entry"] == SET_ASIDE].sort_values("order").drop_duplicates("rule")
    cells = pd.DataFrame(
        [
            (rule, *key, _lost(lines, key[0], periods, rule))
            for rule in rules["rule"]
            for key, periods in sides.items()
        ],
        columns=["rule", "arm", "side", "n"],
    )
    hidden = set(
        cells[data.profile.hidden(cells, "n", "records", [["arm", "side"]])]
        .set_index(["rule", "arm", "side"])
        .index
    )

    def shares(rule: str | None) -> Shares:
        return {
            key: None
            if (rule, *key) in hidden
            else data.profile.rate(
                _lost(lines, key[0], periods, rule), _received(lines, key[0], periods), "records"
            )
            for key, periods in sides.items()
        }

    whole = shares(None)
    rows: list[Line] = []
    moved: list[str] = []
    for rule, reason in [(None, "All reasons"), *zip(rules["rule"], rules["reason"], strict=True)]:
        shares_of_rule = whole if rule is None else shares(rule)
        change = _change(shares_of_rule)
        if rule is not None and change is not None and abs(change) >= WORTH_SAYING:
            moved.append(f"“{reason}”")
        shown = [_share(shares_of_rule[arm, side]) for arm in ARMS for side in ("before", "after")]
        rows.append(
            Line((sentence(str(reason)), *shown, _points(change)), depth=int(rule is not None))
        )
    table = Table(
        "Share of records set aside for each reason, before and after the (first) start. The last "
        "column is the change in "
        "programme practices minus the change in comparison practices, in percentage points: far "
        "from 0 would be a warning.",
        (
            Column("Reason"),
            Column("Programme", "before", True),
            Column("Programme", "after", True),
            Column("Comparison", "before", True),
            Column("Comparison", "after", True),
            Column("Difference", "in change", True),
        ),
        tuple(rows),
        (f"{data.profile.note} Shares are from the released numbers; – where one is hidden.",),
        id="dirt-by-reason",
        wide=True,
    )
    return table, _said(whole, moved)


def _change(shares: Shares) -> float | None:
    """Return (after − before) in programme practices minus the same in comparison practices."""
    values = [shares[arm, side] for arm in ARMS for side in ("before", "after")]
    if any(value is None for value in values):
        return None
    one, two, three, four = (float(value or 0) for value in values)
    return (two - one) - (four - three)


def _said(whole: Shares, moved: list[str]) -> Text:
    why = "Dirt that changes with the programme would look like an effect."
    change = _change(whole)
    if change is None:
        return f"{why} The shares rest on too few records to say whether it did."
    one, two, three, four = (
        _share(whole[arm, side]) for arm in ARMS for side in ("before", "after")
    )
    end = (
        f"Changes that differ by a percentage point or more between the arms: {joined(moved)}."
        if moved
        else "For no single reason do the arms’ changes differ by a percentage point or more."
    )
    return (
        f"{why} From before to after the start, the share of records set aside went from {one} to "
        f"{two} in programme practices "
        f"and from {three} to {four} in comparison practices: a difference in change of "
        f"{_points(change)} percentage points. {end}"
    )


def _share(share: float | None) -> str:
    if missing(share):
        return "–"
    return "< 0.1\u202f%" if 0 < float(share or 0) < 0.001 else percent(share, 1)


def _points(change: float | None) -> str:
    return "–" if change is None else number(100 * change, 1)


def _by_period(data: ReportData, lines: pd.DataFrame, periods: list[str]) -> Table:
    """Return received and share set aside of each arm, a line a period."""
    rows = []
    for label in periods:
        cells: list[Text] = []
        shares = []
        for arm in ARMS:
            received = _received(lines, arm, [label])
            shares.append(data.profile.rate(_lost(lines, arm, [label]), received, "records"))
            cells += [data.profile.mark(received, "records"), _share(shares[-1])]
        gap = None if None in shares else float(shares[0] or 0) - float(shares[1] or 0)
        rows.append(Line((label, *cells, _points(gap))))
    return Table(
        "The same a period at a time, all reasons together. The last column is programme minus "
        "comparison in percentage points.",
        (
            Column("Period"),
            Column("Programme", "received", True),
            Column("Set aside", "programme", True),
            Column("Comparison", "received", True),
            Column("Set aside", "comparison", True),
            Column("Difference", "points", True),
        ),
        tuple(rows),
        ("Records that do not say their arm or period are left out here.",),
        id="dirt-by-period",
        wide=True,
    )
