"""What a run will take: processor time, memory and work files, from the size of the extract.

The rates are rounded from runs of `tests/benchmarks/records` on two cores (5 million observations
as text and as Parquet, 50 million as Parquet); those of analyses and disk are guesses. Read the
answer as an order of magnitude.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from evalweave.study.periods import period_number

if TYPE_CHECKING:
    from evalweave.study.whole import Study

GZIP = 8  # text of records packs 5- to 30-fold
PER_JOB = 2.5  # processor-seconds to start a stage
PER_TEXT_GB = 30.0  # … to read and parse a gigabyte of text
PER_TYPED_ROW = 1.0e-6  # … to copy a row of Parquet
PER_ROW = 2.5e-6  # … to clean a record
PER_PERSON = 25e-6  # … for patients and registrations, in all stages
PER_CELL = 1.5e-6  # … for a patient-period of a panel, and again in every analysis of it
BYTES_PER_CELL = 140  # of memory, in an analysis
WORK_PER_ROW = 60  # bytes on disk while cleaning


def unpacked(path: Path) -> int:
    """Return the size of a file's text in bytes, guessed where it is packed."""
    return path.stat().st_size * (GZIP if path.name.lower().endswith(".gz") else 1)


def expected(study: Study, rows: dict[str, int], text_bytes: int, typed_bytes: int) -> list[str]:
    """Return in a sentence the time, memory and disk that a run is expected to take; none for an
    unread extract.

    `rows` of each table, `text_bytes` and `typed_bytes` of all files.
    """
    records, people = rows.get("events", 0), rows.get("patients", 0)
    if not (records and people):
        return []
    periods = [
        period_number(day, study.window.cut) for day in (study.window.first, study.window.last)
    ]
    cells = min(records, people * (periods[1] - periods[0] + 1))
    panels, analyses = len(study.comparisons), len(study.analyses)
    jobs = 10 + panels + analyses
    typed = text_bytes == 0 or typed_bytes > text_bytes
    seconds = (
        PER_JOB * jobs
        + PER_TEXT_GB * text_bytes / 1e9
        + (PER_TYPED_ROW * records if typed else 0)
        + PER_ROW * records
        + PER_PERSON * people
        + PER_CELL * cells * (panels + analyses)
    )
    cores = os.cpu_count() or 1
    from evalweave.engine.backend import memory

    gigabytes = max(memory() + 0.5, 0.4 + BYTES_PER_CELL * cells / 1e9)
    disk = (typed_bytes + 0.3 * text_bytes + WORK_PER_ROW * records) / 1e9
    return [
        f"a run is expected to take about {_minutes(seconds / (1.5 if cores > 1 else 1))} on this "
        f"machine, {gigabytes:.1f} GB "
        f"of memory at most and {max(disk, 0.1):.1f} GB of disk (a rough guess)"
    ]


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
