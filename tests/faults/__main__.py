"""Faults that machines have, one after the other, on a small study: what does a run make of them?

    uv run python tests/faults                 every kind of fault, at every stage
    uv run python tests/faults --every         every damage to every single file (hours)
    uv run python tests/faults --only kill     one kind

Bits flip, files are cut off or lost, disk and memory run out, processes are killed. Right are two
outcomes: the same bytes as an undisturbed run, at once; or one sentence without a report, and the
same bytes once the fault is gone. Wrong are a traceback, another byte, half a report, and a
"nothing to be done" over files that are not as they were. Prints a table; exit code 1 where one
outcome is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kinds import KINDS, Case
from small import Study

SAME, SENTENCE, SKIPPED = "same bytes", "one sentence, then same bytes", "skipped"


def outcome(case: Case, study: Study) -> str:
    """Return what came of a case: SAME, SENTENCE, SKIPPED, or what is wrong."""
    study.restore(case.begins)
    if (why := case.inject(study)) is not None:
        return f"{SKIPPED}: {why}"
    code, text = case.run(study)
    case.mend(study)
    wrong = study.wrong(code, text, case.silent)
    if wrong:
        return wrong
    if code == 0:
        return study.differs() or SAME
    code, text = study.run()
    if code != 0:
        return f"the next run fails ({code}): {text.strip().splitlines()[-1]}"
    return study.differs() or SENTENCE


def told(outcomes: list[tuple[Case, str]]) -> Iterator[str]:
    """Yield the table of outcomes, as Markdown."""
    yield "| fault | cases | same bytes | one sentence, then same bytes | skipped | wrong |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind in dict.fromkeys(case.kind for case, _ in outcomes):
        of_kind = Counter(result.split(":")[0] for case, result in outcomes if case.kind == kind)
        right = [of_kind.pop(key, 0) for key in (SAME, SENTENCE, SKIPPED)]
        wrong = of_kind.total()
        cells = [str(n) for n in (sum(right) + wrong, *right, wrong)]
        yield f"| {kind} | {' | '.join(cells)} |"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--every", action="store_true", help="every kind of damage to every file")
    asked.add_argument("--only", metavar="WORD", default="", help="kinds with this word in them")
    asked.add_argument("--folder", type=Path, help="where to work, kept; else a temporary folder")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="evalweave-faults-") as temporary:
        study = Study(given.folder or Path(temporary))
        outcomes = []
        for kind in KINDS:
            for case in kind(study, given.every):
                if given.only in case.kind:
                    outcomes.append((case, outcome(case, study)))
                    print(f"{case.kind}, {case.where}: {outcomes[-1][1]}", file=sys.stderr)
    print("\n".join(told(outcomes)))
    good = (SAME, SENTENCE, SKIPPED)
    return int(any(result.split(":")[0] not in good for _, result in outcomes))


sys.exit(main())
