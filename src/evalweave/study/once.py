"""What a study file may state in two places: one is enough; where they differ, both are said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLACES = {
    "approval": ("study.governance.approval", "qualitative.reporting.ethics"),
    "funding": ("study.project.funding", "qualitative.reporting.funding"),
    "interests": ("study.reporting.interests", "qualitative.reporting.interests"),
}


def at(study: Any, key: str) -> str:
    """Return the words under a dotted key of a study, or of the same as a mapping; blank where
    there are none."""
    value = study
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return str(value or "").strip()


def distinct(statements: list[str]) -> list[str]:
    """Return statements without blanks and without those that another one holds already."""
    kept: list[str] = []
    for statement in sorted(statements, key=lambda each: -len(_words(each))):
        if not any(f" {_words(statement)} " in f" {_words(other)} " for other in kept):
            kept.append(statement)
    return [each for each in dict.fromkeys(statements) if each in kept and _words(each)]


def stated(study: Any, name: str) -> str:
    """Return what a study states under one of `PLACES`, wherever it stands."""
    return " ".join(distinct([at(study, key) for key in PLACES[name]]))


def contradictions(study: Any) -> list[str]:
    """Return a sentence for each thing that a study states twice and not alike."""
    found = []
    authors, people = study.study.authors, [person.name for person in study.study.people]
    if authors and people and {*map(_words, authors)} != {*map(_words, people)}:
        found.append(
            f"study, authors are {', '.join(authors)} and study, people are {', '.join(people)}: "
            "the report names the former, the release's record the latter. Name the same, or leave "
            "authors blank."
        )
    for places in PLACES.values():
        said = distinct([at(study, key) for key in places])
        if len(said) > 1:
            one, other = (key.replace(".", ", ") for key in places)
            found.append(
                f'{one} says "{said[0]}" and {other} says "{said[1]}". The report prints both. If '
                "they are one thing, state it in one of the two places; it is found in either."
            )
    return found


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
