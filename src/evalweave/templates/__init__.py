"""What `evalweave init` puts into a new study folder. Headers and their explanation come from the
contracts."""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files
from string import Template

from evalweave.catalogue.extracts import EXTRACTS
from evalweave.tables.contract import TEXT, TRUTH, Column
from evalweave.tables.joint import CLAIMS
from evalweave.tables.qualitative import ELIGIBILITY, PARTICIPANTS, THEMES
from evalweave.tables.records import PRACTICES

CODELISTS = (
    "hba1c",
    "type_2_diabetes",
    "type_1_diabetes",
    "social_prescribing_referral",
    "systolic_bp",
    "body_mass_index",
    "total_cholesterol",
    "smoking",
)
# File -> the contract of which it is filled in; themes.csv holds two, one row a theme and code.
SHEETS: dict[str, tuple[str, tuple[Column, ...]]] = {
    "practices.csv": (PRACTICES.meaning, PRACTICES.columns),
    "participants.csv": (PARTICIPANTS.meaning, PARTICIPANTS.columns),
    "themes.csv": (
        "One row a theme and code that belongs to it.",
        (
            *THEMES.columns,
            Column("code", TEXT, "full path of a code, such as Support > Practical", required=True),
            Column("descendants", TRUTH, "with every code below it (yes or no); blank = yes"),
        ),
    ),
    "eligibility.csv": (ELIGIBILITY.meaning, ELIGIBILITY.columns),
    "claims.csv": (CLAIMS.meaning, CLAIMS.columns),
}


def new_study(name: str, format_: str) -> dict[str, str]:
    """Return path -> text of every file of a new study; `format_` is one of `EXTRACTS`."""
    declared = EXTRACTS[format_]
    filled = {
        "name": name,
        "extract": declared.starts_with,
        "without": declared.without,
        "secondary": declared.secondary,
        "tables": _explained(),
    }
    return {
        "study.yaml": Template(_text("study.yaml")).substitute(filled),
        "README.md": Template(_text("README.md")).substitute(filled),
        ".gitignore": _text("gitignore"),
        **{
            file: ",".join(column.name for column in columns) + "\n"
            for file, (_, columns) in SHEETS.items()
        },
        **{f"codelists/{each}.csv": _text(f"codelists/{each}.csv") for each in CODELISTS},
    }


def study_name(folder: str) -> str:
    """Return a valid name of a study (letters, digits, - and _, a letter first) from a folder's
    name."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()  # é becomes e
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", plain.strip()).strip("-_").lower()
    return name[:60].rstrip("-_") if re.match(r"[a-z]", name) else f"study-{name}"[:60].rstrip("-_")


def _explained() -> str:
    parts = []
    for file, (meaning, columns) in SHEETS.items():
        lines = [
            f"- `{each.name}`{'' if each.required else ' (may be blank)'}: {each.meaning}"
            for each in columns
        ]
        parts.append(f"## {file}\n\n{meaning}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
