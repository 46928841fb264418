"""What an intruder reads in a released folder: tables, the profile and the study; and the attack on
them, from these files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalweave.errors import DataError
from evalweave.release import released
from evalweave.release.attack import Attacked, attack
from evalweave.release.disclosure import Profile, profile
from evalweave.release.manifest import NAME as MANIFEST
from evalweave.release.opening import opened
from evalweave.release.published import declared
from evalweave.release.released import Content


def attack_folder(folder: Path, earlier: Sequence[Path] = ()) -> tuple[Profile, Attacked]:
    """Attack a released folder or its zip file, with earlier ones of the same study; return its
    profile and what was found.

    Raises:
        DataError: a folder has no table, its manifest does not say which profile holds, or a file
            is no release.
    """
    contents = _read(folder)
    rules, missing = profile_of(contents)
    if missing:
        raise DataError(f"{folder}: {missing[0]}")
    others = [tables_of(_read(other)) for other in earlier]
    return rules, attack(tables_of(contents), rules, declared(study_of(contents)), others)


def _read(release: Path) -> list[Content]:
    """Return the tables and the manifest of a released folder or zip file."""
    with opened(release) as folder:
        return _of_folder(folder, release)


def _of_folder(folder: Path, release: Path) -> list[Content]:
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.suffix == ".csv" or path.name == MANIFEST)
    ]
    contents = [released.read(path, path.relative_to(folder).as_posix()) for path in paths]
    if not any(content.tables for content in contents):
        raise DataError(
            f"{release}: holds no table to attack. Give a folder that `evalweave run` released, "
            "or its release.zip."
        )
    return contents


def tables_of(contents: Sequence[Content]) -> dict[str, list[dict[str, Any]]]:
    """Return every table of a release by its file's name without the ending."""
    return {
        content.name.rsplit(".", 1)[0]: rows
        for content in contents
        for rows in content.tables.values()
    }


def study_of(contents: Sequence[Content]) -> dict[str, Any]:
    """Return the study as the manifest declares it; empty without one."""
    for content in contents:
        if content.name == MANIFEST and isinstance(content.document, dict):
            study = content.document.get("study")
            return study if isinstance(study, dict) else {}
    return {}


def profile_of(contents: Sequence[Content]) -> tuple[Profile, list[str]]:
    """Return the profile that the manifest declares; without one, the default and a finding."""
    study = study_of(contents)
    if isinstance(study.get("disclosure"), str):
        strand = study.get("qualitative")
        cell = strand.get("min_cell", 3) if isinstance(strand, dict) else 3
        return profile(study["disclosure"], int(cell)), []
    return profile("nhs_england"), [
        f"{MANIFEST}: is missing or does not say which disclosure profile holds; nhs_england was "
        "assumed. "
        "Write the report again."
    ]
