"""The reference of keys: every section that a study file can have is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from evalweave.reference import SECTIONS, key_reference
from evalweave.study.whole import Study


def sections(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from sections(field.annotation)
    for inside in get_args(kind):
        yield from sections(inside)


def test_every_section_of_a_study_file_has_its_table() -> None:
    told = [section for _, section in SECTIONS]
    untold = {s for s in sections(Study) if not any(issubclass(t, s) for t in told)}
    assert untold == set()
    assert "### study, reporting\n" in key_reference()
    assert "| `registration` | text |" in key_reference()


def test_what_a_section_is_about_is_said_to_the_end_of_its_sentence() -> None:
    lines = key_reference().splitlines()
    below = [lines[at + 2] for at, line in enumerate(lines) if line.startswith("### ")]
    assert [line for line in below if not line.startswith("|") and not line.endswith(".")] == []
