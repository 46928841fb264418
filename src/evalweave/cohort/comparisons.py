"""Which patients stand in which arm of which comparison, and whether the arms can be compared at all."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from evalweave.errors import Fault, raise_faults
from evalweave.tables import MEMBERSHIP

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study import CohortSettings, Comparison

PROGRAMME, COMPARISON = "programme", "comparison"


def membership(
    cohort: pd.DataFrame,
    practices: pd.DataFrame,
    comparisons: dict[str, Comparison],
    referred: dict[str, set[str]] | None = None,
) -> pd.DataFrame:
    """Return MEMBERSHIP with weight 1.

    never_treated: all programme practices against practices without the programme (of `areas`); not_yet_treated:
    everyone, the arm being that of the practice in the end; not_referred: referred against not referred patients of
    the programme practices (`referred` are the former, by comparison), which selects on what patients and staff chose.
    """
    import pandas as pd

    areas = practices.set_index("practice_id")["area"].to_dict()
    area = cohort["practice_id"].astype("category").map(areas)
    parts = []
    for name, group in comparisons.items():
        chosen, arm = pd.Series(True, index=cohort.index), cohort["arm"]
        here = area.isin(group.areas) if group.areas is not None else pd.Series(True, index=cohort.index)
        if group.kind == "not_referred":
            chosen = arm == PROGRAMME
            arm = cohort["patient_id"].isin((referred or {})[name]).map({True: PROGRAMME, False: COMPARISON})
        else:
            chosen = (arm == PROGRAMME) | here
        parts.append(
            pd.DataFrame({"comparison": name, "patient_id": cohort["patient_id"], "arm": arm, "weight": 1.0})[
                chosen
            ]
        )
    return MEMBERSHIP.conform(pd.concat(parts).sort_values(["comparison", "patient_id"]))


def referred(backend: Any, conditions: ir.Table, settings: CohortSettings) -> dict[str, set[str]]:
    """Return, for each comparison that asks, the patients with an entry of its referral list since the index date.

    Without a list of its own, a list counts when its name ends in `referral`; entries of a category apart (declined)
    do not.
    """
    found = {}
    for name, group in settings.comparisons.items():
        if group.kind != "not_referred":
            continue
        listed = conditions.codelist.endswith("referral")
        if group.referrals is not None:
            listed = conditions.codelist == group.referrals
        entries = conditions.filter(listed & (conditions.date >= settings.eligibility.index_date))
        people = backend.to_pyarrow(entries.select("patient_id").distinct())["patient_id"].to_pylist()
        found[name] = set(people)
    return found


def check_practices(people: pd.DataFrame, practices: pd.DataFrame, settings: CohortSettings) -> None:
    """Raise for treated practices without a period before their start, and when nobody is eligible."""
    from evalweave.study import period_number

    if not len(people):
        raise_faults(
            [Fault("cohort", "nobody eligible", "patients in both arms",
                   "Look at the ledger: which reason takes most? Then at eligibility in the study file.")]
        )  # fmt: skip
    first = period_number(settings.window.first, settings.window.period)
    present = set(people["practice_id"])
    faults = []
    for row, record in enumerate(practices.itertuples(), start=2):
        start = record.programme_start
        known = isinstance(start, dt.date) and record.practice_id in present
        if known and period_number(start, settings.window.period) <= first:
            faults.append(
                Fault("practices", f"a programme that starts on {start}, with no period before",
                      f"a start after the first period of the window ({settings.window.first})",
                      "Begin the window earlier, or leave the practice out.", row, "programme_start")
            )  # fmt: skip
    raise_faults(faults)


def check_arms(cohort: pd.DataFrame, members: pd.DataFrame, comparisons: dict[str, Comparison]) -> None:
    """Raise for every comparison with an empty arm or one that is a single practice, or without an untreated period."""
    import pandas as pd

    at = pd.Index(cohort["patient_id"]).get_indexer(members["patient_id"])
    joined = members[["comparison", "arm"]].assign(
        **{name: cohort[name].array.take(at) for name in ("practice_id", "programme_start")}
    )
    faults = []
    for name, group in comparisons.items():
        here = joined[joined["comparison"] == name]
        if group.kind == "not_yet_treated" and group.balance == "none":
            if here["programme_start"].nunique(dropna=False) < 2:
                faults.append(
                    Fault(f"comparison {name}", "one programme start for all practices",
                          "later starters, or practices without the programme, to compare with",
                          "Look at programme_start in practices.")
                )  # fmt: skip
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
