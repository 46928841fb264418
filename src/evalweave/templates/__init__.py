"""What `evalweave init` puts into a new study folder. Headers and their explanation come from the
contracts."""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files
from string import Template

from evalweave.tables.contract import TEXT, TRUTH, Column
from evalweave.tables.joint import CLAIMS
from evalweave.tables.qualitative import ELIGIBILITY, PARTICIPANTS, THEMES
from evalweave.tables.records import PRACTICES

FORMATS = ("flat", "cprd_aurum", "omop")
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
# Where the list has no code in a format's coding system, the exclusion has to wait for a fuller
# list.
WITHOUT = {
    "flat": "[type_1_diabetes]",
    "cprd_aurum": "[]                       # [type_1_diabetes], once its list has medcodeids",
    "omop": "[type_1_diabetes]",
}
# What to know of a format's codes before the secondary outcomes are uncommented.
SECONDARY = {
    "flat": "their lists hold a few SNOMED CT codes",
    "cprd_aurum": "with code_system: snomed their lists hold a few codes; as medcodeids they are "
    "yours to fill in",
    "omop": "their lists hold the standard concepts; smoking is read from OBSERVATION",
}
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
    """Return path -> text of every file of a new study; `format_` is one of `FORMATS`."""
    extract = _text(f"extract_{format_}.yaml").rstrip("\n")
    filled = {
        "name": name,
        "extract": extract,
        "without": WITHOUT[format_],
        "secondary": SECONDARY[format_],
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
