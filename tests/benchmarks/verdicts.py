"""False alarms and false comfort of the report's checks, by simulation.

    python tests/benchmarks/verdicts.py --panels 200

Panels as in coverage.py (24 practices, 13 of them treated; 11 comparison practices in two areas, of
which the first is the main group), with a placebo outcome of the same kind without any effect. Once
with parallel trends; once with a drift of the treated practices that amounts to the whole effect by
the middle of the time after the start. Counted: panels in which any check speaks against, and in
which the check of the paths before the start supports. Simulated data; seeds by panel.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import coverage
import numpy as np
import pandas as pd

from evalweave import fitting
from evalweave.measured import measured_effect
from evalweave.release.disclosure import profile
from evalweave.report.checks import checks
from evalweave.report.checks.evidence import AGAINST, SUPPORTS
from evalweave.report.data import ReportData
from evalweave.report.verdict import verdict
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES

DESIGN = coverage.Design(24, 13)
DRIFT = 0.25  # a period; the middles before and after the start lie four periods apart
COLUMNS = {
    "unit": "patient_id",
    "period": "period",
    "cluster": "practice_id",
    "first_treated": "first_treated",
}
ANALYSES: list[dict[str, Any]] = [
    {"name": "main", "estimator": "twfe", "outcome": "hba1c", "primary": True},
    {"name": "paths", "estimator": "event_study", "outcome": "hba1c"},
    {"name": "other", "estimator": "twfe", "outcome": "hba1c", "comparison": "second"},
    {"name": "placebo", "estimator": "twfe", "outcome": "sbp"},
]
STUDY = Study.model_validate(
    {
        "study": {"name": "simulated", "title": "Simulated", "synthetic": True},
        "extract": {"path": "extract"},
        "practices": "practices.csv",
        "codelists": {"hba1c": "hba1c.csv", "sbp": "sbp.csv"},
        "window": {"first": "2011-04-01", "last": "2019-03-31"},
        "eligibility": {"index_date": "2015-04-01", "conditions": []},
        "comparisons": {
            "first": {"primary": True, "areas": ["first"]},
            "second": {"areas": ["second"]},
        },
        "outcomes": {
            "hba1c": {"unit": "mmol/mol", "plausible": [20, 195]},
            "sbp": {"unit": "mmHg", "plausible": [60, 260], "placebo": True, "margin": 3},
        },
        "analyses": ANALYSES,
        "disclosure": "none",
    }
)


def panel(random: np.random.Generator, drift: float) -> pd.DataFrame:
    """Return a panel with columns hba1c, sbp, measured and area (first or second)."""
    frame, _ = coverage.simulate(random, DESIGN)
    placebo, _ = coverage.simulate(random, DESIGN)
    treated = np.isfinite(frame["first_treated"])
    frame = frame.rename(columns={"y": "hba1c"})
    frame["hba1c"] += drift * frame["period"] * treated
    # Another simulation's outcome of the same practice, patient by patient, its effect taken away.
    own = placebo["y"] + (placebo["period"] >= placebo["first_treated"])
    other = own.groupby([placebo["practice_id"], placebo["period"]]).mean().rename("sbp")
    frame = frame.join(other, on=["practice_id", "period"])
    frame["sbp"] += coverage.NOISE_SD * random.normal(size=len(frame))
    comparison = np.sort(frame.loc[~treated, "practice_id"].unique())
    second = frame["practice_id"].isin(random.permutation(comparison)[: len(comparison) // 2])
    return frame.assign(second=second & ~treated, first=~second & ~treated, treated=treated)


def report_data(frame: pd.DataFrame) -> ReportData:
    """Return what the checks read, from fits of one simulated panel."""
    rows, diagnostics = [], {}
    for said in ANALYSES:
        group = said.get("comparison", "first")
        part = frame[frame["treated"] | frame[group]]
        spec = FitSpec(
            columns=Columns.model_validate({**COLUMNS, "outcome": said["outcome"]}),
            analyses=[
                AnalysisOptions.model_validate(
                    {"name": said["name"], "estimator": said["estimator"], "draws": 999}
                )
            ],
        )
        found = fitting.fit(part, spec)
        unit = "mmHg" if said["outcome"] == "sbp" else "mmol/mol"
        rows += [{**row, "outcome_unit": unit, "outcome": said["outcome"]} for row in found.rows]
        diagnostics[said["name"]] = dict(found.diagnostics[said["name"]])
    diagnostics["main"]["measured_did"] = _measured(frame[frame["treated"] | frame["first"]])
    return ReportData(
        STUDY,
        profile("none", 3),
        ESTIMATES.conform(pd.DataFrame(rows)),
        diagnostics,
        trends={"first": _trends()},
    )


def _trends() -> pd.DataFrame:
    """Only the periods are read."""
    return pd.DataFrame(
        {"outcome": "hba1c", "arm": "programme", "period": range(coverage.PERIODS), "mean": 58.0}
    ).assign(n_patients=1, n_eligible=1)


def _measured(frame: pd.DataFrame) -> dict[str, object]:
    """Return the difference in differences on being measured, of everybody in every period."""
    people = frame.drop_duplicates("patient_id")[["patient_id", "practice_id", "first_treated"]]
    whole = people.merge(pd.DataFrame({"period": range(coverage.PERIODS)}), how="cross")
    seen = frame[["patient_id", "period"]].assign(measured=1)
    whole = whole.merge(seen, how="left", on=["patient_id", "period"]).fillna({"measured": 0})
    columns = Columns.model_validate({**COLUMNS, "outcome": "measured"})
    return measured_effect(whole.astype({"measured": "int64"}), columns, "measured")


def main() -> None:
    """Print, for both cases, how often each check says what."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--panels", type=int, default=200)
    n = asked.parse_args().panels
    for case, drift in (("parallel trends", 0.0), (f"a drift of {DRIFT} a period", DRIFT)):
        states: dict[str, Counter[str]] = {}
        words: Counter[str] = Counter()
        alarms = comfort = 0
        for place in range(n):
            data = report_data(panel(np.random.default_rng([2015, place]), drift))
            judged = checks(data)
            for one in judged:
                states.setdefault(one.finding.key, Counter())[one.state] += 1
            alarms += any(one.state == AGAINST for one in judged)
            comfort += any(
                one.finding.key == "pre_trends" and one.state == SUPPORTS for one in judged
            )
            words[verdict(data).word] += 1
        print(f"\n{case}, {n} panels (Monte-Carlo error of 5 %: {100 * (0.0475 / n) ** 0.5:.1f})")
        print(f"  any check speaks against: {100 * alarms / n:.1f} %")
        print(f"  the paths before the start support: {100 * comfort / n:.1f} %")
        for key, counts in states.items():
            print(f"  {key:18s} " + ", ".join(f"{state} {m}" for state, m in counts.items()))
        print("  called: " + ", ".join(f"{word} {m}" for word, m in words.items()))


if __name__ == "__main__":
    main()
