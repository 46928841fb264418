"""The study file that `evalweave init --from` writes: what was seen of the extract is filled in,
what could not be seen is asked at its end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.study.periods import first_day, period_number

if TYPE_CHECKING:
    from evalweave.extract.survey import Survey

YEAR = "financial_year"
OUTCOMES = ("hba1c", "systolic_bp", "body_mass_index", "total_cholesterol", "smoking")
LABELS = {
    "hba1c": "HbA1c",
    "systolic_bp": "systolic blood pressure",
    "body_mass_index": "body mass index",
    "total_cholesterol": "total cholesterol",
    "smoking": "smokers",
}
BY = {
    "imd_quintile": ("by_deprivation", "Area deprivation"),
    "white": ("by_ethnicity", "Ethnicity"),
}


def study_file(
    name: str, seen: Survey, path: str, starts: Sequence[dt.date], practices: str
) -> tuple[str, list[str]]:
    """Return the text of study.yaml and the questions that stand at its end.

    `path` is where the extract is (its folder, or its connection), `starts` are the programme's
    first days, `practices` the table that has them, both as the study file says them.
    """
    window, index, questions = _window(seen, starts)
    outcomes = [each for each in OUTCOMES if seen.records.get(each)] or ["hba1c"]
    conditions = [each for each in ("type_2_diabetes",) if seen.records.get(each)]
    without = [each for each in ("type_1_diabetes",) if seen.records.get(each)]
    if not conditions:
        questions.append(
            "Which condition must people have? No record meets the small list of type 2 diabetes, "
            "so eligibility, conditions asks for none."
        )
    if not starts:
        questions.append(
            f"When did the programme start in which practice? Fill in programme_start in "
            f"{practices} (blank = never): `check` asks for at least two practices with it and two "
            "without."
        )
    questions += [
        "Are title and programme as the report should call them?",
        "Which code lists does your protocol have? The ones in codelists/ hold a few well-known "
        "codes each.",
    ]
    questions = [*seen.questions, *questions]
    lists = [*outcomes, *conditions, *without]
    parts = [
        "# Written by `evalweave init --from`, which looked at the extract. Paths are relative to "
        "this file.\n# What it saw:\n" + _comment(seen.found),
        _section(
            "study",
            {
                "name": name,
                "title": f"{name}: a programme in general practices",
                "programme": "the programme",
                "authors": [],
            },
        ),
        _section("extract", _extract(seen, path)),
        f"practices: {json.dumps(practices)}\n",
        _section("codelists", {each: f"codelists/{each}.csv" for each in lists}),
        _section("window", window),
        _section(
            "eligibility",
            {
                "index_date": index,
                "age": [40, 74],
                "conditions": conditions,
                "without": without,
                "registered_days": 365,
            },
        ),
        _section("exposure", {"straddling": "drop", "washout_days": 0}),
        _section(
            "comparisons",
            {"without_programme": {"label": "practices without the programme", "primary": True}},
        ),
        _section("outcomes", {each: {"label": LABELS[each]} for each in outcomes}),
        "analyses:\n" + "".join(f"  - {_flow(each)}\n" for each in _analyses(seen, outcomes)),
        "# A coded qualitative project and claims: `evalweave init DIR` without --from writes the "
        "sections\n# qualitative and claims, and templates of their tables.\n",
        "disclosure: nhs_england            # opensafely, sacro, none\n",
        "# What the extract could not tell, and only you know:\n" + _comment(questions),
    ]
    return "\n".join(parts), questions


def practices_table(seen: Survey) -> str:
    """Return practices.csv with every practice that has registrations, its start to be filled
    in."""
    rows = [f"{_cell(practice)},," for practice in seen.practices]
    return "\n".join(["practice_id,programme_start,area", *rows]) + "\n"


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def _window(seen: Survey, starts: Sequence[dt.date]) -> tuple[dict[str, Any], dt.date, list[str]]:
    """Return the window, the index date, and what is to be asked about them."""
    questions = []
    if seen.first is None or seen.last is None:
        first, last = 2011, 2018
        questions.append("Which years are studied? No outcome's record has told them.")
    else:
        first = period_number(seen.first + dt.timedelta(days=183), YEAR)
        last = max(first + 1, period_number(seen.last - dt.timedelta(days=183), YEAR))
    if starts:
        index = min(starts)
        first = min(first, period_number(index, YEAR) - 1)
        last = max(last, period_number(max(starts), YEAR))
    else:
        index = first_day((first + last + 1) // 2, YEAR)
        questions.append(
            f"What is the index date, the programme's launch? {index} is the middle of the records."
        )
    days = {"first": first_day(first, YEAR), "last": first_day(last + 1, YEAR) - dt.timedelta(1)}
    return {**days, "period": YEAR}, index, questions


def _extract(seen: Survey, path: str) -> dict[str, Any]:
    said: dict[str, Any] = {"format": seen.extract.format}
    said["connection" if seen.extract.connection else "path"] = path
    if seen.extract.database_schema:
        said["database_schema"] = seen.extract.database_schema
    settled = EXTRACTS[seen.extract.format].settles
    for key, default in (("date_format", "iso"), ("code_system", "snomed")):
        value = getattr(seen.extract, key)
        if value != settled.get(key, default) or key in settled:
            said[key] = value
    if seen.extract.events_in_patients:
        said["events_in_patients"] = [
            each.model_dump(exclude_defaults=True) for each in seen.extract.events_in_patients
        ]
    for key in ("files", "columns"):
        if getattr(seen.extract, key):
            said[key] = getattr(seen.extract, key)
    return said


def _analyses(seen: Survey, outcomes: Sequence[str]) -> list[dict[str, Any]]:
    main, *others = outcomes
    analyses: list[dict[str, Any]] = [
        {
            "name": "main",
            "label": "Mean difference since the start",
            "estimator": "twfe",
            "outcome": main,
            "primary": True,
            "inference": ["auto", "wild_bootstrap_s", "randomisation"],
        },
        {
            "name": "event_study",
            "label": "Difference by year since the start",
            "estimator": "event_study",
            "outcome": main,
        },
    ]
    for column in seen.subgroups:
        name, label = BY[column]
        analyses.append(
            {"name": name, "label": label, "estimator": "twfe", "outcome": main, "subgroup": column}
        )
    analyses += [
        {"name": each, "label": LABELS[each].capitalize(), "estimator": "twfe", "outcome": each}
        for each in others
    ]
    return analyses


def _section(key: str, said: Mapping[str, Any]) -> str:
    lines = [f"  {name}: {_flow(value)}" for name, value in said.items()]
    return "\n".join([f"{key}:", *lines]) + "\n"


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str):
        plain = value.isidentifier() and yaml.safe_load(value) == value  # not so "yes" and "null"
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, default=str).strip('"')


def _comment(lines: Sequence[str]) -> str:
    said = (f"#  - {line}" for each in lines for line in each.splitlines())
    return "".join(f"{line}\n" for line in said)
