"""Which row of a text file `source_row` names, and so `set_aside`: as the README and `clean --help`
say."""

from __future__ import annotations

from pathlib import Path

from evalweave import engine


def test_blank_lines_are_not_counted_and_a_line_break_in_quotes_is_one_row(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text('patient_id,code\nP1,a\n\nP2,"b\nc"\nP3,d\n')  # an editor has P3 in line 6
    with engine.working("duckdb", tmp_path) as backend:
        table = engine.text_table(backend, file, ["patient_id", "code"], ",", quoted=True)
        rows = backend.to_pyarrow(table).to_pylist()
    assert [(row["patient_id"], row["source_row"]) for row in rows] == [
        ("P1", 2),
        ("P2", 3),
        ("P3", 4),
    ]
