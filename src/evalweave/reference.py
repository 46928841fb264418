"""The key reference and the JSON schema of the study file, generated from the typed model and the
contracts.

`python -m evalweave.reference` rewrites both, and what docs/statistics.md says of
methods; a test fails when they drift from the model.
"""

from __future__ import annotations

import json
import re
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.catalogue.kinds import KINDS
from evalweave.catalogue.methods import Method
from evalweave.study.about import About, Report, Simulation
from evalweave.study.allocation import Allocation
from evalweave.study.analyses import Analysis, Columns
from evalweave.study.economics import (
    Discount,
    Economics,
    Effect,
    ProgrammeCost,
    Scenario,
    Thresholds,
)
from evalweave.study.governance import Governance, Person, Project
from evalweave.study.outcomes import Outcome
from evalweave.study.people import Comparison, Counting, Eligibility, Exposure
from evalweave.study.periods import Window
from evalweave.study.qualitative import FurtherProject, Qualitative
from evalweave.study.records import Cleaning, EventInRow, Extract
from evalweave.study.reporting import Reporting, Statements, TargetTrial
from evalweave.study.section import Section
from evalweave.study.uses import ResourceUse, UsedItem
from evalweave.study.vocabulary import Vocabulary
from evalweave.study.whole import Study
from evalweave.tables.catalogue import ALL

BEGIN, END = (
    "<!-- generated from here: python -m evalweave.reference -->",
    "<!-- generated to here -->",
)
SECTIONS: tuple[tuple[str, type[Section]], ...] = (
    ("top of the file", Study),
    ("study", About),
    ("study, people: each", Person),
    ("study, project", Project),
    ("study, governance", Governance),
    ("study, reporting", Statements),
    ("study, target_trial", TargetTrial),
    ("extract", Extract),
    ("extract, events_in_patients: each", EventInRow),
    ("window", Window),
    ("eligibility", Eligibility),
    ("eligibility, counting: each", Counting),
    ("exposure", Exposure),
    ("allocation", Allocation),
    ("comparisons: each", Comparison),
    ("outcomes: each", Outcome),
    ("resource_use", ResourceUse),
    ("resource_use, items: each", UsedItem),
    ("economics", Economics),
    ("economics, effect; cost has the same keys but better and source", Effect),
    ("economics, programme_cost", ProgrammeCost),
    ("economics, discount", Discount),
    ("economics, thresholds", Thresholds),
    ("economics, scenarios: each", Scenario),
    ("cleaning", Cleaning),
    ("vocabulary", Vocabulary),
    ("analyses: each", Analysis),
    ("qualitative", Qualitative),
    ("qualitative, further_projects: each", FurtherProject),
    ("qualitative, reporting", Reporting),
    ("report", Report),
    ("simulation", Simulation),
    ("columns (SPEC of `evalweave fit` only)", Columns),
)


def key_reference() -> str:
    """Return Markdown: one table of keys a section, then one table of columns for each table
    contract."""
    parts = ["## Keys of the study file\n"]
    for name, section in SECTIONS:
        parts.append(
            f"### {name}\n\n{_first_paragraph(section)}| key | value | default | meaning "
            "|\n|---|---|---|---|"
        )
        for key, field in section.model_fields.items():
            default = (
                "required"
                if field.is_required()
                else _default(field.get_default(call_default_factory=True))
            )
            parts.append(
                f"| `{key}` | {_value(field.annotation)} | {default} | "
                f"{field.description or _see(key)} |"
            )
        parts.append("")
    parts += [*_methods(), "## Tables that pass between stages\n"]
    for table in ALL:
        parts.append(
            f"### {table.name}\n\n{table.meaning}\n\n| column | type | meaning |\n|---|---|---|"
        )
        for column in table.columns:
            unit = f" ({column.unit})" if column.unit else ""
            blank = "" if column.required else ", may be blank"
            parts.append(f"| `{column.name}` | {column.type}{unit}{blank} | {column.meaning} |")
        parts.append("")
    return "\n".join(parts)


def _methods() -> list[str]:
    """Return what is declared of estimators and inference methods, a table each."""
    lines = [
        "## Kinds of outcomes\n",
        "| kind | values | in follow-up without a record | estimators to start from |",
        "|---|---|---|---|",
    ]
    for kind in KINDS.values():
        names = ", ".join(f"`{name}`" for name in kind.recommended)
        values = kind.values or "any"
        lines.append(f"| `{kind.name}` | {values} | {kind.nobody_recorded} | {names} |")
    lines += ["", "## Estimators\n", "| name | what | terms | own keys |", "|---|---|---|---|"]
    for estimator in ESTIMATORS.values():
        terms = ", ".join(f"`{term}`" for term in estimator.terms)
        keys = ", ".join(f"`{option.name}`" for option in estimator.options)
        words = f"{_sourced(estimator)} *{estimator.assumes}*"
        lines.append(f"| `{estimator.name}` | {words} | {terms} | {keys} |")
    lines += ["", "## Inference methods\n", "| name | what | for |", "|---|---|---|"]
    for inference in INFERENCES.values():
        able = [e.name for e in ESTIMATORS.values() if calls.applies(inference, e)]
        whom = "every estimator" if len(able) == len(ESTIMATORS) else ", ".join(able)
        words = f"{inference.phrase}: {_sourced(inference)}"
        lines.append(f"| `{inference.name}` | {words} | {whom} |")
    return [*lines, ""]


def _sourced(method: Method) -> str:
    return " ".join([method.words, *method.references])


def statistics() -> str:
    """Return Markdown: what each estimator and inference method computes, with its formula."""
    parts = ["## Estimators\n"]
    for estimator in ESTIMATORS.values():
        parts += _computed(estimator)
        if estimator.assumes:
            parts.append(f"*{estimator.assumes}*\n")
    parts.append("## Inference\n")
    for inference in INFERENCES.values():
        parts += _computed(inference, f"{inference.phrase}: ")
    return "\n".join(parts)


def _computed(method: Method, before: str = "") -> list[str]:
    said = before + method.words
    lines = [f"### `{method.name}`\n", said[0].upper() + said[1:] + "\n"]
    if method.formula:
        lines.append(f"> {in_html(method.formula)}\n")
    listed = "\n".join(f"- {reference}" for reference in method.references)
    return [*lines, f"{listed}\n"] if listed else lines


def in_html(formula: str) -> str:
    """Return a declared formula in the little HTML that Markdown keeps wherever it is read."""
    marked = re.sub(r"hat:(\w)", "\\1\u0302", re.sub(r"bar:(\w)", "\\1\u0304", formula))
    for sign, tag in (("_", "sub"), ("^", "sup")):
        marked = re.sub(rf"\{sign}\{{([^}}]*)\}}", rf"<{tag}>\1</{tag}>", marked)
    return marked.replace("|", "\u2223")


def schema() -> str:
    """Return the JSON schema of the study file."""
    return json.dumps(Study.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def between(text: str, generated: str) -> str:
    """Return `text` with what stands between the two marks replaced by `generated`."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{generated}\n{END}{rest.split(END)[1]}"


def _first_paragraph(section: type[BaseModel]) -> str:
    if section.__doc__ and section.__doc__ != Section.__doc__:
        paragraph = section.__doc__.strip().partition("\n\n")[0]
        return " ".join(paragraph.split()) + "\n\n"
    return ""


def _see(key: str) -> str:
    return f"See `{key}` below."


def _default(value: Any) -> str:
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "see below"
    if value is None or value == "":
        return "blank"
    if isinstance(value, list) and len(value) > 4:
        return f"{len(value)} values, see `study.py`"
    return f"`{json.dumps(value, default=str, ensure_ascii=False)}`"


def _value(kind: Any) -> str:
    if kind is type(None):
        return "blank"
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(_value(each) for each in inside if each is not type(None))
    if origin is list:
        return f"list of: {_value(inside[0])}"
    if origin is dict:
        return f"name: {_value(inside[1])}"
    if origin is tuple:
        return "[" + ", ".join(_value(each) for each in inside) + "]"
    if origin is not None and inside:
        return _value(inside[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "a section"
    words = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true or false",
        "date": "date",
    }
    return words.get(getattr(kind, "__name__", ""), str(kind))


PAGES = {"config/README.md": key_reference, "docs/statistics.md": statistics}


def main(root: Path = Path()) -> None:
    """Rewrite the schema and the generated parts of pages below `root`."""
    for page, generated in PAGES.items():
        text = between((root / page).read_text(encoding="utf-8"), generated())
        (root / page).write_text(text, encoding="utf-8")
    (root / "workflow" / "schemas" / "study.schema.json").write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
