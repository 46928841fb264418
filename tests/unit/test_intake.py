"""The intake guard: an extract that is less than the one before is refused with the figures, until
somebody says why it is right."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.commands import clean, ingest, intake
from evalweave.commands._rehearsal import Rehearsal
from evalweave.errors import DataError
from evalweave.extract.intake import compared, differences, most
from evalweave.study.file import load_study
from evalweave.study.stages import CleanSettings, IngestSettings, settings_for

SMALL = Path(__file__).parents[1] / "workflow" / "small"


def come(study: Path, results: Path, accept: str = "") -> dict[str, Any]:
    """Take the extract in, as a run does, and return what was noted."""
    declared = load_study(study / "study.yaml")
    cleaning = json.dumps(settings_for(declared, CleanSettings))
    ingest.command(
        json.dumps(settings_for(declared, IngestSettings)), results / "ingest", None, processes=1
    )
    clean.command(cleaning, results / "ingest", results / "clean")
    intake.command(
        cleaning,
        results / "ingest",
        results / "clean",
        results / "intake",
        results / "intake.before.json",
        accept,
    )
    noted: dict[str, Any] = json.loads((results / "intake" / "intake.json").read_text())
    return noted


def test_half_an_extract_is_refused_until_a_reason_is_given(tmp_path: Path) -> None:
    study, results = tmp_path / "study", tmp_path / "results"
    shutil.copytree(SMALL, study)
    first = come(study, results)
    assert first["rows"] == {"patients": 48, "registrations": 48, "events": 240, "people": 48}
    assert first["people_of_practices"]["A00"] == 6 and first["accepted"] == []
    assert sum(first["records_by_month"]["A00"].values()) == 24
    records = {name: (of["n"], of["last"]) for name, of in first["lists"].items()}
    assert records == {"hba1c": (192, "2017-01"), "type_2_diabetes": (48, "2008-01")}
    assert first["most"] == {"rows": first["rows"], "lists": first["lists"]}
    events = study / "extract" / "events.csv"
    lines = events.read_text().splitlines()
    events.write_text("\n".join(lines[:121]))  # cut after its 121st line, without a line end
    with pytest.raises(DataError) as refused:
        come(study, results)
    said = str(refused.value)
    assert "records: 120 came where the run before had 240 (50% fewer)" in said
    assert "events.csv: ends without a line end after row 121" in said
    assert '--accept "REASON"' in said
    noted = come(study, results, accept="the second half was withdrawn")
    (accepted,) = noted["accepted"]
    assert accepted["reason"] == "the second half was withdrawn"
    assert {"fewer records", "a file ends inside a row"} <= set(accepted["kinds"])
    # the same extract again: nothing is less, and the reason still stands in the report
    again = come(study, results)
    assert again["accepted"] == [accepted]
    assert again["most"]["rows"]["events"] == 120  # what was accepted is the most from there on


def noted(**changed: Any) -> dict[str, Any]:
    whole = {
        "rows": {"patients": 100, "registrations": 100, "events": 1000, "people": 100},
        "people_of_practices": {"A": 50, "B": 50},
        "records_by_month": {"A": {"2016-01": 5, "2016-12": 5}, "B": {"2016-11": 9}},
        "set_aside": {"value_missing": 0.10, "code_not_listed": 0.2},
        "lists": {"referral": {"n": 60, "last": "2016-12", "sha256": "a"}},
        "files": [{"name": "events.csv", "rows": 1000, "ends_whole": True}],
        "fingerprint": "same",
    }
    return whole | changed


def listed(**changed: Any) -> dict[str, Any]:
    return noted(lists={"referral": noted()["lists"]["referral"] | changed})


def rows(**changed: int) -> dict[str, Any]:
    return noted(rows=noted()["rows"] | changed)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (noted(), None),
        (rows(people=91), None),
        (rows(people=89), "people: 89 came where the run before had 100 (11% fewer)"),
        (rows(people=300, events=2000), None),
        (noted(people_of_practices={"A": 50}), "practice B: nobody is registered there any more"),
        (noted(records_by_month={"A": {"2016-12": 1}, "B": {"2016-08": 1}}), None),
        (
            noted(records_by_month={"A": {"2016-12": 1}, "B": {"2016-07": 1}}),
            "practice B: its records end in 2016-07, where they reached to 2016-11",
        ),
        (noted(records_by_month={"A": {"2016-12": 1}}), "B: its records end in no month"),
        (noted(set_aside={"value_missing": 0.14, "code_not_listed": 0.9}), None),
        (
            noted(set_aside={"value_missing": 0.16}),
            "no value: 16.0% of the records are set aside for it, where it was 10.0%",
        ),
        (noted(set_aside={"value_missing": 0.9}, fingerprint="another"), None),
        (listed(n=54, last="2016-09"), None),
        (listed(n=53), "code list referral: 53 records came where 60 had come (12% fewer)"),
        (listed(last="2016-08"), "referral: its records end in 2016-08, where they reached to"),
        (listed(n=5, last="2014-01", sha256="b"), None),  # another list: nothing to compare
    ],
)
def test_what_counts_as_less(now: dict[str, Any], words: str | None) -> None:
    less = [each.words for each in differences(noted(), now)]
    assert len(less) == (words is not None)
    assert words is None or words in less[0]


def test_a_short_code_list_and_what_an_earlier_version_noted_are_not_compared() -> None:
    few = noted(lists={"referral": {"n": 19, "last": "2016-12", "sha256": "a"}})
    assert not differences(few, listed(n=3, last="2014-01"))
    earlier = noted()
    del earlier["lists"]
    assert not differences(earlier, listed(n=3))
    assert most(earlier, listed(n=3))["lists"]["referral"]["n"] == 3


def test_losses_that_are_small_each_time_add_up_until_they_are_refused() -> None:
    first = noted() | {"most": most({}, noted())}
    second = rows(events=920) | {"most": most(first, rows(events=920))}
    assert not differences(first, second)
    assert compared(first, second) == "8.0% fewer records than before, within the 10% allowed"
    (less,) = differences(second, rows(events=850))
    assert less.words == "records: 850 came where an earlier run had 1,000 (15% fewer)"
    assert compared(first, first) == "no fewer than before"


def test_a_few_wrong_dates_do_not_hide_that_a_feed_ended(tmp_path: Path) -> None:
    study, results = tmp_path / "study", tmp_path / "results"
    shutil.copytree(SMALL, study)
    events = study / "extract" / "events.csv"
    header, *lines = events.read_text().splitlines()
    strange = lines[1].replace(lines[1].split(",")[2], "2031-05-01")
    events.write_text("\n".join([header, *lines, strange]) + "\n")
    assert come(study, results)["lists"]["hba1c"] == {
        "n": 193,
        "last": "2017-01",
        "sha256": hashlib.sha256((study / "hba1c.csv").read_bytes()).hexdigest(),
    }


def test_a_file_that_never_ended_with_a_line_end_is_no_news() -> None:
    def file(ends_whole: bool) -> dict[str, Any]:
        return noted(files=[{"name": "events.csv", "rows": 9, "ends_whole": ends_whole}])

    ends: Callable[..., Any] = lambda before, now: differences(file(before), file(now))  # noqa: E731
    assert ends(True, False) and not ends(False, False) and not ends(False, True)


def test_check_refuses_what_the_guard_would_until_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, results = tmp_path / "study", tmp_path / "out" / "results" / "small"
    shutil.copytree(SMALL, study)
    come(study, results)
    events = study / "extract" / "events.csv"
    events.write_text(events.read_text().rstrip("\n"))  # as if cut: no line end
    do = Rehearsal.do

    def up_to_the_guard(self: Rehearsal, stage: str, *more: Any) -> bool:
        return stage in ("ingest", "clean", "intake") and do(self, stage, *more)

    monkeypatch.setattr(Rehearsal, "do", up_to_the_guard)
    words = ["check", str(study / "study.yaml"), "--directory", str(tmp_path / "out")]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, DataError)
    assert "intake would stop: events.csv: ends without a line end" in str(refused.exception)
    passed = CliRunner().invoke(app, [*words, "--accept", "the supplier says so"])
    assert passed.exit_code == 0, passed.exception
    assert "(a file ends inside a row). Give `run` the same --accept" in passed.output
    # nothing of it is kept: the run has still to be told
    assert json.loads((results / "intake.before.json").read_text())["accepted"] == []
