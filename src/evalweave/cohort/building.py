"""The cohort stage: clean tables in; cohort, membership, baseline table and ledger out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pyarrow as pa

from evalweave import engine
from evalweave.cohort import (
    balance,
    baseline,
    comparisons,
    eligibility,
    follow_up,
    incidence,
    weighting,
)
from evalweave.records.people import practice_table
from evalweave.study.periods import period_number
from evalweave.tables.contract import DATE, TEXT, WHOLE
from evalweave.tables.people import COHORT
from evalweave.tables.records import LEDGER
from evalweave.vocabulary.ethnicity import read_groups, white

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.stages import CohortSettings

STAGE = "cohort"


@dataclass(frozen=True)
class Built:
    """What the cohort stage makes. `cohort` and `membership` stay with the engine: a national one
    does not fit twice."""

    cohort: ir.Table
    membership: ir.Table
    baseline: pd.DataFrame
    balance: pd.DataFrame
    incidence: pd.DataFrame
    ledger: pd.DataFrame
    sizes: pd.DataFrame  # one row an arm: arm, n_patients, n_practices, n_moved


def build(
    backend: Any, clean: dict[str, ir.Table], practices: pd.DataFrame, settings: CohortSettings
) -> Built:
    """Build the cohort from the clean tables; raise `DataError` when an arm cannot be compared."""
    known_practices = engine.keep(backend, "practices", practice_table(practices, None))
    judged = eligibility.judge(
        clean["patients"],
        clean["registrations"],
        clean["conditions"],
        known_practices,
        settings.eligibility,
        settings.window,
        settings.cleaning,
    )
    judged = engine.keep(backend, "judged_people", judged, large=True)
    eligible = judged.filter(judged.reason.isnull())
    followed = follow_up.censored(
        eligible, clean["registrations"], known_practices, settings.exposure, settings.window
    )
    people = eligible.inner_join(followed, "patient_id")
    people = engine.keep(backend, "eligible", people, large=True)
    counts = judged.group_by("arm", "reason").aggregate(n=judged.count())
    ledger = _ledger(backend.to_pyarrow(counts).to_pylist(), settings)
    comparisons.check_practices(backend, people, practices, settings)
    before = baseline.outcomes_before(clean["measurements"], people, settings)
    cohort = _cohort(backend, people, practices, settings).left_join(before, "patient_id")
    cohort = cohort.drop("patient_id_right").order_by("patient_id")
    cohort = engine.keep(backend, "cohort", cohort, large=True)
    members = comparisons.membership(cohort, clean["conditions"], practices, settings)
    members = engine.keep(backend, "membership", members, large=True)
    comparisons.check_arms(backend, cohort, members, settings.comparisons)
    weights, baselines, balances = {}, [], []
    for name, group in settings.comparisons.items():
        patients = _members(backend, cohort, members, name)
        baselines.append(baseline.lines(name, patients, list(settings.outcomes)))
        if group.balance != "none":
            weights[name] = weighting.weights(name, group, patients)
            balances.append(balance.lines(name, group, patients, weights[name], baselines[-1]))
    return Built(
        cohort=cohort,
        membership=weighting.weighted(members, weights),
        baseline=baseline.table(baselines),
        balance=balance.table(balances),
        incidence=incidence.table(backend, clean, known_practices, cohort, settings),
        ledger=ledger,
        sizes=_sizes(backend, people),
    )


def _sizes(backend: Any, people: ir.Table) -> pd.DataFrame:
    """Return arm, n_patients, n_practices and n_moved."""
    sizes = people.group_by("arm").aggregate(
        n_patients=people.count(),
        n_practices=people.practice_id.nunique(),
        n_moved=people.moved.sum(),
    )
    return backend.to_pyarrow(sizes).to_pandas()


def _members(backend: Any, cohort: ir.Table, membership: ir.Table, comparison: str) -> pd.DataFrame:
    """Return what is known of a comparison's patients at the index date, in their order, with their
    arm and without who they are."""
    here = membership.filter(membership.comparison == comparison).select("patient_id", "arm")
    known = cohort.drop("arm", *[name for name, kind in cohort.schema().items() if kind.is_date()])
    people = (
        here.inner_join(known, "patient_id")
        .order_by("patient_id")
        .drop("patient_id", "first_treated")
    )
    words = [name for name, kind in people.schema().items() if kind.is_string()]
    return backend.to_pyarrow(people).to_pandas(categories=words)


def _cohort(
    backend: Any, people: ir.Table, practices: pd.DataFrame, settings: CohortSettings
) -> ir.Table:
    """Return COHORT, not sorted yet: the eligible with their practice's start and their groups."""
    labels = backend.to_pyarrow(people.select("ethnicity").distinct())["ethnicity"].to_pylist()
    groups = read_groups(filter(None, labels), settings.vocabulary.ethnic_groups)
    known = ibis.memtable(
        pa.table(
            {
                "ethnicity": pa.array(groups, pa.string()),
                "white": pa.array(map(white, groups.values()), pa.int64()),
            }
        )
    )
    n = people.group_by("n_conditions").aggregate(n=people.count())
    median = _median(backend.to_pyarrow(n).to_pylist())
    p = people.left_join(known, "ethnicity").drop("ethnicity_right")
    p = p.left_join(_starts(practices, settings), "practice_id").drop("practice_id_right")
    p = p.mutate(
        ethnicity=p.ethnicity.fill_null("unknown"),
        fewer_conditions=(p.n_conditions <= median).cast("int64"),
    )
    kinds = {TEXT: "string", DATE: "date", WHOLE: "int64"}
    return p.select(
        **{column.name: p[column.name].cast(kinds[column.type]) for column in COHORT.columns}
    )


def _starts(practices: pd.DataFrame, settings: CohortSettings) -> ir.Table:
    """Return practice_id, programme_start and first_treated, the period that contains it."""
    starts = [None if pd.isna(day) else day for day in practices["programme_start"]]
    first = [None if day is None else period_number(day, settings.window.cut) for day in starts]
    return ibis.memtable(
        pa.table(
            {
                "practice_id": pa.array(practices["practice_id"], pa.string()),
                "programme_start": pa.array(starts, pa.date32()),
                "first_treated": pa.array(first, pa.int64()),
            }
        )
    )


def _median(counts: list[dict[str, int]]) -> float:
    """Return the median of n_conditions, given how many people have how many."""
    total = sum(row["n"] for row in counts)
    middle = []
    for rank in ((total - 1) // 2, total // 2):
        passed = 0
        for row in sorted(counts, key=lambda row: row["n_conditions"]):
            passed += row["n"]
            if passed > rank:
                middle.append(row["n_conditions"])
                break
    return sum(middle) / 2 if middle else 0


def _ledger(counts: list[dict[str, Any]], settings: CohortSettings) -> pd.DataFrame:
    """Return LEDGER of patients: eligible or not, one reason each, by arm."""
    from evalweave.ledger import KEPT, RECEIVED, SET_ASIDE, check

    reasons = dict(enumerate(eligibility.reasons(settings.eligibility), start=1))
    lines = []
    for row in counts:
        place = {"stage": STAGE, "unit": "patients", "arm": row["arm"], "n": row["n"]}
        received = {"entry": RECEIVED, "order": 0, "rule": "", "reason": "received from clean"}
        line = {"entry": KEPT, "order": 0, "rule": "", "reason": "eligible"}
        if row["reason"] is not None:
            reason = reasons[row["reason"]]
            line = {
                "entry": SET_ASIDE,
                "order": row["reason"],
                "rule": reason.name,
                "reason": reason.words,
            }
        lines += [{**place, **received}, {**place, **line}]
    keys = ["stage", "unit", "entry", "order", "rule", "reason", "arm"]
    frame = pd.DataFrame(lines).groupby(keys, dropna=False)["n"].sum().reset_index()
    frame["_entry"] = frame["entry"].map({RECEIVED: 0, KEPT: 1, SET_ASIDE: 2})
    frame = frame.sort_values(["_entry", "order", "arm"], na_position="last").drop(columns="_entry")
    frame = LEDGER.conform(frame)
    check(frame)
    return frame
