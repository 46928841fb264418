"""Data quality: did cleaning set aside the same share of records in both arms, before and after the
start?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.report.blocks import plain
from evalweave.report.data import ReportData
from evalweave.report.sections import dirt
from evalweave.tables.records import LEDGER
from helpers.report_results import Made
from helpers.reports import data

COLUMNS = ["arm", "period", "entry", "order", "rule", "reason", "n"]


def lines(
    n_unit: dict[tuple[str, str], int], small: int = 50, received: int = 1000
) -> pd.DataFrame:
    """Return a cleaning ledger: `unit missing` as given by arm and period, `no date` always
    `small`."""
    rows = []
    for (arm, period), n in n_unit.items():
        aside = [(1, "date", "no date", small), (2, "unit", "unit missing", n)]
        rows.append((arm, period, "received", 0, "", "received", received))
        rows += [(arm, period, "set_aside", *each) for each in aside]
        rows.append((arm, period, "kept", 0, "", "kept", received - small - n))
    frame = pd.DataFrame(rows, columns=COLUMNS).assign(stage="clean", unit="records")
    return LEDGER.conform(frame)


def found(folder: Path, ledger: pd.DataFrame, **options: object) -> ReportData:
    made = data(folder, **options)
    object.__setattr__(made, "ledger", ledger)
    return made


N = {
    ("programme", "2013/14"): 100,
    ("programme", "2016/17"): 250,
    ("comparison", "2013/14"): 100,
    ("comparison", "2016/17"): 120,
}


def test_shares_stand_by_reason_and_by_period(tmp_path: Path) -> None:
    heading, said, by_reason, by_period = dirt.blocks(found(tmp_path, lines(N)))
    assert "went from 15.0\u202f% to 30.0\u202f% in programme practices" in said.text
    assert (
        "from 15.0\u202f% to 17.0\u202f% in comparison practices: a difference in change of 13.0 "
        "percentage points" in said.text
    )
    assert "between the arms: “unit missing”." in said.text
    cells = {line.cells[0]: list(line.cells[1:]) for line in by_reason.lines}
    assert cells["No date"] == ["5.0\u202f%"] * 4 + ["0.0"]
    assert cells["Unit missing"] == [
        "10.0\u202f%",
        "25.0\u202f%",
        "10.0\u202f%",
        "12.0\u202f%",
        "13.0",
    ]
    rows = {line.cells[0]: [plain(cell) for cell in line.cells[1:]] for line in by_period.lines}
    assert rows["2016/17"] == ["1,000", "30.0\u202f%", "1,000", "17.0\u202f%", "13.0"]
    assert heading.id == "dirt"


@pytest.mark.parametrize("disclosure", ["nhs_england", "sacro", "opensafely"])
def test_a_share_that_rests_on_few_records_is_not_shown(tmp_path: Path, disclosure: str) -> None:
    n = N | {("comparison", "2016/17"): 3}
    _, _, by_reason, _ = dirt.blocks(found(tmp_path, lines(n), disclosure=disclosure))
    cells = {line.cells[0]: list(line.cells[1:]) for line in by_reason.lines}
    assert cells["Unit missing"][3:] == ["–", "–"]
    if disclosure == "sacro":  # exact: the other reason and the total would give it away
        assert cells["No date"][3] == "–"


def test_without_arms_or_a_side_of_the_start_there_is_no_table(tmp_path: Path) -> None:
    assert (
        dirt.blocks(
            found(tmp_path, lines({key: n for key, n in N.items() if key[0] == "programme"}))
        )
        == []
    )
    assert (
        dirt.blocks(
            found(tmp_path / "b", lines({key: n for key, n in N.items() if key[1] == "2013/14"}))
        )
        == []
    )
    assert dirt.blocks(data(tmp_path / "c", ledger=Made().ledger)) == []
