"""What must agree between the sections of a study file, and what each stage is given of it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from evalweave.errors import StudyError
from evalweave.extract.survey import format_of
from evalweave.study import connections
from evalweave.study.file import parse_yaml, validate
from evalweave.study.stages import spec_of
from evalweave.study.whole import Study

STUDY: dict[str, Any] = {
    "study": {"name": "tiny", "title": "Tiny"},
    "extract": {"path": "extract"},
    "practices": "practices.csv",
    "codelists": {"hba1c": "hba1c.csv", "bmi": "bmi.csv", "referral": "referral.csv"},
    "window": {"first": "2011-04-01", "last": "2019-03-31"},
    "eligibility": {"index_date": "2015-04-01"},
    "comparisons": {
        "others": {"primary": True},
        "balanced": {"balance": "entropy"},
        "selected": {"kind": "not_referred"},
    },
    "outcomes": {"hba1c": {}, "bmi": {}},
    "analyses": [
        {"name": "main", "estimator": "twfe", "outcome": "hba1c", "primary": True},
        {
            "name": "second",
            "estimator": "twfe",
            "outcome": "bmi",
            "comparison": "balanced",
            "inference": ["randomisation"],
        },
    ],
}


def study(**changes: Any) -> Study:
    """The study with values at paths such as `analyses__1__comparison` changed."""
    made = deepcopy(STUDY)
    for path, value in changes.items():
        *way, last = [int(key) if key.isdigit() else key for key in path.split("__")]
        place: Any = made
        for key in way:
            place = place[key]
        place[last] = value
    return Study.model_validate(made)


def test_an_analysis_is_fitted_with_the_weights_of_its_own_comparison() -> None:
    assert spec_of(study(), "main")["columns"]["weight"] is None
    assert spec_of(study(), "second")["columns"]["weight"] == "weight"
    assert spec_of(study(), "second")["columns"]["outcome"] == "bmi"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"analyses__1__primary": True}, "main, second are all primary"),
        ({"comparisons": {"selected": {"kind": "not_referred"}}}, "cannot be the primary one"),
        (
            {"analyses__1__comparison": "selected", "family": ["second"]},
            "family: second compares people who were selected",
        ),
        ({"analyses__1__comparison": "selected"}, "randomisation, which permutes practices"),
        ({"eligibility__index_date": "2019-04-01"}, "lies outside the window"),
        ({"eligibility__index_date": "2011-03-31"}, "lies outside the window"),
        ({"outcomes__bmi": {"codelist": "hba1c"}}, "its code list hba1c is that of hba1c too"),
        (
            {"outcomes__bmi": {"kind": "binary", "unit": "proportion", "plausible": [0.5, 1]}},
            "leaves out 0 or 1",
        ),
        ({"outcomes__bmi__plausible": [80, 12]}, "is no range"),
        ({"window__last": "9999-12-31"}, "expected days from 1000-01-01 to 2999-12-31"),
        ({"window__first": "0001-01-01"}, "expected days from 1000-01-01 to 2999-12-31"),
    ],
)
def test_what_does_not_agree_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        study(**changes)


def test_a_day_at_the_end_of_the_window_lies_in_it() -> None:
    for day in ("2011-04-01", "2019-03-31"):
        assert str(study(eligibility__index_date=day).eligibility.index_date) == day


def test_a_day_that_does_not_exist_is_told_of_with_its_line_and_with_all_else() -> None:
    text = yaml.safe_dump(STUDY, sort_keys=False).replace("'2015-04-01'", "2015-02-30\n  ago: 1")
    with pytest.raises(StudyError) as told:
        validate(*_with_lines(text))
    line = 1 + text.splitlines().index("  index_date: 2015-02-30")
    assert f'line {line}: eligibility, index_date: "2015-02-30" is no day' in str(told.value)
    assert f'line {line + 1}: "ago" is not a key' in str(told.value)


def _with_lines(text: str) -> tuple[Any, type[Study], str, Any]:
    value, lines = parse_yaml(text, "study.yaml")
    return value, Study, "study.yaml", lines


@pytest.mark.parametrize(
    "extract",
    [
        {"path": "postgresql://bob:hunter2secret@h/db"},
        {"path": "host=h user=bob password=hunter2secret"},
        {"path": "extract", "files": {"events": "s3://AKIA:hunter2secret@bucket/x.csv"}},
        {"path": "extract", "format": "mssql://bob:hunter2secret@h/db"},
    ],
)
def test_a_secret_under_the_wrong_key_is_not_repeated(extract: dict[str, Any]) -> None:
    with pytest.raises(StudyError) as told:
        validate(*_with_lines(yaml.safe_dump({**STUDY, "extract": extract})))
    assert "hunter2secret" not in str(told.value)
    if "format" not in extract:
        assert "A database goes under extract, connection" in str(told.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/studies/postgresql:/bob:hunter2secret@h/db", "/studies/postgresql:/…@h/db"),
        ("mssql://bob:p@ss/word@h/db?x=1", "mssql://…@h/db?x=1"),
        ("host=h Password = 'a b' port=1", "host=h Password =…"),
        ("AccountKey=abc;x", "AccountKey=…"),
        ("/data/extract of may/x@y.csv", "/data/extract of may/x@y.csv"),
        ("C:/data/x.csv", "C:/data/x.csv"),
    ],
)
def test_what_may_be_a_secret_is_masked(text: str, shown: str) -> None:
    assert connections.masked(text) == shown
    with pytest.raises(StudyError) as told:
        format_of(Path(text))
    assert str(Path(shown)) in str(told.value)
