"""Time and memory of evalweave from extract to panel, beside the same job as one DuckDB script and
in polars.

The same simulated extract, as CPRD Aurum text and as typed Parquet, goes through evalweave's stages
on the command line, through by_hand.py (DuckDB) and through in_polars.py. Each process is measured
by itself (os.wait4), one after the other: wall, processor time (user and system) and peak resident
memory; ours are the stages' sums, and the peak of the largest. Then the three panels are compared:
the same rows, and the same values within 1e-9.

by_hand.py and in_polars.py know this extract and leave out what it does not need: overlapping
spells, mergers, other formats, checksums, faults of files; nor do they write baselines, balance,
trends or a ledger of the cohort. Their Parquet is read where it lies, whereas ours is ingested
first, hence the row "ours, from ingested parts"; for text that row flatters ours, because
by_hand.py's time has the parsing in it. They are allowed different memory: by_hand.py limits DuckDB
to 1 GB, polars has no limit, ours takes EVALWEAVE_MEMORY_LIMIT.

Only ratios mean anything; on a busy machine those of processor time are the steadier.

    uv venv PEERS && uv pip install --python PEERS/bin/python polars duckdb pyarrow
    python tests/benchmarks/records --observations 50000000 --folder /some/dir --peers
    PEERS/bin/python python tests/benchmarks/records --folder /some/dir --kinds parquet --growth
    5000000 50000000

An extract that is already in the folder (or in its sub-folder named by the size) is used again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = ("patients", "registrations", "events")
BY_HAND, POLARS = "by hand (DuckDB)", "polars (streaming)"
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Cost:
    """What a process, or several in turn, took: seconds, processor seconds, peak MB."""

    wall: float
    cpu: float
    peak: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


class Failed(Exception):
    """A process ended with an error; says which and with what last line."""


def measured(command: list[str]) -> Cost:
    """Run one process; what it and the children it waited for took.

    A child's peak starts at that of the process which starts it, so this one imports neither DuckDB
    nor pandas.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    os.sync()  # what the one before left to be written
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = (said.read().strip().splitlines() or ["no output"])[-1]
            raise Failed(f"{' '.join(command[1:4])} ended with {process.returncode}: {last[:200]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def total(costs: list[Cost]) -> Cost:
    found = Cost(0, 0, 0)
    for cost in costs:
        found += cost
    return found


def ours(extract: Path, kind: str, out: Path) -> dict[str, Cost]:
    """The stages of `evalweave run` up to the panel, by the command line."""
    settings = ["--settings", str(extract / f"{kind}.yaml")]
    ingested, cleaned, cohort = (str(out / name) for name in ("ingest", "clean", "cohort"))
    stages = {f"ingest {name}": ["ingest", "--table", name, "--out", ingested] for name in TABLES}
    stages["clean"] = ["clean", "--ingested", ingested, "--out", cleaned]
    stages["cohort"] = ["cohort", "--cleaned", cleaned, "--out", cohort]
    stages["panel"] = ["panel", "--comparison", "without", "--cleaned", cleaned, "--cohort", cohort]
    stages["panel"] += ["--out", str(out / "panel")]
    return {
        name: measured([sys.executable, "-m", "evalweave", *command, *settings])
        for name, command in stages.items()
    }


def script(python: str, name: str, extract: Path, kind: str, out: Path) -> Cost:
    return measured([python, str(HERE / name), str(extract), kind, str(out)])


def compared(work: list[str]) -> None:
    """The child: is the second panel the first? One JSON line: rows of both, and rows that differ
    by column."""
    import duckdb

    first, second = work
    values, exact = (
        ("hba1c", "systolic_bp"),
        ("practice_id", "first_treated", "n_hba1c", "n_systolic_bp"),
    )
    off = {name: f"a.{name} IS DISTINCT FROM b.{name}" for name in exact}
    for name in values:
        off[name] = (
            f"((a.{name} IS NULL) <> (b.{name} IS NULL) OR coalesce(abs(a.{name} - b.{name}) > "
            f"{TOLERANCE}, false))"
        )
    off["rows"] = "a.patient_id IS NULL OR b.patient_id IS NULL"
    counts = ", ".join(f"count(*) FILTER ({rule})" for rule in off.values())
    db = duckdb.connect()
    db.execute("SET enable_progress_bar = false; SET memory_limit = '4GB'")
    found = db.execute(f"""SELECT (SELECT count(*) FROM '{first}'), (SELECT count(*)
        FROM '{second}'), {counts}
        FROM '{first}' a FULL JOIN '{second}' b ON a.patient_id = b.patient_id
            AND a.period = b.period""").fetchall()[0]
    differ = {name: n for name, n in zip(off, found[2:], strict=True) if n}
    print(json.dumps({"rows": found[:2], "differ": differ}))


def same(first: Path, second: Path, name: str) -> bool:
    """Say whether the panel of `name` is ours."""
    command = [sys.executable, str(HERE), "--compare", str(first), str(second)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    mine, theirs = found["rows"]
    if mine == theirs and not found["differ"]:
        print(f"Panel of {name}: the same as ours, {mine:,} rows, values within {TOLERANCE:g}.")
        return True
    parts = ", ".join(f"{column} in {n:,}" for column, n in found["differ"].items())
    print(f"Panel of {name}: NOT ours; {theirs:,} rows, ours {mine:,}; different: {parts}.")
    return False


def place(folder: Path, observations: int, alone: bool) -> Path:
    """The folder of the extract of this size: the folder itself if it holds it or may, else a
    sub-folder."""
    made = folder / "made.json"
    if made.is_file():
        return (
            folder
            if json.loads(made.read_text())["observations"] == observations
            else folder / str(observations)
        )
    return folder if alone else folder / str(observations)


def make(extract: Path, observations: int) -> None:
    """simulated.make in a process of its own; says nothing if it is made already."""
    if not (extract / "made.json").is_file():
        print(f"Making {observations:,} observations in {extract} …", flush=True)
    subprocess.run(
        [sys.executable, str(HERE), "--make", str(extract), str(observations)], check=True
    )


def warm(folder: Path) -> None:
    """Read every file once, so that the first contestant does not pay for the disk."""
    for path in sorted(folder.iterdir()):
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def contest(extract: Path, kind: str, polars: str | None) -> tuple[list[tuple[str, Cost]], bool]:
    """Run all in turn, print the table; the cost of each contestant, and whether the panels are the
    same."""
    runs = extract / "runs" / kind
    shutil.rmtree(runs, ignore_errors=True)  # evalweave does not read an unchanged file again
    for name in ("ours", "by_hand", "polars"):
        (runs / name).mkdir(parents=True)
    warm(extract / kind)
    stages = ours(extract, kind, runs / "ours")
    rows = [("ours", total(list(stages.values())))]
    rows.append((BY_HAND, script(sys.executable, "by_hand.py", extract, kind, runs / "by_hand")))
    if polars:
        rows.append((POLARS, script(polars, "in_polars.py", extract, kind, runs / "polars")))
    ingest = [cost for name, cost in stages.items() if name.startswith("ingest")]
    rest = [cost for name, cost in stages.items() if not name.startswith("ingest")]
    table(
        [
            *rows,
            *((f"  stage {name}", cost) for name, cost in stages.items()),
            ("ours, ingest", total(ingest)),
            ("ours, from ingested parts", total(rest)),
        ],
        dict(rows)[BY_HAND],
    )
    panel = runs / "ours" / "panel" / "without.parquet"
    others = [("by hand", "by_hand"), ("polars", "polars")][: len(rows) - 1]
    alike = [same(panel, runs / where / "panel.parquet", name) for name, where in others]
    return rows, all(alike)


def table(rows: list[tuple[str, Cost]], by_hand: Cost) -> None:
    """Print one row a contestant or stage; × are times the script by hand, of wall and of processor
    time."""
    print(f"{'':30}{'wall s':>9}{'× by hand':>11}{'CPU s':>9}{'× by hand':>11}{'peak MB':>9}")
    for name, cost in rows:
        stage = name.startswith(" ")
        wall, cpu = (
            ("", "")
            if stage
            else (f"{cost.wall / by_hand.wall:.2f}", f"{cost.cpu / by_hand.cpu:.2f}")
        )
        print(f"{name:30}{cost.wall:9.2f}{wall:>11}{cost.cpu:9.2f}{cpu:>11}{cost.peak:9.0f}")


def growth(kind: str, found: dict[int, list[tuple[str, Cost]]]) -> None:
    """Print rows, CPU and peak of each contestant by size, and last over first."""
    sizes = list(found)
    first, last = sizes[0], sizes[-1]
    print(f"\nGrowth, {kind}: from {first:,} to {last:,} observations")
    print(f"{'':30}{'rows':>14}{'CPU s':>9}{'peak MB':>9}")
    costs = {size: dict(rows) for size, rows in found.items()}
    for name in costs[first]:
        for size in sizes:
            cost = costs[size][name]
            print(f"{name:30}{size:14,}{cost.cpu:9.2f}{cost.peak:9.0f}")
        start, end = costs[first][name], costs[last][name]
        factors = (
            f"×{last / first:.1f}",
            f"×{end.cpu / start.cpu:.1f}",
            f"×{end.peak / start.peak:.1f}",
        )
        print(f"{'  factor':30}{factors[0]:>14}{factors[1]:>9}{factors[2]:>9}")


def with_polars(peers: str | None) -> str | None:
    """An interpreter that has polars and what simulated.py needs; none, said in a sentence, if
    there is none."""
    for python in (sys.executable, peers):
        if python:
            command = [python, "-c", "import polars, duckdb"]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return python
    print(
        "Polars is left out: neither this interpreter nor that of --peers imports polars and "
        "duckdb."
    )
    return None


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="records"
    )
    parser.add_argument("--observations", type=int, default=50_000_000)
    parser.add_argument(
        "--folder", type=Path, help="where the extract is, or is made; outputs in its runs/"
    )
    parser.add_argument(
        "--peers", help="interpreter of an environment with polars and duckdb installed"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=("parquet", "text"), default=["parquet", "text"]
    )
    parser.add_argument(
        "--growth", nargs="+", type=int, help="several sizes instead of --observations"
    )
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--compare", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        import simulated

        simulated.make(Path(given.make[0]), int(given.make[1]))
        return 0
    if given.compare:
        compared(given.compare)
        return 0
    if given.folder is None:
        parser.error("--folder is required")
    folder = given.folder.resolve()
    sizes = sorted(set(given.growth or [given.observations]))
    polars = with_polars(given.peers)
    found: dict[str, dict[int, list[tuple[str, Cost]]]] = {kind: {} for kind in given.kinds}
    alike = True
    for size in sizes:
        extract = place(folder, size, len(sizes) == 1)
        make(extract, size)
        for kind in given.kinds:
            print(f"\n{size:,} observations (simulated), {kind}", flush=True)
            try:
                found[kind][size], agreed = contest(extract, kind, polars)
            except Failed as error:
                print(error)
                return 1
            alike = alike and agreed
    if len(sizes) > 1:
        for kind in given.kinds:
            growth(kind, found[kind])
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
