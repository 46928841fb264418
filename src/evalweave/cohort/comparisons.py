"""Which patients stand in which arm of which comparison, and whether the arms can be compared at
all."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ibis

from evalweave.errors import Fault, raise_faults

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.people import Comparison
    from evalweave.study.stages import CohortSettings

PROGRAMME, COMPARISON = "programme", "comparison"


def membership(
    cohort: ir.Table, conditions: ir.Table, practices: pd.DataFrame, settings: CohortSettings
) -> ir.Table:
    """Return comparison, patient_id, arm and weight 1.

    never_treated: all programme practices against practices without the programme (of `areas`);
    not_yet_treated: everyone, the arm being that of the practice in the end; not_referred: referred
    against not referred patients of the programme practices, which selects on what patients and
    staff chose.
    """
    parts = []
    for name, group in settings.comparisons.items():
        chosen = cohort.select("patient_id", "practice_id", "arm")
        if group.kind == "not_referred":
            people = referred(conditions, group, settings).mutate(_referred=True)
            chosen = (
                chosen.filter(chosen.arm == PROGRAMME)
                .left_join(people, "patient_id")
                .drop("patient_id_right")
            )
            chosen = chosen.mutate(arm=chosen["_referred"].notnull().ifelse(PROGRAMME, COMPARISON))
        elif group.areas is not None:
            inside = practices.loc[practices["area"].isin(group.areas), "practice_id"].tolist()
            chosen = chosen.filter(
                (chosen.arm == PROGRAMME) | chosen.practice_id.isin(inside or [""])
            )
        parts.append(
            chosen.select(
                "patient_id",
                "arm",
                comparison=ibis.literal(name),
                weight=ibis.literal(1, "int64").cast("float64"),
            )
        )
    return ibis.union(*parts)


def referred(conditions: ir.Table, group: Comparison, settings: CohortSettings) -> ir.Table:
    """Return patient_id of those with an entry of the comparison's referral list since the index
    date.

    Without a list of its own, a list counts when its name ends in `referral`; entries of a category
    apart (declined) do not.
    """
    listed = conditions.codelist.endswith("referral")
    if group.referrals is not None:
        listed = conditions.codelist == group.referrals
    entries = conditions.filter(listed & (conditions.date >= settings.eligibility.index_date))
    return entries.select("patient_id").distinct()


def check_practices(
    backend: Any, people: ir.Table, practices: pd.DataFrame, settings: CohortSettings
) -> None:
    """Raise for treated practices without a period before their start, and when nobody is
    eligible."""
    from evalweave.study.periods import period_number

    present = set(
        backend.to_pyarrow(people.select("practice_id").distinct())["practice_id"].to_pylist()
    )
    if not present:
        raise_faults(
            [
                Fault(
                    "cohort",
                    "nobody eligible",
                    "patients in both arms",
                    "Look at the ledger: which reason takes most? Then at eligibility in the study "
                    "file.",
                )
            ]
        )
    first = period_number(settings.window.first, settings.window.cut)
    faults = []
    for row, record in enumerate(practices.itertuples(), start=2):
        start = record.programme_start
        known = isinstance(start, dt.date) and record.practice_id in present
        if known and period_number(start, settings.window.cut) <= first:
            faults.append(
                Fault(
                    "practices",
                    f"a programme that starts on {start}, with no period before",
                    f"a start after the first period of the window ({settings.window.first})",
                    "Begin the window earlier, or leave the practice out.",
                    row,
                    "programme_start",
                )
            )
    raise_faults(faults)


def check_arms(
    backend: Any, cohort: ir.Table, members: ir.Table, comparisons: dict[str, Comparison]
) -> None:
    """Raise for every comparison with an empty arm or one that is a single practice, or without an
    untreated period."""
    joined = members.inner_join(
        cohort.select("patient_id", "practice_id", "programme_start"), "patient_id"
    )
    found = joined.select("comparison", "arm", "practice_id", "programme_start").distinct()
    frame = backend.to_pyarrow(found).to_pandas()
    faults = []
    for name, group in comparisons.items():
        here = frame[frame["comparison"] == name]
        if group.kind == "not_yet_treated" and group.balance == "none":
            if here["programme_start"].nunique(dropna=False) < 2:
                faults.append(
                    Fault(
                        f"comparison {name}",
                        "one programme start for all practices",
                        "later starters, or practices without the programme, to compare with",
                        "Look at programme_start in practices.",
                    )
                )
            continue
        for arm in (PROGRAMME, COMPARISON):
            n = here.loc[here["arm"] == arm, "practice_id"].nunique()
            if n >= 2:
                continue
            found = "no eligible patients" if n == 0 else "patients of a single practice"
            action = (
                f"Areas asked for: {', '.join(group.areas)}. Look at the column area of practices."
                if group.areas is not None and arm == COMPARISON
                else "Look at programme_start in practices, and at the ledger of the cohort."
            )
            faults.append(
                Fault(
                    f"comparison {name}",
                    f"{found} in the {arm} arm",
                    "at least two practices in each arm",
                    action,
                )
            )
    raise_faults(faults)
