"""Plants one fault at a time into a copy of the project and asks whether the tests notice.

    uv run python tests/mutation                     all faults, two at a time
    uv run python tests/mutation --only honest       those whose name or file holds this text
    uv run python tests/mutation --check             only: does each fault still fit the code?

A fault is an entry of `faults/*.toml`: the file, the text that stands there once, what stands there
instead, and the test files that ought to notice. Those run first and stop at the first failure; a
fault that they let live is then put to the whole suite (unless --quick). Prints a table; the exit
code is 1 if any fault lives or no longer fits.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from asking import fails

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMIT = 300  # seconds for the named tests: a fault that makes them hang is noticed
WHOLE = 1800  # seconds for the whole suite


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes:
        name: room and what goes wrong, unique.
        file: below `src/evalweave`, or from the root when it begins with `./`.
        old: text that stands in the file exactly once.
        new: what stands there instead.
        tests: test files or nodes, from `tests/`, that ought to notice.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, from the project's root."""
        return Path(self.file) if self.file.startswith("./") else Path("src/evalweave", self.file)

    def misfit(self) -> str:
        """Return why the fault cannot be planted, or nothing."""
        if not (ROOT / self.path).is_file():
            return f"there is no {self.path}"
        times = (ROOT / self.path).read_text(encoding="utf-8").count(self.old)
        if times != 1:
            return f"its text stands {times} times in {self.path}"
        absent = [
            test for test in self.tests if not (ROOT / "tests" / test.split("::")[0]).exists()
        ]
        return f"there is no tests/{absent[0]}" if absent else ""


def faults(only: str = "") -> list[Fault]:
    """Return the declared faults, in the order of their files."""
    listed = []
    for path in sorted((HERE / "faults").glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]:
            entry["name"] = f"{path.stem}: {entry['name']}"
            listed.append(Fault(**{**entry, "tests": tuple(entry["tests"])}))
    names = [fault.name for fault in listed]
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        sys.exit(f"These names stand twice: {', '.join(again)}")
    return [fault for fault in listed if only in fault.name or only in fault.file]


def copied(folder: Path) -> Path:
    """Copy what git tracks into `folder` and return it."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, tracked)):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def planted(fault: Fault, folder: Path) -> Path:
    """Copy what git tracks into `folder`, with the fault planted, and return the copy."""
    target = copied(folder) / fault.path
    text = target.read_text(encoding="utf-8").replace(fault.old, fault.new)
    target.write_text(text, encoding="utf-8")
    return folder


def verdict(fault: Fault, quick: bool) -> tuple[str, float]:
    """Return `killed`, `killed by the whole suite` or `LIVES`, and the seconds that it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fault-") as scratch:
        copy = planted(fault, Path(scratch))
        chosen = [f"tests/{test}" for test in fault.tests]
        outcome = "LIVES"
        if fails(copy, ["-n", "0", *chosen], LIMIT):
            outcome = "killed"
        elif not quick and fails(copy, ["-n", "2", "tests"], WHOLE):
            outcome = "killed by the whole suite"
    return outcome, time.monotonic() - began


def baseline(chosen: list[Fault]) -> None:
    """Stop where a named test fails without any fault: it would kill everything."""
    tests = sorted({f"tests/{test}" for fault in chosen for test in fault.tests})
    with tempfile.TemporaryDirectory(prefix="fault-") as scratch:
        if tests and fails(copied(Path(scratch)), ["-n", "2", *tests], WHOLE):
            sys.exit("The named tests fail without any fault; mend that first.")


def main() -> int:
    """Plant the faults and print the table."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ask.add_argument("--only", default="", help="faults whose name or file holds this text")
    ask.add_argument("--check", action="store_true", help="only see whether every fault still fits")
    ask.add_argument("--quick", action="store_true", help="ask the named tests only")
    ask.add_argument("--jobs", type=int, default=2, help="faults at a time (default 2)")
    options = ask.parse_args()
    chosen = faults(options.only)
    misfits = {fault.name: why for fault in chosen if (why := fault.misfit())}
    for name, why in misfits.items():
        print(f"does not fit  {name}: {why}")
    if options.check:
        print(f"{len(chosen) - len(misfits)} of {len(chosen)} faults fit the code")
        return 1 if misfits else 0
    fitting = [fault for fault in chosen if fault.name not in misfits]
    baseline(fitting)
    killed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = pool.map(lambda fault: verdict(fault, options.quick), fitting)
        for fault, (outcome, seconds) in zip(fitting, verdicts, strict=True):
            killed += outcome != "LIVES"
            print(f"{outcome:<26}{seconds:6.1f} s  {fault.name}", flush=True)
    print(f"{killed} of {len(chosen)} killed")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
