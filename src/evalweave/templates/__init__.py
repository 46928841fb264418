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

# The flat layout, with people who are made up: what an extract in our own form looks like.
LAYOUT = {
    "patients.csv": "patient_id,sex,birth_year,birth_month,ethnicity,imd_quintile,death_date\n"
    "EX00000001,female,1951,7,White,1,\n"
    "EX00000002,male,1948,,Asian,4,2017-11-30\n",
    "registrations.csv": "patient_id,practice_id,start,end\n"
    "EX00000001,PRACTICE_A,2009-03-14,2014-06-30\n"
    "EX00000001,PRACTICE_B,2014-07-01,\n"
    "EX00000002,PRACTICE_A,1999-01-05,\n",
    "events.csv": "patient_id,date,code,code_system,value,unit\n"
    "EX00000001,2008-05-02,44054006,snomed,,\n"
    "EX00000001,2015-05-20,999791000000106,snomed,58,mmol/mol\n"
    "EX00000002,2015-09-01,1019431000000105,snomed,7.6,%\n",
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
        **({f"layout/{name}": text for name, text in LAYOUT.items()} if format_ == "flat" else {}),
    }


def surveyed_study(study: str, practices: str | None) -> dict[str, str]:
    """Return path -> text of every file of a study that was begun from an extract; `practices` is
    the text of practices.csv, None where another file has them."""
    return {
        "study.yaml": study,
        ".gitignore": _text("gitignore"),
        **({"practices.csv": practices} if practices is not None else {}),
        **{f"codelists/{each}.csv": _text(f"codelists/{each}.csv") for each in CODELISTS},
    }


def list_paths() -> dict[str, str]:
    """Return the small code lists that come with a new study: name -> path."""
    return {each: str(files(__package__) / "codelists" / f"{each}.csv") for each in CODELISTS}


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
