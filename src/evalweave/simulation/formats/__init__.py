"""The simulated study as other formats write it, so that tests can read one study four ways.

Each module turns the tables that `simulation.written` makes (patients, registrations and events,
all text) into the files of a format: name in the extract's folder → bytes. What a format has no
field for is lost here, as it is in real extracts.
"""

from __future__ import annotations

import csv
import io

import pandas as pd


def numbers(texts: pd.Series) -> dict[str, int]:
    """Return text → 1, 2, … in the order of first appearance; blanks have none."""
    return {text: place for place, text in enumerate(texts[texts != ""].drop_duplicates(), start=1)}


def as_csv(table: pd.DataFrame, separator: str = ",", line_end: str = "\n") -> bytes:
    """Return a table of text as UTF-8 text with a header."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=line_end)
    writer.writerow(table.columns)
    writer.writerows(table.itertuples(index=False))
    return out.getvalue().encode()
