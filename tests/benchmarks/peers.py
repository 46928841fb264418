"""Time and memory of evalweave beside pyfixest, linearmodels, csdid and diff-diff, on the same
simulated panels.

Each contestant runs in a process of its own, one after the other; what is timed is the estimate
alone, from a pandas frame to errors (no imports, no reading), after a small warm-up panel so that
just-in-time compilers have compiled. Memory is the peak of the process, and what the estimate added
to it. Only ratios mean anything; on a busy machine those of processor time are the steadier.

    uv venv PEERS && uv pip install --python PEERS/bin/python csdid diff-diff pyfixest linearmodels
    python tests/benchmarks/peers.py --peers PEERS/bin/python
    python tests/benchmarks/peers.py --growth               # ours at 250,000, 500,000 and 1,000,000
    patients

Simulated: N patients × 16 quarters in 40 practices, six start dates and never, a covariate that
moves trends.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

QUARTERS = 16
PRACTICES = 40
STARTS = np.array([0, 4, 6, 8, 10, 12, 14])  # 0 = never
DRAWS = 999
WARM_UP = 2_000


def simulate(patients: int, seen: float, seed: int = 1) -> pd.DataFrame:
    """One row a patient and quarter; `seen` of the rows remain. Simulated data."""
    random = np.random.default_rng(seed)
    practice = random.integers(0, PRACTICES, patients)
    start = STARTS[np.arange(PRACTICES) % len(STARTS)][practice]
    x = random.normal(size=patients) + 0.2 * (start == 0)
    quarter = np.arange(1, QUARTERS + 1)
    treated = (start[:, None] > 0) & (quarter >= start[:, None])
    shock = 0.1 * random.normal(size=(PRACTICES, QUARTERS))
    y = (
        random.normal(size=(patients, 1))
        + 0.1 * x[:, None] * quarter
        + shock[practice]
        - 0.5 * treated
    )
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(patients), QUARTERS),
            "quarter": np.tile(quarter, patients),
            "y": (y + random.normal(size=y.shape)).ravel(),
            "start": np.repeat(start, QUARTERS),
            "practice": np.repeat(practice, QUARTERS),
            "x": np.repeat(x, QUARTERS),
        }
    )
    frame["treated"] = treated.ravel().astype(float)
    if seen < 1:
        frame = frame[random.random(len(frame)) < seen].reset_index(drop=True)
    return frame


def ours_twfe(frame: pd.DataFrame, balanced: bool) -> float:
    import evalweave

    table = evalweave.twfe(
        frame,
        outcome="y",
        unit="unit",
        period="quarter",
        cluster="practice",
        first_treated="start",
        inference=["cr1", "cr2", "cr3", "jackknife", "wild_bootstrap"],
        draws=9999,
        diagnostics=False,
    ).tidy()
    return float(table["estimate"].iloc[0])


def ours_cs(frame: pd.DataFrame, balanced: bool) -> float:
    """On the unbalanced panel the estimand of the peers: repeated cross-sections."""
    return _ours_cs(frame, "balanced" if balanced else "repeated_cross_section")


def ours_cs_pairwise(frame: pd.DataFrame, balanced: bool) -> float:
    return _ours_cs(frame, "pairwise")


def ours_cs_jackknife(frame: pd.DataFrame, balanced: bool) -> float:
    """The practice jackknife, every practice left out and everything estimated again."""
    return _ours_cs(
        frame, "balanced" if balanced else "repeated_cross_section", ["jackknife"], "pointwise"
    )


def ours_imputation(frame: pd.DataFrame, balanced: bool) -> float:
    import evalweave

    table = evalweave.imputation(
        frame,
        outcome="y",
        unit="unit",
        period="quarter",
        cluster="practice",
        first_treated="start",
        inference=["cr1"],
        diagnostics=False,
    ).tidy()
    return float(table.set_index("term").loc["att", "estimate"])


def _ours_cs(
    frame: pd.DataFrame,
    unbalanced: str,
    inference: Sequence[str] = ("multiplier_bootstrap",),
    bands: str = "simultaneous",
) -> float:
    import evalweave

    table = evalweave.callaway_santanna(
        frame,
        outcome="y",
        unit="unit",
        period="quarter",
        cluster="practice",
        first_treated="start",
        covariates=["x"],
        inference=list(inference),
        bands=bands,
        draws=DRAWS,
        diagnostics=False,
        unbalanced=unbalanced,
    ).tidy()
    return float(table.set_index("term").loc["simple", "estimate"])


def pyfixest(frame: pd.DataFrame, balanced: bool) -> float:
    import pyfixest as pf

    fit = pf.feols("y ~ treated | unit + quarter", data=frame, vcov={"CRV1": "practice"})
    return float(fit.tidy()["Estimate"].iloc[0])


def linearmodels(frame: pd.DataFrame, balanced: bool) -> float:
    from linearmodels.panel import PanelOLS

    panel = frame.set_index(["unit", "quarter"])
    model = PanelOLS(
        panel["y"], panel[["treated"]], entity_effects=True, time_effects=True, singletons=True
    )
    return float(model.fit(cov_type="clustered", clusters=panel["practice"]).params["treated"])


def csdid(frame: pd.DataFrame, balanced: bool) -> float:
    from csdid.att_gt import ATTgt

    model = ATTgt(
        yname="y",
        tname="quarter",
        idname="unit",
        gname="start",
        data=frame,
        control_group="nevertreated",
        xformla="y~x",
        panel=True,
        allow_unbalanced_panel=not balanced,
        clustervar="practice",
        biters=DRAWS,
        cband=True,
    ).fit(est_method="dr", bstrap=True)
    simple = None
    for kind in ("simple", "group", "dynamic", "calendar"):
        model.aggte(typec=kind)
        if kind == "simple":
            simple = model.atte["overall_att"]
    return float(np.asarray(simple).ravel()[0])


def diff_diff(frame: pd.DataFrame, balanced: bool) -> float:
    from diff_diff import CallawaySantAnna

    model = CallawaySantAnna(
        control_group="never_treated",
        estimation_method="dr",
        cluster="practice",
        n_bootstrap=DRAWS,
        seed=1,
        allow_unbalanced_panel=not balanced,
    )
    found = model.fit(frame, "y", "unit", "quarter", "start", covariates=["x"], aggregate="all")
    return float(found.overall_att)


CONTESTANTS: dict[str, tuple[str, Callable[[pd.DataFrame, bool], float]]] = {
    "evalweave (cr1 cr2 cr3 jackknife 9,999 wild)": ("twfe", ours_twfe),
    "pyfixest (CRV1)": ("twfe", pyfixest),
    "linearmodels (clustered)": ("twfe", linearmodels),
    "evalweave (all averages, 999 draws)": ("cs", ours_cs),
    "evalweave (the same, pairwise: its default)": ("cs", ours_cs_pairwise),
    "evalweave (practice jackknife)": ("cs", ours_cs_jackknife),
    "csdid": ("cs", csdid),
    "diff-diff": ("cs", diff_diff),
    "evalweave imputation": ("imputation", ours_imputation),
}


def work(name: str, patients: int, seen: float) -> None:
    """The child: simulate, warm up, estimate; print one JSON line."""
    warnings.simplefilter("ignore")
    run = CONTESTANTS[name][1]
    run(simulate(WARM_UP, seen, seed=2), seen == 1)
    frame = simulate(patients, seen)
    before = _peak()
    start, busy = time.perf_counter(), time.process_time()
    estimate = run(frame, seen == 1)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    found = {
        "seconds": seconds,
        "cpu": cpu,
        "peak": _peak(),
        "added": _peak() - before,
        "estimate": estimate,
    }
    print("RESULT", json.dumps(found))


def _peak() -> float:
    """Peak resident memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(python: str, name: str, patients: int, seen: float) -> dict[str, Any]:
    command = [
        _interpreter(python),
        str(Path(__file__).resolve()),
        "--work",
        name,
        "--patients",
        str(patients),
        "--seen",
        str(seen),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")  # all of them; as `evalweave fit` does
    with tempfile.TemporaryDirectory() as away:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=away, env=environment, check=False
        )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return dict(json.loads(line.removeprefix("RESULT ")))
    reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
    return {"error": reason[:110]}


def _interpreter(given: str) -> str:
    """Return the interpreter's path from anywhere; a link stays a link, by which it knows its
    environment. A bare name is looked for as a shell does."""
    found = shutil.which(given) if os.path.basename(given) == given else given  # noqa: PTH119
    return os.path.abspath(found or given)  # noqa: PTH100


def table(rows: list[tuple[str, dict[str, Any]]], ours: dict[str, Any]) -> None:
    """Print one row a contestant; × are times ours, of elapsed and of processor time (all
    cores)."""
    print(
        f"{'':46}{'seconds':>9}{'×':>7}{'cpu':>9}{'×':>7}"
        f"{'peak MB':>9}{'added MB':>10}{'estimate':>12}"
    )
    for name, row in rows:
        if "error" in row:
            print(f"{name:46}  {row['error']}")
            continue
        wall, cpu = (
            f"{row[key] / ours[key]:.1f}" if key in ours else "" for key in ("seconds", "cpu")
        )
        print(
            f"{name:46}{row['seconds']:9.2f}{wall:>7}{row['cpu']:9.2f}{cpu:>7}{row['peak']:9.0f}"
            f"{row['added']:10.0f}{row['estimate']:12.6f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="interpreter of an environment with the peers installed")
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--seen", type=float, help="share of rows seen; default both 1 and 0.8")
    parser.add_argument(
        "--growth", action="store_true", help="ours alone at 250,000, 500,000 and 1,000,000"
    )
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.patients, given.seen)
        return
    if given.growth:
        for patients in (250_000, 500_000, 1_000_000):
            print(f"\n{patients:,} patients × {QUARTERS} quarters (simulated), 80 % seen")
            rows = [
                (n, measure(sys.executable, n, patients, 0.8))
                for n in CONTESTANTS
                if n.startswith("evalweave")
            ]
            table(rows, {})
        return
    for seen in [given.seen] if given.seen else [1.0, 0.8]:
        for kind, title in (
            ("twfe", "Two-way fixed effects"),
            ("cs", "Callaway–Sant'Anna, doubly robust, a covariate"),
            ("imputation", "Imputation"),
        ):
            print(
                f"\n{title}: {given.patients:,} patients × {QUARTERS} quarters (simulated), "
                f"{seen:.0%} seen"
            )
            rows = []
            for name, (of, _) in CONTESTANTS.items():
                if of == kind:
                    python = sys.executable if name.startswith("evalweave") else given.peers
                    if python:
                        rows.append((name, measure(python, name, given.patients, seen)))
            table(rows, rows[0][1])


if __name__ == "__main__":
    main()
