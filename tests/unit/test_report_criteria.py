"""What the report says of who is eligible: conditions and how they count, new and old cases, the
kind of cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docx
import pytest

from evalweave.release.disclosure import profile
from evalweave.report import criteria
from evalweave.report.data import ReportData
from evalweave.report.sections import methods
from evalweave.study.file import load_study
from evalweave.study.people import Eligibility
from evalweave.tables.analyses import ESTIMATES
from helpers.report_results import Made, study_file
from helpers.reports import both, report, words


def made(**keys: Any) -> Eligibility:
    return Eligibility.model_validate(
        {
            "index_date": "2015-04-01",
            "conditions": ["type_2_diabetes"],
            "without": ["type_1_diabetes"],
            **keys,
        }
    )


def word(folder: Path) -> str:
    both = [docx.Document(str(folder / f"{name}.docx")) for name in ("report", "supplement")]
    return "\n".join(paragraph.text for one in both for paragraph in one.paragraphs)


def test_who_is_eligible() -> None:
    assert criteria.people(made()) == (
        "aged 40 to 74 on 2015-04-01, registered with a practice for at least 365 days without a "
        "gap, "
        "with type 2 diabetes, without type 1 diabetes"
    )
    assert criteria.people(made(conditions=[], without=[], registered_days=0)) == (
        "aged 40 to 74 on 2015-04-01, registered with a practice"
    )
    assert "on the day they entered" in criteria.people(made(cohort="open"))
    assert "with diabetes (type 2)" in criteria.people(made(conditions=["diabetes[type_2]"]))


@pytest.mark.parametrize(
    "keys, said",
    [
        (
            {},
            [
                "Type 2 diabetes and type 1 diabetes counted as present with one entry of their "
                "code lists before that day."
            ],
        ),
        (
            {"without": []},
            ["Type 2 diabetes counted as present with one entry of the code list before that day."],
        ),
        ({"conditions": [], "without": []}, []),
        (
            {"counting": {"type_1_diabetes": {"at_least": 2, "more_than": "type_2_diabetes"}}},
            [
                "Type 2 diabetes counted as present with one entry of the code list before that "
                "day.",
                "Type 1 diabetes counted as present with entries before that day on 2 days or "
                "more, on more days than entries "
                "of type 2 diabetes.",
            ],
        ),
        (
            {"counting": {"type_1_diabetes": {"more_than": "type_2_diabetes"}}},
            [
                "Type 2 diabetes counted as present with one entry of the code list before that "
                "day.",
                "Type 1 diabetes counted as present with entries before that day on more days "
                "than entries of type 2 diabetes.",
            ],
        ),
        (
            {
                "without": [],
                "counting": {"type_2_diabetes": {"at_least": 3}},
                "cases": "incident",
                "incident_days": 1,
            },
            [
                "Type 2 diabetes counted as present with entries before that day on 3 days or "
                "more.",
                "Only the newly diagnosed (incident cases) are in: type 2 diabetes first counted "
                "as present at most 1 day before that "
                "day, and at least 365 days after the registration began.",
            ],
        ),
        (
            {"conditions": ["a", "b"], "without": [], "cases": "prevalent", "look_back_days": 0},
            [
                "A and b counted as present with one entry of their code lists before that day.",
                "Only people diagnosed earlier (prevalent cases) are in. Newly diagnosed people "
                "are not: all conditions "
                "first counted as present at most 365 days before that day.",
            ],
        ),
    ],
)
def test_what_counts_and_which_cases_are_in(keys: dict[str, Any], said: list[str]) -> None:
    assert criteria.rules(made(**keys)) == said


def test_the_kind_of_cohort_is_said() -> None:
    assert criteria.kind(made()).startswith("Who is in was fixed on that day")
    assert criteria.kind(made(cohort="open")).startswith("Sensitivity design: the cohort is open.")


def test_an_open_cohort_is_labelled_as_a_sensitivity_design(tmp_path: Path) -> None:
    out = report(tmp_path, Made(eligibility={"cohort": "open"}, formats=("html", "docx")))
    for text in (words(both(out)), word(out)):
        # the answer, who was studied, methods; and checklists that ask for it
        assert text.count("Sensitivity design: the cohort is open.") >= 3
        assert "fixed on that day" not in text
        assert "of the practice where they were registered on the day they entered" in text


def test_a_closed_cohort_is_not(tmp_path: Path) -> None:
    out = report(tmp_path, Made(formats=("html", "docx")))
    for text in (words(both(out)), word(out)):
        assert "Sensitivity design" not in text
        assert "Who is in was fixed on that day" in text
        assert "The cohort is closed: it was fixed on that day." in text


CONVERTED = "are converted from mmol/mol to percentage points"


@pytest.mark.parametrize(
    "name, keys, said",
    [
        ("hba1c", {}, True),
        ("hba1c", {"unit": "%", "plausible": [4, 20]}, False),
        ("albumin_creatinine", {"unit": "mmol/mol", "codelist": "hba1c"}, False),
        ("glycated", {"codelist": "hba1c", "quantity": "hba1c"}, True),
    ],
)
def test_the_conversion_of_hba1c_is_said_of_hba1c_alone(
    tmp_path: Path, name: str, keys: dict[str, Any], said: bool
) -> None:
    made_ = Made(outcome=keys, only_main=True, qualitative=False)
    file = study_file(tmp_path, made_)
    file.write_text(
        file.read_text()
        .replace("  hba1c:\n", f"  {name}:\n")
        .replace("outcome: hba1c", f"outcome: {name}")
    )
    data = ReportData(load_study(file), profile("nhs_england"), ESTIMATES.empty())
    text = str(methods.section(data))
    assert (CONVERTED in text) is said
