"""The words of a release that people read: no numbers, no keys of the study, no names of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from evalweave.release.released import Content
from evalweave.tables.catalogue import ALL
from evalweave.tables.contract import NUMBER, WHOLE
from evalweave.vocabulary.identifiers import normal

NUMBERS = {c.name for table in ALL for c in table.columns if c.type in (NUMBER, WHOLE)}
# Columns and keys whose values the study file declares, or the package.
KEYS = frozenset(
    (
        *("claim_id", "theme_id", "code_id", "code", "code_path", "parent", "analysis", "term"),
        *("estimator", "inference", "outcome", "comparison", "unit", "outcome_unit", "subgroup"),
        *("variable", "statistic", "arm", "box", "order", "stage", "rule", "rule_version"),
        *("name", "path", "file", "sha256", "commit", "project", "participants", "practices"),
        *("themes", "eligibility", "sources", "source_participants", "claims", "role", "roles"),
    )
)


def words(content: Content) -> list[str]:
    """Return the texts of one file that people read."""
    if content.tables:
        cells = (
            str(cell)
            for rows in content.tables.values()
            for row in rows
            for key, cell in row.items()
            if key not in KEYS and key not in NUMBERS and cell
        )
        return ["\n".join(cells)]
    if content.document is not None:
        return ["\n".join(text for key, text in _texts(content.document) if key not in KEYS)]
    return content.words


def keys(contents: Iterable[Content]) -> frozenset[str]:
    """Return what the study's own keys are, as identifiers are compared: where they stand, they
    are no identifiers."""
    known = set[str]()
    for content in contents:
        cells = [
            (key, str(cell))
            for rows in content.tables.values()
            for row in rows
            for key, cell in row.items()
        ]
        cells += [*_texts(content.document)]
        known.update(normal(text) for key, text in cells if key in KEYS)
    return frozenset(known)


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a JSON document with the key that it stands under."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str):
        yield key, value
