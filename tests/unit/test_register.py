"""Releases beside earlier ones: two that differ by one person give nothing of that person."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from evalweave import files
from evalweave.errors import DataError
from evalweave.release import register
from evalweave.release.attack import attack
from evalweave.release.disclosure import profile
from evalweave.release.fingerprints import apart, fingerprints
from evalweave.release.frozen import as_then, frozen, whole
from evalweave.release.protect import protect
from evalweave.release.published import Declared
from evalweave.release.register import Release, printed_before
from evalweave.report.gather import gather
from evalweave.report.released_tables import as_text
from evalweave.study.file import load_study
from evalweave.tables.people import BASELINE
from helpers.report_results import Made, results, study_file

NHS, SACRO = profile("nhs_england"), profile("sacro")


def people(n: int, changed: int = 0, weight: float = 1.0) -> pd.DataFrame:
    """Return the fingerprints of n people of the programme and 100 others."""
    ids = [f"p{i:03d}" for i in range(n)] + [f"q{i:03d}" for i in range(100)]
    arms = ["programme"] * n + ["comparison"] * 100
    membership = pd.DataFrame({"comparison": "all", "patient_id": ids, "arm": arms})
    cohort = pd.DataFrame({"patient_id": ids, "age": [50 + int(i[1:]) % 20 for i in ids]})
    cohort.loc[: changed - 1, "age"] += 1
    panel = pd.DataFrame({"patient_id": ids, "period": 2015, "hba1c": 58.1, "weight": weight})
    return told(membership, cohort, panel)


def told(membership: pd.DataFrame, cohort: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return fingerprints of tables that come in pieces of seven rows."""
    whole = (pa.Table.from_pandas(each, preserve_index=False) for each in (membership, cohort))
    members, known = (table.to_batches(7) for table in whole)
    rows = pa.Table.from_pandas(panel, preserve_index=False).to_batches(7)
    return fingerprints(members, known, {"all": rows})


def test_who_differs_has_left_joined_or_other_values() -> None:
    arm = ("all", "programme")
    assert apart(people(40), people(40))[arm] == 0
    assert apart(people(40), people(41))[arm] == apart(people(41), people(40))[arm] == 1
    assert apart(people(40, changed=3), people(40))[arm] == 3
    assert apart(people(40, weight=0.5), people(40))[arm] == 0  # weights hang on the others


def test_a_blank_in_a_column_changes_only_whose_it_is() -> None:
    """Whole numbers beside a blank are read as floats, or as a type of their own."""
    ids = ["p1", "p2", "p3"]
    membership = pd.DataFrame({"comparison": "all", "patient_id": ids, "arm": "programme"})
    panel = pd.DataFrame({"patient_id": ids, "hba1c": [58.1, 0.0, 60.0], "place": ["a", "b", "c"]})

    def of(ages: pd.Series, last: float = 0.0) -> pd.DataFrame:
        cohort = pd.DataFrame({"patient_id": ids, "age": ages})
        return told(membership, cohort, panel.assign(hba1c=[58.1, last, 60.0]))

    whole = of(pd.Series([50, 60, 70]))
    arm = ("all", "programme")
    for blank in (pd.Series([50, 60, None]), pd.Series([50, 60, None], dtype="Int64")):
        assert apart(whole, of(blank))[arm] == 1
    assert (
        apart(of(pd.Series([50, 60, None])), of(pd.Series([50, 60, pd.NA], dtype="Int64")))[arm]
        == 0
    )
    assert apart(whole, of(pd.Series([50, 60, 70]), -0.0))[arm] == 0


def test_a_fingerprint_is_what_it_was_and_that_of_each_row_in_any_order() -> None:
    """Releases of the past are compared by theirs: one that changes would make others of all."""
    ids = ["p1", "p2"]
    membership = pd.DataFrame({"comparison": "all", "patient_id": ids, "arm": "programme"})
    days = [pd.Timestamp("2015-04-01").date(), None]
    cohort = pd.DataFrame(
        {"patient_id": ids, "age": [50, None], "start": days, "sex": ["male", ""]}
    )
    panel = pd.DataFrame({"patient_id": ids * 9, "period": range(18), "weight": 1.0})
    first = told(membership, cohort, panel)
    assert first["fingerprint"].tolist() == ["17534967147208689673", "13883046356688713645"]
    assert first.equals(told(membership, cohort, panel[::-1]))


def test_who_was_never_measured_changes_nobody_else() -> None:
    """A sum that went through floats would lose the last digits of all."""
    ids = [f"p{i}" for i in range(40)]
    membership = pd.DataFrame({"comparison": "all", "patient_id": ids, "arm": "programme"})
    cohort = pd.DataFrame({"patient_id": ids, "age": 50})
    panel = pd.DataFrame({"patient_id": ids, "period": 2015})
    all_seen, one_not = (told(membership, cohort, rows) for rows in (panel, panel[1:]))
    assert apart(all_seen, one_not) == {("all", "programme"): 1}


def test_an_arm_is_as_it_was_where_few_people_differ() -> None:
    first, second = Release(people(40), {}, {}, name="1"), Release(people(60), {}, {}, name="2")
    earlier = [first, second]
    arm = ("all", "programme")
    assert frozen(people(41), earlier, NHS) == {arm: first}
    assert frozen(people(60, changed=7), earlier, NHS) == {arm: second}
    assert frozen(people(60, changed=8), earlier, NHS) == {}
    assert frozen(people(60, changed=8), earlier, SACRO) == {arm: second}
    assert frozen(people(40), earlier, NHS) == {}  # said before, so nothing is new
    assert whole({arm: first}, people(41)) is first


def lines(programme: dict[str, int], others: dict[str, int], mean: float) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {"variable": "age", "statistic": "mean_sd", "programme": mean, "comparison_value": 60.0},
        *(
            {
                "variable": "ethnicity",
                "category": name,
                "statistic": "n",
                "programme": programme.get(name, 0),
                "comparison_value": others.get(name, 0),
            }
            for name in sorted({*programme, *others})
        ),
    ]
    return BASELINE.conform(pd.DataFrame([{"comparison": "all"} | row for row in rows]))


def test_lines_of_an_arm_are_those_of_then() -> None:
    then = lines({"White": 30, "Asian": 10}, {"White": 100}, 58.0)
    now = lines({"White": 30, "Asian": 10, "Roma": 1}, {"White": 300}, 57.0)
    release = Release(people(40), {"baseline": then}, {}, name="1")
    table = as_then({"baseline": now}, {("all", "programme"): release}, "all")["baseline"]
    assert table["category"].tolist()[1:] == ["Asian", "White"]  # nobody else was there then
    assert table["programme"].tolist() == [58.0, 10, 30]
    assert table["comparison_value"].tolist() == [60.0, 0, 300]


def test_a_change_by_few_is_a_count_as_well() -> None:
    """A practice joins with 60 people, three of them Chinese: beside the earlier table exact
    counts would tell these three."""

    def printed(rules: Any, programme: dict[str, int]) -> dict[str, list[dict[str, str]]]:
        counts = {"patients": sum(programme.values()), **programme}
        rows = [
            {
                "comparison": "all",
                "variable": "patients" if name == "patients" else "ethnicity",
                "category": "" if name == "patients" else name,
                "statistic": "n",
                "programme": rules.count(n).text,
                "comparison_value": "",
            }
            for name, n in counts.items()
        ]
        return {"baseline": rows}

    old, new = {"White": 300, "Chinese": 20, "Asian": 70}, {"White": 340, "Chinese": 23}
    new["Asian"] = 87
    before = printed(SACRO, old)
    found = attack(printed(SACRO, new), SACRO, Declared("all"), [before]).findings
    assert len(found) == 1 and "change since an earlier release" in found[0]
    exact = {("baseline", "all", "programme", "ethnicity", name): n for name, n in old.items()}
    exact[("arm", "all", "programme")] = 390  # type: ignore[index]
    counts = {register.json.dumps(key): (n, str(n)) for key, n in exact.items()}
    release = Release(people(1), {}, counts, before, "1")
    rules = protect(lambda rules: printed(rules, new), SACRO, Declared("all"), [release])
    assert rules.withheld
    assert attack(printed(rules, new), SACRO, Declared("all"), [before]).findings == []


def test_a_count_stays_at_the_multiple_at_which_it_was_printed() -> None:
    release = Release(people(1), {}, {'["a"]': (4752, "4750"), '["b"]': (90, "90")})
    few = NHS.hides
    assert printed_before({("a",): 4753, ("b",): 90}, [release], few) == {4753: 4750, 90: 90}
    assert printed_before({("a",): 4799, ("c",): 1}, [release], few) == {}


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path]:
    """Return study file and results of an invented study with tables of people."""
    file, where = study_file(tmp_path, Made()), results(tmp_path, Made())
    put_people(where, 60)
    return file, where


def put_people(where: Path, n: int) -> None:
    ids = [f"person{i:04d}" for i in range(n)]
    arms = ["programme" if i % 2 else "comparison" for i in range(n)]
    members = pd.DataFrame({"comparison": "all", "patient_id": ids, "arm": arms, "weight": 1.0})
    files.write_parquet(members, where / "cohort" / "membership.parquet")
    files.write_parquet(pd.DataFrame({"patient_id": ids}), where / "cohort" / "cohort.parquet")
    panel = pd.DataFrame({"patient_id": ids, "period": 2015, "hba1c": 50.5, "weight": 1.0})
    files.write_parquet(panel, where / "panel" / "all.parquet")


def release(file: Path, where: Path) -> tuple[dict[str, Any], tuple[str, ...], str | None]:
    """Report and register; return the tables, the releases as which people are described, and the
    new number."""
    data = gather(load_study(file), file, where)
    tables = as_text(data)
    assert data.registered is not None
    register.pend(data.registered, where)
    folder = where.parent / "released"
    for name, rows in tables.items():
        files.write_csv(pd.DataFrame(rows), folder / f"{name}.csv")
    return tables, data.then, register.confirm(folder, where)


def test_two_releases_that_differ_by_one_person(study: tuple[Path, Path]) -> None:
    file, where = study
    first, then, number = release(file, where)
    assert then == () and number == "001"
    assert release(file, where)[1:] == ((), None)  # the same again: no new entry
    for path in (where / "releases").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
    path = where / "cohort" / "baseline.csv"
    put_people(where, 59)  # one has gone, and every mean and count with them
    frame = files.read_table(path, BASELINE)
    for name in ("programme", "comparison_value", "programme_sd", "programme_n", "comparison_n"):
        frame[name] = frame[name] - 1
    files.write_csv(frame, path)
    second, then, number = release(file, where)
    assert then == ("001",) and number is None
    assert {name for name in first if first[name] != second[name]} <= {"estimates"}
    assert attack(second, NHS, Declared("all"), [first]).findings == []
    shutil.rmtree(where / "releases")
    third, then, number = release(file, where)
    assert then == () and number == "001" and third["baseline"] != first["baseline"]


def test_a_damaged_register_is_one_sentence(study: tuple[Path, Path]) -> None:
    file, where = study
    release(file, where)
    (where / "releases" / "001" / "counts.json").write_text("{")
    with pytest.raises(DataError, match=r"counts\.json"):
        gather(load_study(file), file, where)
