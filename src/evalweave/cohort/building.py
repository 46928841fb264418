"""The cohort stage: clean tables in; cohort, membership, baseline table and the ledger of people out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalweave.cohort import balance, baseline, comparisons, eligibility, follow_up, incidence, weighting
from evalweave.records import engine
from evalweave.records.people import practice_table
from evalweave.tables import COHORT, LEDGER

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study import CohortSettings

STAGE = "cohort"
# Words for ethnicity, compared in lower case. NHS ethnic categories A to C, and 1 of the five-group coding, are White.
WHITE_CODES = {"a", "b", "c", "w", "1"}
UNKNOWN = {"", "unknown", "not known", "not stated", "z", "99", "refused", "missing", "na"}


@dataclass(frozen=True)
class Built:
    """What the cohort stage makes."""

    cohort: pd.DataFrame
    membership: pd.DataFrame
    baseline: pd.DataFrame
    balance: pd.DataFrame
    incidence: pd.DataFrame
    ledger: pd.DataFrame
    n_moved: dict[str, int]


def build(
    backend: Any, clean: dict[str, ir.Table], practices: pd.DataFrame, settings: CohortSettings
) -> Built:
    """Build the cohort from the clean tables; raise `DataError` when an arm cannot be compared."""
    where = engine.keep(backend, "practices", practice_table(practices, None))
    judged = engine.keep(
        backend,
        "judged_people",
        eligibility.judge(
            clean["patients"], clean["registrations"], clean["conditions"], where,
            settings.eligibility, settings.window, settings.cleaning,
        ),
        large=True,
    )  # fmt: skip
    eligible = judged.filter(judged.reason.isnull())
    followed = follow_up.censored(eligible, clean["registrations"], where, settings.exposure, settings.window)
    people = _fetched(backend, eligible.inner_join(followed, "patient_id").order_by("patient_id"))
    counts = judged.group_by("arm", "reason").aggregate(n=judged.count())
    ledger = _ledger(backend.to_pyarrow(counts).to_pylist(), settings)
    comparisons.check_practices(people, practices, settings)
    cohort = _cohort(people, practices, settings)
    referred = comparisons.referred(backend, clean["conditions"], settings)
    membership = comparisons.membership(cohort, practices, settings.comparisons, referred)
    comparisons.check_arms(cohort, membership, settings.comparisons)
    before = baseline.outcomes_before(backend, clean["measurements"], eligible, settings)
    cohort = baseline.with_baseline(cohort, before)
    membership = weighting.weighted(cohort, membership, settings.comparisons)
    moved = people.groupby("arm")["moved"].sum().astype(int).to_dict()
    table = baseline.table(cohort, membership, before, settings)
    balanced = balance.table(cohort, membership, before, table, settings.comparisons)
    cases = incidence.table(backend, clean, where, cohort, settings)
    return Built(cohort, membership, table, balanced, cases, ledger, moved)


def _fetched(backend: Any, people: ir.Table) -> pd.DataFrame:
    """Return a table as a frame that takes little memory: dates as Arrow has them, repeated words once."""
    import pandas as pd
    import pyarrow as pa

    days = {pa.date32(): pd.ArrowDtype(pa.date32())}
    words = ["practice_id", "arm", "sex", "ethnicity"]
    return backend.to_pyarrow(people).to_pandas(categories=words, types_mapper=days.get)


def _cohort(people: pd.DataFrame, practices: pd.DataFrame, settings: CohortSettings) -> pd.DataFrame:

    from evalweave.study import period_number

    starts = practices.set_index("practice_id")["programme_start"]
    frame = people.copy()
    frame["programme_start"] = frame["practice_id"].astype("category").map(starts.to_dict()).astype(object)
    known = {day: period_number(day, settings.window.period) for day in starts.dropna().unique()}
    frame["first_treated"] = frame["programme_start"].map(known)
    groups = {group: white(group) for group in frame["ethnicity"].dropna().unique()}
    frame["white"] = frame["ethnicity"].map(groups).astype("Int64")
    frame["ethnicity"] = frame["ethnicity"].astype("string").fillna("unknown")
    median = frame["n_conditions"].median() if len(frame) else 0
    frame["fewer_conditions"] = (frame["n_conditions"] <= median).astype(int)
    return COHORT.conform(frame)


def white(ethnicity: Any) -> Any:
    """Return 1 for White groups, 0 for any other, missing where it is unknown."""
    import pandas as pd

    if not isinstance(ethnicity, str) or ethnicity.strip().lower() in UNKNOWN:
        return pd.NA
    word = ethnicity.strip().lower()
    return int(word.startswith("white") or word in WHITE_CODES)


def _ledger(counts: list[dict[str, Any]], settings: CohortSettings) -> pd.DataFrame:
    """Return LEDGER of patients: eligible or not, one reason each, by arm."""
    import pandas as pd

    from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check

    listed = eligibility.reasons(settings.eligibility)
    lines = []
    totals: dict[str | None, int] = {}
    for row in counts:
        totals[row["arm"]] = totals.get(row["arm"], 0) + row["n"]
        place = {"stage": STAGE, "unit": "patients", "arm": row["arm"], "n": row["n"]}
        if row["reason"] is None:
            lines.append({**place, "entry": KEPT, "order": 0, "rule": "", "reason": "eligible"})
        else:
            reason = listed[row["reason"] - 1]
            lines.append(
                {
                    **place,
                    "entry": SET_ASIDE,
                    "order": row["reason"],
                    "rule": reason.name,
                    "reason": reason.words,
                }
            )
    lines += [
        {"stage": STAGE, "unit": "patients", "arm": arm, "n": n, "entry": RECEIVED, "order": 0, "rule": "",
         "reason": "received from clean"}
        for arm, n in totals.items()
    ]  # fmt: skip
    frame = pd.DataFrame(lines)
    frame["_entry"] = frame["entry"].map({RECEIVED: 0, KEPT: 1, SET_ASIDE: 2})
    frame = frame.sort_values(["_entry", "order", "arm"], na_position="last").drop(columns="_entry")
    frame = LEDGER.conform(frame)
    check(frame)
    return frame
