"""The panel's ledger, an outcome at a time: who was measured at all, which person-periods and
records were kept, and why the others were not. The size of a study differs by outcome, so each has
its own received = kept + set aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check
from evalweave.study.periods import period_label
from evalweave.tables.records import LEDGER

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study.stages import PanelSettings

STAGE = "panel"
RECORD_REASONS = {
    "not_in_comparison": "patient is not in this comparison",
    "outside_follow_up": "after the end of follow-up",
    "straddling_period": "in the period in which the practice started the programme",
    "washout": "within the washout after the start",
    "before_follow_up": "before the entry into an open cohort",
    "not_followed": "on a day out of follow-up",
}
PERIOD_REASONS = {
    "not_registered": "not registered on any day of the period",
    "after_follow_up": "after the end of follow-up",
    "straddling_period": "the period in which the practice started the programme",
    "not_measured": "followed but not measured",
    "washout": "wholly within the washout after the start",
    "before_follow_up": "before the entry into an open cohort",
}
NEVER = {"never_measured": "no measurement in the panel"}


def panel_ledger(
    records: pd.DataFrame,
    status: pd.DataFrame,
    trends: pd.DataFrame,
    measured: pd.DataFrame,
    settings: PanelSettings,
) -> pd.DataFrame:
    """Return LEDGER, an outcome at a time: patients and practices, person-periods and records, by
    arm and period.

    `records` counts measurements (arm, period, outcome, rule, n), `status` person-periods
    (`followed.status`), `measured` the patients of each practice, and those ever measured of each
    outcome.
    """
    import pandas as pd

    def label(number: Any) -> str:
        return period_label(int(number), settings.window.cut)

    records = records.assign(rule=records["rule"].fillna(""), period=records["period"].map(label))
    person_periods = _measured_person_periods(status, trends, list(settings.outcomes))
    person_periods["period"] = person_periods["period"].map(label)
    lines = []
    for unit, reasons, received, counts in (
        (
            "patients",
            NEVER,
            "patients of the comparison",
            _ever_measured(measured, settings, "n_patients"),
        ),
        (
            "practices",
            NEVER,
            "practices of the comparison",
            _ever_measured(measured, settings, "n_practices"),
        ),
        ("person-periods", PERIOD_REASONS, "patients × periods of the window", person_periods),
        ("records", RECORD_REASONS, "measurements received from clean", records),
    ):
        orders = {name: place for place, name in enumerate(reasons, start=1)}
        counts = counts[counts["n"] > 0].assign(
            stage=STAGE,
            unit=unit,
            order=counts["rule"].map(orders).fillna(0).astype(int),
            reason=counts["rule"].map(reasons).fillna("kept"),
            entry=counts["rule"].eq("").map({True: KEPT, False: SET_ASIDE}),
        )
        total = counts.groupby(["arm", "period", "outcome"], dropna=False)["n"].sum().reset_index()
        lines.append(
            total.assign(stage=STAGE, unit=unit, order=0, rule="", reason=received, entry=RECEIVED)
        )
        lines.append(counts)
    frame = pd.concat(lines, ignore_index=True)
    places = {name: place for place, name in enumerate(settings.outcomes)}
    units = {unit: place for place, unit in enumerate(dict.fromkeys(frame["unit"]))}
    entries = {RECEIVED: 0, KEPT: 1, SET_ASIDE: 2}
    frame = frame.assign(
        _outcome=frame["outcome"].map(places),
        _unit=frame["unit"].map(units),
        _entry=frame["entry"].map(entries),
    )
    frame = frame.sort_values(
        ["_outcome", "_unit", "_entry", "order", "arm", "period"], na_position="last"
    )
    frame = LEDGER.conform(frame)
    check(frame)
    return frame


def _measured_person_periods(
    status: pd.DataFrame, trends: pd.DataFrame, outcomes: list[str]
) -> pd.DataFrame:
    """Return arm, period, outcome, rule, n of person-periods: measured with this outcome, or why
    not.

    A person-period with a measurement of some other outcome was followed, so of this one it is not
    measured.
    """
    import pandas as pd

    whole = status[["arm", "period", "rule", "n"]]
    any_outcome = (
        whole[whole["rule"].isin(["", "not_measured"])].groupby(["arm", "period"])["n"].sum()
    )
    parts = [
        whole[~whole["rule"].isin(["", "not_measured"])].assign(outcome=name) for name in outcomes
    ]
    for name in outcomes:
        measured = (
            trends[trends["outcome"] == name]
            .set_index(["arm", "period"])["n_patients"]
            .astype("int64")
        )
        measured = measured.reindex(any_outcome.index, fill_value=0)
        for rule, n in (("", measured), ("not_measured", any_outcome - measured)):
            parts.append(n.rename("n").reset_index().assign(rule=rule, outcome=name))
    return pd.concat(parts, ignore_index=True)


def _ever_measured(measured: pd.DataFrame, settings: PanelSettings, unit: str) -> pd.DataFrame:
    """Return arm, outcome, rule, n: n_patients (or n_practices) of the comparison measured in the
    panel, or never.

    A practice is measured when one of its patients is.
    """
    import pandas as pd

    each = measured.assign(n_practices=1)
    parts = []
    for outcome in settings.outcomes:
        ever = each[outcome] if unit == "n_patients" else (each[outcome] > 0).astype("int64")
        for rule, n in (("", ever), ("never_measured", each[unit] - ever)):
            counted = n.groupby(each["arm"]).sum().rename("n").reset_index()
            parts.append(counted.assign(rule=rule, outcome=outcome, period=None))
    return pd.concat(parts, ignore_index=True)
