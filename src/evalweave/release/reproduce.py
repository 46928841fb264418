"""Reproducing a release: are the inputs the same, and does a rerun give the same numbers?

Two numbers are the same when they agree to 1e-9 (relative), within rounding when they print alike
(on the page: when they differ by one in the last place printed), and different otherwise. Compared
are the released tables, the tables of the figures and every number on the page, each by what it is
of, never by its place. The rerun is the whole workflow in an empty folder, from a copy of the
study file whose paths point to the inputs that were checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from evalweave import files
from evalweave.errors import StudyError, nearest
from evalweave.release.manifest import (
    EXTRACT,
    NAME,
    as_written,
    checksums,
    extract_files,
    roles,
    without_machine,
)
from evalweave.study.file import load
from evalweave.study.whole import Study


@dataclass(frozen=True)
class Input:
    """One input beside what the manifest says of it: same, differs, missing or extra."""

    role: str
    name: str
    state: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.role}: {self.name}: {self.state}"


# Inputs


def find_study(manifest: Mapping[str, Any], given: Path | None, places: Iterable[Path]) -> Path:
    """Return the study file: as given, or the one in `places` with the published name (and
    checksum, if any has it)."""
    if given is not None:
        return given
    name = PurePath(str(manifest["study_file"].get("name", ""))).name
    candidates = [
        path
        for place in places
        for path in (place / name, place / "config" / name)
        if name and path.is_file()
    ]
    for path in candidates:
        if files.sha256(path) == manifest["study_file"].get("sha256"):
            return path
    if candidates:
        return candidates[0]
    raise StudyError(
        f"Found no study file {name} here, beside the report or beside the extract. "
        "Say where it is with --study STUDY.yaml; its folder also holds the code lists and the "
        "list of practices."
    )


def check_inputs(
    manifest: Mapping[str, Any], study_file: Path, extract: Path
) -> tuple[Study, list[Input]]:
    """Return the study as written and the state of every input, the study file first."""
    study = load(study_file, Study)
    states = [_study_state(manifest, study, study_file)]
    published = [record for record in manifest["inputs"] if isinstance(record, dict)]
    present = extract_files(study.extract, extract)
    expected = {
        str(record["name"]): record for record in published if record.get("role") == EXTRACT
    }
    for name, entry in sorted(expected.items()):
        states.append(_state(entry, present.get(name, extract / name)))
    states += [
        Input(EXTRACT, name, "extra", path)
        for name, path in present.items()
        if name not in expected
    ]
    named = {role: study_file.parent / path for role, path in roles(study)}
    for entry in published:
        role = str(entry.get("role"))
        if role == EXTRACT:
            continue
        path = named.get(role, study_file.parent / str(entry["name"]))
        beside = extract / PurePath(str(entry["name"])).name
        if not path.is_file() and beside.is_file():
            path = beside  # made-up inputs lie beside the made-up extract
        states.append(_state(entry, path))
    known = {str(entry.get("role")) for entry in published}
    states += [
        Input(role, as_written(path), "extra", study_file.parent / path)
        for role, path in roles(study)
        if role not in known
    ]
    return study, states


def _study_state(manifest: Mapping[str, Any], study: Study, study_file: Path) -> Input:
    same = files.sha256(study_file) == manifest["study_file"].get("sha256")
    mine, theirs = without_machine(study.model_dump(mode="json")), manifest["study"]
    keys = sorted(
        key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key) and key != "simulation"
    )
    if keys and not same:  # the same bytes: what differs is how this evalweave reads them
        return Input("study file", study_file.name, f"differs in {', '.join(keys)}", study_file)
    return Input(
        "study file",
        study_file.name,
        "same" if same else "same but for layout and comments",
        study_file,
    )


def _state(entry: Mapping[str, Any], path: Path) -> Input:
    role, name = str(entry.get("role")), str(entry.get("name"))
    if not path.is_file():
        return Input(role, name, "missing")
    state = "same" if files.sha256(path) == entry.get("sha256") else "differs"
    return Input(role, name, state, path)


def unchanged(inputs: Sequence[Input]) -> bool:
    """Are all inputs what the manifest says?"""
    return all(item.state.startswith("same") for item in inputs)


def altered_files(manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """Return a sentence for each file of the report folder that is not what its manifest vouches
    for."""
    vouched, present = manifest["files"], checksums(folder)
    sentences = [
        f"{name}: is missing from the report folder" for name in sorted(set(vouched) - set(present))
    ]
    sentences += [
        f"{name}: was added to the report folder" for name in sorted(set(present) - set(vouched))
    ]
    return sentences + [
        f"{name}: was changed after {NAME} was written"
        for name in sorted(set(vouched) & set(present))
        if vouched[name] != present[name]
    ]


def rerun_study(study: Study, inputs: Sequence[Input], extract: Path) -> dict[str, Any]:
    """Return the study to rerun, as plain values: nothing simulated, every path the one that was
    checked."""
    value = study.reading_from(str(extract.resolve())).model_dump(mode="json")
    where = {item.role: str(item.path.resolve()) for item in inputs if item.path is not None}
    value["practices"] = where.get("practices", value["practices"])
    value["codelists"] = {
        name: where.get(f"codelist {name}", path) for name, path in value["codelists"].items()
    }
    value["claims"] = where.get("claims", value["claims"])
    if study.resource_use is not None:
        files = {
            key: where.get(key.replace("_", " "), value["resource_use"][key])
            for key in ("unit_costs", "price_index")
        }
        value["resource_use"] = {**value["resource_use"], **files}
    if study.qualitative:
        strand = study.qualitative.with_files(
            lambda key, path: where.get(f"qualitative {key}", path)
        )
        value["qualitative"] = strand.model_dump(mode="json")
    return value


def reduced(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a study to rerun (plain values) with one analysis and nothing that it does not need.

    Raises:
        StudyError: there is no such analysis.
    """
    analyses = [analysis for analysis in value["analyses"] if analysis["name"] == name]
    if not analyses:
        known = [str(analysis["name"]) for analysis in value["analyses"]]
        raise StudyError(f'--only: there is no analysis "{name}". {nearest(name, known)}')
    group = analyses[0].get("comparison") or next(
        key for key, entry in value["comparisons"].items() if entry.get("primary")
    )
    comparison = {**value["comparisons"][group], "primary": True}
    own = analyses[0]["outcome"]
    covariates = [*analyses[0].get("covariates", []), *(comparison.get("balance_on") or [])]
    outcomes = {
        key: entry
        for key, entry in value["outcomes"].items()
        if key == own or f"baseline_{key}" in covariates
    }
    outcomes[own] = {**outcomes[own], "placebo": False}
    others = ("resource_use", "economics")
    return {
        **{key: item for key, item in value.items() if key not in others},
        "analyses": [{**analyses[0], "primary": True}],
        "comparisons": {group: comparison},
        "outcomes": {own: outcomes.pop(own), **outcomes},
        "family": [],
        "claims": None,
        "qualitative": None,
        "report": {**value["report"], "formats": ["html"]},
    }


def other_versions(manifest: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return which versions differ from the published ones, one "name published → now" each.

    `now` is `software()`; code and lock are told by the first digits of their hashes, where the
    release states them.
    """
    before, after = _versions(manifest["software"]), _versions(now)
    return [
        f"{name} {before[name]} → {after[name]}"
        for name in sorted(before)
        if name in after and before[name] != after[name]
    ]


def _versions(software: Mapping[str, Any]) -> dict[str, str]:
    listed = {
        **software.get("dependencies", {}),
        "python": software.get("python"),
        "evalweave": software.get("evalweave"),
        "code": str(software.get("code") or "")[:12],
        "lock": str((software.get("lock") or {}).get("sha256") or "")[:12],
    }
    return {name: str(version) for name, version in listed.items() if version}
